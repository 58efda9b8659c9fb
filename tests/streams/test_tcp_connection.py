"""What real paths do to a connection once it is open."""

from __future__ import annotations

import pytest

from plainwire.model import ACK, FIN, PSH, RST, SYN, Side
from plainwire.streams.direction import FARTHEST, PATIENCE_NS
from plainwire.streams.tcp_connection import LINGER_NS, SETTLED_NS
from tests.streams.wire import MS, Wire

C, S = Side.CLIENT, Side.SERVER
URG = 0x20
PATIENCE = PATIENCE_NS // MS
LINGER, SETTLED = LINGER_NS // MS, SETTLED_NS // MS


def every_cut(wire: Wire) -> list[tuple[int, ...]]:
    """In one batch, in batches of one packet, and in two halves everywhere."""
    count = len(wire.packets)
    return [(), tuple(range(count)), *((at,) for at in range(1, count))]


# --- ends that the capture lost ------------------------------------------------------------------------


def test_a_fin_that_was_acknowledged_and_never_seen_is_no_gap() -> None:
    wire = Wire().opened().client(0, b"ask").server(0, b"answer", ack=3)
    wire.client(3, ack=7, flags=FIN).server(7, ack=4)
    for cuts in every_cut(wire):
        stream = wire.stream(cuts)
        assert stream.gaps == ([], [])
        assert stream.closes == [("fin", C, 3, 7)]


def test_a_byte_that_was_acknowledged_and_never_seen_is_a_gap_while_the_connection_goes_on() -> None:
    wire = Wire().opened().server(0, b"answer").client(0, ack=6).client(0, ack=7)
    for cuts in every_cut(wire):
        assert wire.stream(cuts).gaps[S] == [(6, 1)]


def test_of_many_lost_bytes_only_the_fin_is_left_out() -> None:
    wire = (
        Wire().opened().server(0, b"answer").client(0, ack=6).client(0, ack=90).client(0, ack=91, flags=FIN)
    )
    for cuts in every_cut(wire):
        assert wire.stream(cuts).gaps[S] == [(6, 84)]


def test_one_side_alone_shows_how_much_the_other_sent() -> None:
    wire = Wire().client(700, b"GET / HTTP/1.1\r\n\r\n", ack=900)
    for received in range(0, 14480 + 1, 1448):
        wire.client(718, ack=900 + received)
    wire.client(718, ack=900 + 14481, flags=FIN)
    for cuts in every_cut(wire):
        stream = wire.stream(cuts)
        assert stream.gaps[S] == [(0, 14480)]
        assert stream.facts.sizes == [18, 14480]


# --- ports used again ----------------------------------------------------------------------------------


def test_a_closed_connections_ports_used_again_where_the_syn_was_not_captured() -> None:
    first = Wire().opened().client(0, b"first").closed(5)
    second = Wire(isn=(900_000, 17)).server(-1, flags=SYN).client(0, b"second").server(0, ack=6)
    first.packets += second.packets
    for cuts in every_cut(first):
        one, two = first.streams(cuts)
        assert (one.sent(C), two.sent(C)) == (b"first", b"second")
        assert not two.facts.mid_stream


def test_a_client_that_tries_again_with_another_sequence_number_begins_anew() -> None:
    wire = Wire().client(-1, ack=None, flags=SYN)
    again = Wire(isn=(77_000, 5000)).client(-1, ack=None, flags=SYN, at=1000).server(-1, flags=SYN).client(0)
    wire.packets += again.client(0, b"ask").packets
    for cuts in every_cut(wire):
        refused, taken = wire.streams(cuts)
        assert (refused.facts.established, taken.facts.established) == (False, True)
        assert taken.sent(C) == b"ask"


def test_what_comes_long_after_the_end_is_another_connection() -> None:
    wire = Wire().opened().closed().server(1, ack=1, at=SETTLED + 100)
    for cuts in every_cut(wire):
        assert [s.facts.packets for s in wire.streams(cuts)] == [6, 1]


def test_a_straggler_soon_after_the_end_is_not() -> None:
    wire = Wire().opened().closed().server(1, ack=1, at=SETTLED - 100)
    for cuts in every_cut(wire):
        assert wire.stream(cuts).facts.packets == 7


@pytest.mark.parametrize(("later", "connections"), [(LINGER - 100, 1), (LINGER + 100, 2)])
@pytest.mark.parametrize("flags", [RST, FIN])
def test_where_something_may_come_again_stragglers_are_waited_for_longer(
    flags: int, later: int, connections: int
) -> None:
    wire = Wire().opened().client(0, flags=FIN).server(0, ack=0, flags=flags)  # a FIN is not acknowledged
    wire = wire.server(1, ack=1, at=later)
    assert len(wire.streams()) == connections


# --- data in odd places --------------------------------------------------------------------------------


def test_data_on_a_syn_that_were_not_taken_are_sent_again() -> None:  # RFC 7413 section 4.2.2
    wire = Wire().client(-1, b"ask", ack=None, flags=SYN).server(-1, ack=0, flags=SYN).client(0, b"ask")
    wire.server(0, b"answer", ack=3)
    for cuts in every_cut(wire):
        stream = wire.stream(cuts)
        assert (stream.sent(C), stream.sent(S)) == (b"ask", b"answer")
        assert stream.facts.retransmissions == [1, 0]


def test_data_on_a_syn_ack_are_the_first_of_the_server() -> None:
    wire = Wire().client(-1, ack=None, flags=SYN).server(-1, b"hello", flags=SYN).client(0, ack=5)
    for cuts in every_cut(wire):
        assert wire.stream(cuts).sent(S) == b"hello"


