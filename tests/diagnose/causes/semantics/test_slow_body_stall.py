"""The body stopped in its middle."""

from __future__ import annotations

from msgspec.structs import replace

from plainwire.diagnose import diagnose
from plainwire.model import ACK, PSH, Connection
from tests.diagnose.causes.semantics.durations import timed, usual
from tests.diagnose.wire import CLIENT, SERVER, Wire, only


def body(*, stall: float, known: bool = True, window: int = 500) -> Connection:
    """Ten quick answers, then one whose second half comes late."""
    wire = Wire()
    at = usual(wire)
    wire.ask(at)
    exchange = wire.answer(at + 80, framing="content-length" if known else "chunked")
    wire.ack(CLIENT, at + 81)
    wire.rows[-1].window = window
    last = wire.segment(SERVER, at + 81 + stall, length=100, flags=ACK | PSH)
    assert exchange.response is not None
    exchange.response = replace(
        exchange.response, last_packet=last.packet, last_ns=last.time_ns, end=exchange.response.end + 100
    )
    timed(exchange)
    return wire.done()


def test_a_body_that_stops_in_its_middle() -> None:
    finding = only(diagnose([body(stall=2500)]))
    assert (finding.code, finding.fault, finding.failure) == ("slow-body-stall", "server", False)
    assert "silent for 2.501 s" in finding.claim


def test_a_body_whose_length_was_not_known_may_have_had_to_wait() -> None:
    assert diagnose([body(stall=2500, known=False)]) == []


def test_a_client_without_room_stalled_the_body_itself() -> None:
    assert diagnose([body(stall=2500, window=0)]) == []
