"""The server closes a connection after a fixed number of requests."""

from __future__ import annotations

from plainwire.diagnose import diagnose
from tests.diagnose.causes.reuse.policies import lost, run, wires
from tests.diagnose.wire import SERVER, Wire, only


def test_the_same_number_of_requests_on_every_connection_is_a_limit() -> None:
    others = wires(3)
    for number, wire in enumerate(others):
        wire.close(SERVER, "fin", run(wire, 5, pause=10 * number) + 0.3)
    wire = Wire()
    at = run(wire, 5)
    findings = diagnose([lost(wire, at + 2, sent_at=at + 1), *(w.done() for w in others)])
    finding = only(findings)
    assert (finding.code, finding.fault, finding.certainty) == (
        "server-max-requests-close",
        "server",
        "likely",
    )
    assert "with the response to request 5" in finding.claim
    assert finding.retry_safe is True


def test_a_connection_that_carried_more_refutes_the_limit() -> None:
    others = wires(3)
    for wire in others:
        wire.close(SERVER, "fin", run(wire, 5) + 0.3)
    longer = Wire(id=9, first_exchange=200, first_packet=1000)
    run(longer, 7)
    wire = Wire()
    at = run(wire, 5)
    finding = only(diagnose([lost(wire, at + 2, sent_at=at + 1), *(w.done() for w in others), longer.done()]))
    assert finding.code == "close-unannounced-after-response"


def test_equal_numbers_before_idle_closes_are_no_limit() -> None:
    """A program that asks five times and then pauses: the idle timer made those closes."""
    others = wires(3)
    for wire in others:
        wire.close(SERVER, "fin", run(wire, 5) + 1000)
    wire = Wire()
    at = run(wire, 5)
    finding = only(diagnose([lost(wire, at + 1000), *(w.done() for w in others)]))
    assert finding.code == "keepalive-idle-race"
