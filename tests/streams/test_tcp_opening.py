"""How connections begin: roles and first bytes, from segments that come in any order and number."""

from __future__ import annotations

import pytest

from plainwire.model import ACK, FIN, PSH, RST, SYN, Side
from plainwire.streams.direction import PATIENCE_NS
from plainwire.streams.tcp_connection import LINGER_NS
from tests.streams.wire import MS, Wire, streams

C, S = Side.CLIENT, Side.SERVER
LOW, HIGH = ("192.0.2.7", 20), ("203.0.113.7", 50000)
ASKS = b"GET / HTTP/1.1\r\n\r\n"
PATIENCE = PATIENCE_NS // MS


def every_cut(wire: Wire) -> list[tuple[int, ...]]:
    """In one batch, in batches of one packet, and in two halves everywhere."""
    count = len(wire.packets)
    return [(), tuple(range(count)), *((at,) for at in range(1, count))]


# --- both sides begin (RFC 9293 section 3.5) ---------------------------------------------------------


def test_a_simultaneous_open_is_one_connection() -> None:
    wire = Wire().client(-1, ack=None, flags=SYN).server(-1, ack=None, flags=SYN)
    wire.client(-1, ack=0, flags=SYN).server(-1, ack=0, flags=SYN)
    wire.client(0, b"ask").server(0, b"answer", ack=3).closed(3, 6)
    for cuts in every_cut(wire):
        stream = wire.stream(cuts)
        assert (stream.sent(C), stream.sent(S)) == (b"ask", b"answer")
        assert stream.facts.established
        assert stream.facts.duplicates == 0


@pytest.mark.parametrize("first_acknowledges", [True, False])
def test_a_split_handshake_is_one_connection(first_acknowledges: bool) -> None:  # noqa: FBT001 - a parameter
    wire = Wire().client(-1, ack=None, flags=SYN)
    if first_acknowledges:
        wire.server(-1, ack=0)
    wire.server(-1, ack=None, flags=SYN).client(-1, ack=0, flags=SYN).server(0, ack=0)
    wire.client(0, b"ask").server(0, b"answer", ack=3).closed(3, 6)
    for cuts in every_cut(wire):
        stream = wire.stream(cuts)
        assert (stream.sent(C), stream.sent(S)) == (b"ask", b"answer")
        assert str(stream.facts.client) == "192.0.2.7:40000"
        assert stream.gaps == ([], [])


def test_a_syn_of_the_server_on_an_open_connection_begins_another() -> None:
    wire = Wire().opened().client(0, b"ask").server(0, b"answer", ack=3)
    wire.server(700_000, ack=None, flags=SYN)
    for cuts in every_cut(wire):
        one, two = wire.streams(cuts)
        assert str(two.facts.client) == "203.0.113.7:443"
        assert one.facts.packets == 5


# --- captured out of order -----------------------------------------------------------------------------


def test_segments_captured_ahead_of_the_syn_belong_to_its_connection() -> None:
    wire = Wire().client(0).client(0, ASKS).client(-1, ack=None, flags=SYN).server(-1, flags=SYN)
    wire.server(0, b"answer", ack=len(ASKS))
    for cuts in every_cut(wire):
        stream = wire.stream(cuts)
        assert (stream.sent(C), stream.sent(S)) == (ASKS, b"answer")
        assert not stream.facts.mid_stream


def test_segments_far_from_a_syn_are_of_an_older_connection() -> None:
    wire = Wire().client(-5_000_000, b"old", ack=-7_000_000).opened().client(0, ASKS)
    for cuts in every_cut(wire):
        old, new = wire.streams(cuts)
        assert (old.facts.mid_stream, new.facts.mid_stream) == (True, False)
        assert (old.sent(C), new.sent(C)) == (b"old", ASKS)


def test_early_answers_in_disorder_ahead_of_the_syn_ack_are_not_lost() -> None:
    wire = Wire().client(-1, ack=None, flags=SYN).server(1, b"nswer").server(0, b"a").server(-1, flags=SYN)
    for cuts in every_cut(wire):
        assert wire.stream(cuts).sent(S) == b"answer"


