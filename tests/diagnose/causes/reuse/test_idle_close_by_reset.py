"""The idle connection was ended by a reset instead of a close."""

from __future__ import annotations

from plainwire.diagnose import diagnose
from tests.diagnose.causes.reuse.policies import run, wires
from tests.diagnose.wire import SERVER, Wire, only


def test_other_idle_connections_that_ended_by_reset_are_counted() -> None:
    others = wires(2)
    for number, wire in enumerate(others):
        run(wire, 1)
        wire.close(SERVER, "rst", 1080 + number)
    wire = Wire()
    run(wire, 1)
    wire.ask(1050)
    wire.close(SERVER, "rst", 1080, ack=99)
    finding = only(diagnose([wire.done("unanswered"), *(w.done() for w in others)]))
    assert finding.code == "idle-close-by-reset"
    assert "It ended 3 idle connections like this, after 1.000 s to 1.001 s" in finding.claim


def test_an_idle_close_by_reset_is_a_race_that_is_only_likely() -> None:
    wire = Wire()
    wire.ok(0)
    wire.ask(1040, method="POST")
    wire.close(SERVER, "rst", 1080)
    finding = only(diagnose([wire.done("unanswered")]))
    assert (finding.code, finding.fault, finding.certainty) == ("idle-close-by-reset", "both", "likely")
    assert finding.retry_safe is True
