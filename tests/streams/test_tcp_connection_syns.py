"""What the segments with SYN offered is kept, with the side that offered it."""

from __future__ import annotations

from plainwire.model import ACK, CWR, ECE, SYN, Side, SynOptions
from tests.streams.wire import Wire

C, S = Side.CLIENT, Side.SERVER
SCALED = bytes.fromhex("01030307")  # window scale 7 (RFC 7323 section 2.2)
BARE = SynOptions()
SEVEN = SynOptions(window_scale=7)


def kept(wire: Wire, cuts: tuple[int, ...] = ()) -> list[tuple[int, Side, SynOptions | None, bool]]:
    return [(s.packet, s.side, s.options, s.marked) for s in wire.stream(cuts).facts.syns]


def test_both_sides_offers_are_there_in_order_of_time() -> None:
    wire = Wire().client(-1, ack=None, flags=SYN, options=SCALED).server(-1, flags=SYN).client(0)
    for cuts in ((), (1,), (2,), (1, 2)):
        assert kept(wire, cuts) == [(1, C, SEVEN, False), (2, S, BARE, False)]


def test_an_answer_captured_ahead_of_its_syn_is_the_servers() -> None:
    wire = Wire().server(-1, flags=SYN, options=SCALED).client(-1, ack=None, flags=SYN).client(0)
    for cuts in ((), (1,), (2,), (1, 2)):
        assert kept(wire, cuts) == [(1, S, SEVEN, False), (2, C, BARE, False)]


def test_marks_of_ecn_are_those_of_rfc_3168() -> None:
    wire = Wire().client(-1, ack=None, flags=SYN | ECE | CWR)
    wire.client(-1, ack=None, flags=SYN, at=1000).server(-1, flags=SYN | ECE).client(0)
    assert [marked for *_, marked in kept(wire)] == [True, False, True]
    one_bit = Wire().client(-1, ack=None, flags=SYN | ECE).server(-1, flags=SYN | CWR).client(0)
    assert [marked for *_, marked in kept(one_bit)] == [False, False]


def test_a_packet_captured_twice_is_one_offer() -> None:
    wire = Wire().client(-1, ack=None, flags=SYN, options=SCALED).server(-1, flags=SYN, options=SCALED)
    assert len(kept(wire.client(0).copied(ttl=63))) == 2


def test_a_flood_of_syns_is_not_kept_to_the_last() -> None:
    wire = Wire()
    for _ in range(500):
        wire.client(-1, ack=None, flags=SYN, options=SCALED)
    wire.server(-1, flags=SYN | ACK).client(0)
    sides = [side for _, side, _, _ in kept(wire)]
    assert (sides.count(C), sides.count(S)) == (8, 1)
