"""The smallest round trip."""

from __future__ import annotations

from plainwire.diagnose.evidence.round_trip import shortest_rtt
from tests.diagnose.wire import CLIENT, MS, SERVER, Wire


def test_the_round_trip_is_the_smallest_seen() -> None:
    wire = Wire(rtt=80)
    wire.ask(0)
    wire.ack(SERVER, 50, ack=99)
    assert shortest_rtt(wire.done()) == 50 * MS


def test_a_retransmitted_request_gives_no_round_trip() -> None:
    """The acknowledgment 2 ms after the second copy answers the first one."""
    wire = Wire(rtt=80)
    wire.ask(0)
    wire.segment(CLIENT, 78, length=99, seq=0)
    wire.ack(SERVER, 80, ack=99)
    assert shortest_rtt(wire.done()) == 80 * MS