def test_urgent_data_stay_in_the_stream() -> None:
    wire = Wire().opened().client(0, b"ab!", flags=URG | PSH).client(3, b"cd")
    assert wire.stream().sent(C) == b"ab!cd"


def test_a_zero_window_probe_of_one_new_byte_is_had_once() -> None:
    wire = Wire().opened().server(0, b"answer").client(0, ack=6).server(6, b"x", at=300).client(0, ack=6)
    wire.server(6, b"xyz", at=600).client(0, ack=9).server(8, b"", at=800)
    for cuts in every_cut(wire):
        stream = wire.stream(cuts)
        assert stream.sent(S) == b"answerxyz"
        assert stream.facts.conflicting == []


def test_data_after_a_reset_are_still_seen() -> None:
    wire = Wire().opened().client(0, b"ask").reset(S, 0, 3).server(0, b"answer", ack=3)
    for cuts in every_cut(wire):
        stream = wire.stream(cuts)
        assert stream.sent(S) == b"answer"
        assert stream.closes == [("rst", S, 0, 3)]


def test_an_acknowledgment_of_what_was_never_sent_is_junk() -> None:
    wire = Wire().opened().server(0, b"answer").client(0, ack=FARTHEST + 100).client(0, ack=6)
    for cuts in every_cut(wire):
        assert wire.stream(cuts).gaps[S] == []


def test_a_stream_of_more_than_the_sequence_space() -> None:
    wire = Wire().opened()
    sent, step = 0, 900_000_000  # what lies between was lost, and is known by the acknowledgments
    for _ in range(7):
        wire.server(sent, b"data", flags=ACK).client(0, ack=sent + 4).client(0, ack=sent + step)
        sent += step
        wire.packets[-1] = (wire.packets[-1][0] + 2 * PATIENCE, *wire.packets[-1][1:])
    stream = wire.server(sent, b"end!").stream(range(len(wire.packets)))
    assert stream.facts.sizes[S] == 7 * step + 4
    assert stream.sent(S) == b"data" * 7 + b"end!"


@pytest.mark.parametrize("lost", [900_000_000, 1_900_000_000, 3_000_000_000])
def test_the_stream_goes_on_behind_a_loss_of_any_size_where_both_sides_say_so(lost: int) -> None:
    wire = Wire().opened().server(0, b"data").client(0, ack=4)
    wire.client(0, ack=4 + lost, at=20_000).server(4 + lost, b"more").client(0, ack=8 + lost)
    wire.server(8 + 2 * lost, b"junk", at=60_000).server(8 + lost, b"end", flags=FIN)
    if lost < FARTHEST:
        del wire.packets[-2]
    for cuts in every_cut(wire):
        stream = wire.stream(cuts)
        assert stream.sent(S) == b"datamoreend"
        assert stream.gaps[S] == [(4, lost)]
        assert stream.closes == [("fin", S, 11 + lost, 0)]


# --- copies that differ --------------------------------------------------------------------------------


@pytest.mark.parametrize("second", [(0, b"lies"), (2, b"ueX+"), (0, b"trueX")])
def test_packets_whose_bytes_differ_from_those_seen_before_are_named(second: tuple[int, bytes]) -> None:
    start, data = second
    wire = Wire().opened().server(0, b"true").server(start, data)
    same = data[: 4 - start] == b"true"[start:]
    for cuts in every_cut(wire):
        stream = wire.stream(cuts)
        assert stream.sent(S)[:4] == b"true"
        assert stream.facts.conflicting == ([] if same else [5])


def test_an_early_segment_that_differs_from_what_fills_the_hole_is_named() -> None:
    wire = Wire().opened().server(2, b"XY+").server(0, b"true")
    for cuts in every_cut(wire):
        stream = wire.stream(cuts)
        assert stream.sent(S) == b"true+"
        assert stream.facts.conflicting == [4]


def test_a_keep_alive_probe_with_any_byte_is_no_conflict() -> None:
    wire = Wire().opened().server(0, b"true").client(0, ack=4).server(3, b"\0").client(0, ack=4)
    assert wire.stream().facts.conflicting == []


# --- time ----------------------------------------------------------------------------------------------


def test_a_hole_is_given_up_at_the_same_packet_whatever_the_batches() -> None:
    wire = Wire().opened().server(0, b"a" * 10).server(20, b"c" * 10, at=10).client(0, ack=30, at=11)
    for number in range(40):
        wire.server(30 + number, b"d", at=20 + number)
    wire.server(70, b"e", at=PATIENCE + 500).server(10, b"b" * 10, at=PATIENCE + 501).reset(C, 0, 71)
    for cuts in every_cut(wire):
        stream = wire.stream(cuts)
        assert stream.gaps[S] == [(10, 10)]
        assert stream.facts.retransmissions == [0, 1]


def test_times_that_fall_make_no_difference_to_what_is_swept() -> None:
    wire = Wire().opened().closed()
    other = Wire(("192.0.2.7", 40001)).client(-1, ack=None, flags=SYN, at=LINGER + 100)
    wire.packets += other.packets
    wire.server(1, ack=1, at=50)  # captured late, with an early time
    for cuts in every_cut(wire):
        assert [s.facts.packets for s in wire.streams(cuts)] == [6, 1, 1]


def test_a_connection_without_any_acknowledgment_flag() -> None:
    wire = Wire().opened().client(0, b"ask", ack=None).add(S, 0, b"answer", ack=None).reset(S, 6)
    stream = wire.stream()
    assert (stream.sent(C), stream.sent(S)) == (b"ask", b"answer")
    assert stream.facts.segments is not None
    assert stream.facts.segments.ack.tolist()[3:] == [-1, -1, -1]
    assert stream.facts.segments.flags.tolist()[-1] == RST
