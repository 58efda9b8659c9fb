"""Packets that were captured twice, told from segments that were sent twice."""

from __future__ import annotations

import pytest

from plainwire.model import FIN, SYN, Side
from plainwire.streams.duplicates import COPY_NS, COPY_WITHOUT_ID_NS
from tests.builders.packets import CLIENT6, SERVER6
from tests.streams.wire import MS, Wire

C, S = Side.CLIENT, Side.SERVER


def talk(*ends: tuple[str, int]) -> Wire:
    wire = Wire(*ends).opened().client(0, b"ask").server(0, b"answer", ack=3).client(3, ack=6)
    return wire.closed(3, 6)


def every_cut(wire: Wire) -> list[tuple[int, ...]]:
    return [(), tuple(range(len(wire.packets))), *((at,) for at in range(1, len(wire.packets)))]


@pytest.mark.parametrize("ttl", [64, 63])
def test_what_two_interfaces_captured_counts_once(ttl: int) -> None:
    once = talk().stream()
    wire = talk().copied(ttl=ttl)
    for cuts in every_cut(wire):
        twice = wire.stream(cuts)
        facts = twice.facts
        assert (facts.packets, facts.duplicates) == (18, 9)
        assert facts.retransmissions == [0, 0]
        assert twice.closes == once.closes
        assert facts.segments is not None
        assert facts.segments.number.tolist() == list(range(1, 19, 2))
        assert facts.rtt_syn_ns == once.facts.rtt_syn_ns
        assert (twice.sent(C), twice.sent(S)) == (b"ask", b"answer")


def test_three_interfaces_behind_each_other() -> None:
    wire = talk()
    wire.packets = [p for packet in wire.packets for p in (packet, packet, packet)]
    facts = wire.stream().facts
    assert (facts.duplicates, facts.retransmissions, len(facts.closes)) == (18, [0, 0], 2)


def test_packets_without_an_identification_count_once_when_they_come_at_once() -> None:
    wire = talk(CLIENT6, SERVER6).copied()
    for cuts in every_cut(wire):
        facts = wire.stream(cuts).facts
        assert facts.retransmissions == [0, 0]
        assert len(facts.closes) == 2
        assert (
            facts.duplicates == 6
        )  # all but the bare acknowledgments, of which any may have been sent twice


def test_a_segment_sent_again_has_an_identification_of_its_own() -> None:
    wire = Wire().opened().server(0, b"answer", at=10).server(0, b"answer", at=10)
    facts = wire.stream().facts
    assert (facts.duplicates, facts.retransmissions) == (0, [0, 1])


@pytest.mark.parametrize("ends", [(), (CLIENT6, SERVER6)])
def test_a_packet_that_comes_again_much_later_was_sent_again(ends: tuple[tuple[str, int], ...]) -> None:
    later = (COPY_WITHOUT_ID_NS if ends else COPY_NS) // MS + 1
    wire = (
        Wire(*ends).opened().server(0, b"answer", at=10, ident=9).server(0, b"answer", at=10 + later, ident=9)
    )
    facts = wire.stream().facts
    assert (facts.duplicates, facts.retransmissions) == (0, [0, 1])


def test_acknowledgments_that_are_equal_stay_where_they_may_all_have_been_sent() -> None:
    wire = Wire(CLIENT6, SERVER6).opened().server(6, b"later", at=10)
    for _ in range(3):
        wire.client(0, ack=0, at=11)
    kept = wire.stream().facts.segments
    assert kept is not None
    assert len(kept) == 7


def test_a_copy_is_known_among_many_segments() -> None:
    wire = Wire().opened()
    for number in range(40):
        wire.server(number, b"x", at=10)
    wire.server(39, b"x", at=10, ident=len(wire.packets)).server(20, b"x", at=10, ident=99)
    for cuts in ((), range(43), (30,)):
        facts = wire.stream(cuts).facts
        assert (facts.duplicates, facts.retransmissions) == (1, [0, 1])


def test_a_copy_is_known_after_very_many_segments_that_were_sent_again() -> None:
    wire = Wire().opened().server(0, b"answer", at=10)
    for number in range(400):
        wire.server(0, b"answer", at=10, ident=1000 + number)
    wire.server(0, b"answer", at=10, ident=1399).server(6, b"!", at=10, ident=1401)
    wire.server(0, b"answer", at=10, ident=1398).server(6, b"!", at=10, ident=1401)
    for cuts in ((), (300,), (403,)):
        facts = wire.stream(cuts).facts
        assert (facts.duplicates, facts.retransmissions) == (3, [0, 400])


def test_a_fin_and_a_syn_captured_twice_are_one() -> None:
    wire = Wire().client(-1, ack=None, flags=SYN, ident=5).client(-1, ack=None, flags=SYN, ident=5)
    wire.server(-1, flags=SYN, at=40).client(0).server(0, flags=FIN, ident=77).server(0, flags=FIN, ident=77)
    for cuts in every_cut(wire):
        facts = wire.stream(cuts).facts
        assert facts.rtt_syn_ns == 40 * MS
        assert [c.repeated for c in facts.closes] == [False]