def test_in_mid_connection_disorder_at_the_start_loses_nothing() -> None:
    wire = Wire().client(704, b"second", ack=900).client(700, b"GET ", ack=900).server(900, b"x", ack=710)
    for cuts in every_cut(wire):
        stream = wire.stream(cuts)
        assert stream.sent(C) == b"GET second"
        assert stream.gaps == ([], [])


# --- in mid-connection ---------------------------------------------------------------------------------


def test_in_mid_connection_the_role_is_the_same_whatever_the_batches() -> None:
    wire = Wire(LOW, HIGH).server(900, b"more of a body", ack=700).client(700, ack=914)
    wire.server(914, b"and its end", ack=700).client(700, ASKS, ack=925)
    for cuts in every_cut(wire):
        facts = wire.stream(cuts).facts
        assert (facts.client.port, facts.roles_guessed, facts.mid_stream) == (20, True, True)


def test_in_mid_connection_the_first_acknowledgment_does_not_say_where_the_first_byte_was() -> None:
    wire = Wire().server(900, ack=700).client(760, b"ask", ack=900).server(900, b"answer", ack=763)
    for cuts in every_cut(wire):
        stream = wire.stream(cuts)
        assert (stream.sent(C), stream.sent(S)) == (b"ask", b"answer")
        assert stream.gaps == ([], [])


def test_a_first_byte_that_is_pushed_is_no_keep_alive_probe() -> None:
    wire = Wire().client(700, b"1", ack=900, flags=PSH).server(900, ack=701).client(701, b"2", ack=900)
    for cuts in every_cut(wire):
        assert wire.stream(cuts).sent(C) == b"12"


def test_what_never_says_who_is_who_is_not_held_back_for_ever() -> None:
    wire = Wire()
    for number in range(60):
        wire.client(700 + number, b"x", ack=900)
    wire.client(760, ASKS, ack=900)
    for cuts in ((), range(61)):
        stream = wire.stream(cuts)
        assert stream.sent(C) == b"x" * 60 + ASKS
        assert stream.facts.roles_guessed


def test_what_says_who_is_who_too_late_changes_nothing() -> None:
    wire = Wire(LOW, HIGH).server(900, b"more", ack=700).client(700, ack=904, at=PATIENCE + 100)
    wire.client(700, ASKS, ack=904)
    for cuts in every_cut(wire):
        assert wire.stream(cuts).facts.client.port == 50000


def test_a_reset_known_only_by_acknowledgments_keeps_its_offsets_when_the_first_byte_is_seen() -> None:
    wire = Wire().client(700, ASKS, ack=900).reset(C, 718, 950).server(950, b"late", ack=718)
    for cuts in every_cut(wire):
        stream = wire.stream(cuts)
        assert stream.closes == [("rst", C, 18, 0)]
        assert stream.sent(S) == b"late"


# --- refused, scanned, cut short -----------------------------------------------------------------------


def test_a_refused_connection_is_let_go_of() -> None:
    wire = Wire(isn=(1000, -1)).client(-1, ack=None, flags=SYN).reset(S, 0, 0)
    other = Wire(("192.0.2.7", 40001)).client(-1, ack=None, flags=SYN, at=LINGER_NS // MS + 100)
    again = Wire(isn=(1000, 5000)).client(-1, ack=None, flags=SYN, at=LINGER_NS // MS + 200)
    packets = wire.packets + other.packets + again.packets
    for cuts in ((), range(4)):
        assert [s.facts.packets for s in streams(packets, cuts)] == [2, 1, 1]


def test_a_reset_ahead_of_the_syn_ack_stays_an_end_when_nothing_else_comes() -> None:
    wire = Wire().client(-1, ack=None, flags=SYN).reset(C, 0)
    for cuts in every_cut(wire):
        assert wire.stream(cuts).closes == [("rst", C, 0, None)]


def test_one_segment_alone_is_a_connection() -> None:
    stream = Wire().add(C, 700, b"ask", ack=900, flags=FIN).stream()
    assert stream.sent(C) == b"ask"
    assert stream.closes == [("fin", C, 3, 0)]
    assert stream.facts.segments is not None
    assert stream.facts.segments.flags.tolist() == [FIN | ACK]


def test_a_reset_alone_is_a_connection() -> None:
    assert Wire().reset(S, 5, 7).stream().closes == [("rst", S, 0, 0)]
    assert Wire().add(C, 5, ack=None, flags=RST).stream().facts.mid_stream
