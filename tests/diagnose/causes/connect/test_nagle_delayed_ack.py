"""Small writes that wait for a delayed acknowledgment."""

from __future__ import annotations

from msgspec.structs import replace

from plainwire.diagnose import diagnose
from plainwire.model import ACK, PSH, Finding
from tests.diagnose.causes.semantics.durations import timed
from tests.diagnose.wire import CLIENT, SERVER, Wire, only


def small_writes(*, delay: float, count: int = 6) -> list[Finding]:
    """Responses in two segments, the second of which waits for the client's acknowledgment."""
    wire = Wire(rtt=1.0)
    for place in range(count):
        at = place * 500.0
        wire.ask(at)
        exchange = wire.answer(at + 1)
        wire.ack(CLIENT, at + 1 + delay)
        last = wire.segment(SERVER, at + 2 + delay, length=100, flags=ACK | PSH)
        assert exchange.response is not None
        exchange.response = replace(
            exchange.response, last_packet=last.packet, last_ns=last.time_ns, end=exchange.response.end + 100
        )
        timed(exchange)
    return diagnose([wire.done()])


def test_two_small_writes_that_wait_for_a_delayed_acknowledgment() -> None:
    finding = only(small_writes(delay=41))
    assert (finding.code, finding.fault, finding.failure) == ("nagle-delayed-ack", "server", False)


def test_a_few_of_them_or_another_delay_are_no_pattern() -> None:
    assert small_writes(delay=41, count=3) == []
    assert small_writes(delay=120) == []


def test_the_delay_of_a_program_that_thinks_between_two_writes_is_not_tied_to_the_acknowledgment() -> None:
    wire = Wire(rtt=1.0)
    for place in range(6):
        at = place * 500.0
        wire.ask(at)
        exchange = wire.answer(at + 1)
        wire.ack(CLIENT, at + 2)
        last = wire.segment(SERVER, at + 45, length=100, flags=ACK | PSH)
        assert exchange.response is not None
        exchange.response = replace(exchange.response, last_packet=last.packet, last_ns=last.time_ns)
        timed(exchange)
    assert diagnose([wire.done()]) == []
