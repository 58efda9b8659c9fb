"""The steps of the diagram: what decides is in it, what does not matter is counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plainwire import model
from plainwire.report.page.sequence import MOST_STEPS, diagram
from tests.diagnose.wire import CLIENT, SERVER, Wire
from tests.report.samples import report

if TYPE_CHECKING:
    from plainwire.model import Connection, Finding


def drawn(connection: Connection, testimony: model.Testimony | None = None) -> tuple[dict[str, Any], Finding]:
    made = report(connection)
    made.testimony = testimony
    finding = made.findings[0]
    last = connection.exchanges[-1]
    return diagram(made, finding, connection, last), finding


def race() -> Wire:
    wire = Wire(rtt=80)
    wire.ok(0)
    wire.ask(1000, "/late")
    wire.close(SERVER, "fin", 1040)
    wire.segment(SERVER, 1081, flags=4, seq=200, ack=-1)
    return wire


def test_request_close_and_the_number_that_it_acknowledges_are_in_it() -> None:
    found, finding = drawn(race().done("unanswered"))
    steps = {step["packet"]: step for step in found["steps"]}
    assert {e.packet for e in finding.evidence} <= set(steps)
    (request,) = [step for step in found["steps"] if step["label"].startswith("GET /late")]
    (close,) = [step for step in found["steps"] if step["label"] == "FIN"]
    assert (request["from"], close["from"]) == ("client", "server")
    assert close["ack"] == request["seq"]  # as Wireshark counts: nothing of the request had come by then
    assert close["says"]
    assert found["rtt"] == 80_000


def test_what_the_program_said_stands_at_its_moment_without_secrets() -> None:
    at = race().done().last_ns + 5_000
    said = model.Saying(at, 7, "closed token=hunter2\x1b[2J", "RemoteDisconnected", "http.client", exchange=2)
    found, _ = drawn(race().done("unanswered"), model.Testimony(["x"], 1, [], sayings=[said]))
    (one,) = found["said"]
    assert (one["time"], one["label"]) == (at // 1000, "RemoteDisconnected")
    assert "hunter2" not in one["text"]
    assert "\x1b" not in one["text"]


def test_a_long_transfer_is_counted_and_its_ends_are_shown() -> None:
    wire = Wire()
    wire.ok(0)
    wire.ask(500, "/large")
    for number in range(500):
        wire.segment(SERVER, 600 + number, length=1000)
        wire.ack(CLIENT, 600.5 + number)
    wire.close(SERVER, "rst", 1200)
    found, _ = drawn(wire.done("unanswered"))
    assert len(found["steps"]) <= MOST_STEPS + 10
    skipped = [step for step in found["steps"] if "skipped" in step]
    assert sum(step["skipped"] for step in skipped) > 900
    assert sum(step["bytes"][1] for step in skipped) > 490_000
    assert found["steps"][0]["packet"] <= wire.exchanges[-1].request.packet  # type: ignore[union-attr]
    assert found["steps"][-1]["label"].startswith("RST")
