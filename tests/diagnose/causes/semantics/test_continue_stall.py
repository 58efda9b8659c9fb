"""A request waited for a 100 (Continue) that did not come."""

from __future__ import annotations

from msgspec.structs import replace

from plainwire.diagnose import diagnose
from plainwire.model import ACK, PSH, Finding
from tests.diagnose.causes.semantics.durations import timed
from tests.diagnose.wire import CLIENT, SERVER, Wire, only


def expecting(*, wait: float = 1000, interim: bool = False) -> list[Finding]:
    wire = Wire()
    exchange = wire.ask(0, method="PUT", size=200)
    assert exchange.request is not None
    exchange.request.headers.append(("Expect", "100-continue"))
    wire.ack(SERVER, 80)
    last = wire.segment(CLIENT, wait, length=2048, flags=ACK | PSH)
    exchange.request.end, exchange.request.body_size = 2248, 2048
    exchange.request.last_packet, exchange.request.last_ns = last.packet, last.time_ns
    answered = wire.answer(wait + 81)
    timed(answered)
    if interim:
        assert answered.response is not None
        answered.interim.append(replace(answered.response, status=100))
    return diagnose([wire.done()])


def test_a_body_that_waited_for_a_100_in_vain() -> None:
    finding = only(expecting())
    assert (finding.code, finding.fault, finding.certainty) == ("100-continue-stall", "server", "proved")
    assert not finding.failure


def test_a_100_that_came_refutes_it() -> None:
    assert expecting(interim=True) == []
