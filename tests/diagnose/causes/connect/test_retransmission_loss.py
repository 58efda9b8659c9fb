"""Bytes that went out again and again, or arrived only when sent again."""

from __future__ import annotations

from plainwire.diagnose import diagnose
from plainwire.model import ACK, PSH, Finding
from tests.diagnose.causes.semantics.durations import timed, usual
from tests.diagnose.wire import CLIENT, SERVER, Wire, only


def resent(*, late: float) -> list[Finding]:
    wire = Wire()
    usual(wire)
    request = wire.ask(5000).request
    assert request is not None
    wire.segment(CLIENT, 5000 + late, seq=request.start, length=99, flags=ACK | PSH)
    wire.ack(SERVER, 5000 + late + 80)
    timed(wire.answer(5000 + late + 90))
    connection = wire.done()
    connection.retransmissions[CLIENT] = 1
    return diagnose([connection])


def test_a_request_that_arrived_only_when_sent_again() -> None:
    finding = only(resent(late=220))
    assert (finding.code, finding.fault, finding.failure) == ("retransmission-loss", "path", False)
    assert "220 ms later" in finding.claim


def test_a_copy_that_follows_at_once_cost_nothing() -> None:
    assert resent(late=30) == []


def unheard(*, times: int) -> list[Finding]:
    """A whole response in the capture, of which the client's close acknowledges nothing."""
    wire = Wire(rtt=1)
    wire.ask(0)
    wire.ack(SERVER, 1)
    response = wire.answer(4000).response
    assert response is not None
    for again in range(1, times):
        wire.segment(SERVER, 4000 + 300 * again, seq=response.start, length=200, flags=ACK | PSH)
    wire.close(CLIENT, "fin", 5003, ack=response.start)
    connection = wire.done()
    connection.retransmissions[SERVER] = times - 1
    return diagnose([connection])


def test_a_response_that_the_client_s_host_never_took_was_lost_behind_the_capture() -> None:
    finding = only(unheard(times=3))
    assert (finding.code, finding.fault, finding.certainty) == ("retransmission-loss", "path", "likely")
    assert "3 times in 600 ms" in finding.claim
    assert unheard(times=1) == []
