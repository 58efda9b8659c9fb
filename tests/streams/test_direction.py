"""One direction of a connection: what was sent comes out, or a gap that says how much did not."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plainwire.model import FIN, SYN, Gap, Side
from plainwire.streams import direction, plain_run
from plainwire.streams.tcp_assembler import Assembler
from tests.builders.packets import CLIENT, CLIENT6, SERVER, SERVER6
from tests.streams.wire import MS, START_NS, Wire, everything, segments, streams

C, S = Side.CLIENT, Side.SERVER
TEXT = bytes(range(100))
WINDOW = 2**32


def opened() -> Wire:
    return Wire().opened()


def server_sends(*pieces: tuple[int, int]) -> Wire:
    """A connection on which the server sends these ranges of TEXT."""
    wire = opened()
    for start, end in pieces:
        wire.server(start, TEXT[start:end])
    return wire


@pytest.mark.parametrize(
    ("pieces", "retransmissions"),
    [
        ([(0, 10), (10, 30)], 0),
        ([(10, 30), (0, 10)], 0),  # reordered
        ([(20, 30), (10, 20), (0, 10)], 0),
        ([(0, 10), (0, 10), (10, 30)], 1),  # sent again
        ([(0, 10), (5, 30)], 0),  # in part old
        ([(0, 20), (5, 10), (20, 30)], 1),  # all old
        ([(10, 20), (15, 30), (0, 10)], 0),  # overlapping while they wait
        ([(10, 30), (15, 20), (0, 10)], 1),  # one inside the other
        ([(10, 20), (10, 20), (0, 10), (20, 30)], 1),
        ([(0, 10), (20, 30), (5, 25)], 0),  # a hole filled with more than is missing
    ],
)
def test_bytes_come_in_order_and_once(pieces: list[tuple[int, int]], retransmissions: int) -> None:
    stream = server_sends(*pieces).stream()
    assert (stream.sent(S), stream.gaps[S]) == (TEXT[:30], [])
    assert stream.facts.retransmissions == [0, retransmissions]


def test_of_copies_that_differ_the_first_one_counts() -> None:
    wire = opened().server(0, b"true").server(0, b"lies").server(2, b"LIEs")
    assert wire.stream().sent(S) == b"trueEs"


@pytest.mark.parametrize("isn", [WINDOW - 1, WINDOW - 2, WINDOW - 50, 2**31 - 50])
def test_sequence_numbers_wrap_around(isn: int) -> None:
    wire = Wire(isn=(isn, isn)).opened()
    for at in (0, 20, 10, 30, 60, 40, 50):
        wire.server(at, TEXT[at : at + 10])
    wire.server(70, flags=FIN)
    stream = wire.stream()
    assert stream.sent(S) == TEXT[:70]
    assert stream.closes == [("fin", S, 70, 0)]


def test_a_missing_segment_is_a_gap_of_its_size() -> None:
    stream = server_sends((0, 10), (25, 40)).stream()
    assert stream.sent(S) == TEXT[:10] + TEXT[25:40]
    assert stream.gaps[S] == [(10, 15)]


def test_a_gap_is_given_up_only_when_acknowledged_and_old() -> None:
    patience = direction.PATIENCE_NS // 1_000_000
    hole = server_sends((0, 10), (25, 40))
    unacknowledged = hole.packets.copy()
    wire = hole.client(0, ack=40).client(0, ack=40, at=patience + 500)
    late = wire.server(10, TEXT[10:25], at=patience + 600)
    each = range(len(late.packets))
    assert late.stream(each).gaps[S] == [(10, 15)]
    wire.packets = unacknowledged
    wire.client(0, ack=10, at=patience + 500).server(10, TEXT[10:25], at=patience + 600)
    assert wire.stream(each).gaps[S] == []


def test_what_was_acknowledged_and_never_seen_is_a_gap_at_the_end() -> None:
    stream = server_sends((0, 10)).client(0, ack=60).stream()
    assert stream.gaps[S] == [(10, 50)]


def test_what_must_have_been_sent_before_a_fin_is_a_gap() -> None:
    stream = server_sends((0, 10)).server(60, flags=FIN).stream()
    assert stream.gaps[S] == [(10, 50)]
    assert stream.closes == [("fin", S, 60, 0)]


def test_the_acknowledgment_of_a_fin_is_no_byte_of_the_stream() -> None:
    assert opened().server(0, b"bye", flags=FIN).client(0, ack=4).stream().gaps == ([], [])


def test_segments_cut_by_the_snap_length_give_what_is_there() -> None:
    wire = opened().server(0, TEXT[:10], snap=4).server(10, TEXT[10:20], snap=0).server(20, TEXT[20:30])
    stream = wire.stream()
    assert stream.sent(S) == TEXT[:4] + TEXT[20:30]
    assert stream.gaps[S] == [(4, 6), (10, 10)]
    assert stream.facts.snapped
    assert not server_sends((0, 10)).stream().facts.snapped


def test_early_segments_cut_by_the_snap_length_give_what_is_there() -> None:
    wire = opened().server(10, TEXT[10:20], snap=3).server(0, TEXT[:10], snap=10)
    stream = wire.stream()
    assert stream.sent(S) == TEXT[:13]
    assert stream.gaps[S] == [(13, 7)]


@pytest.mark.parametrize("offset", [2**30 + 100, 2**31 - 1, -(2**30), -5])
def test_junk_from_outside_the_window_changes_nothing(offset: int) -> None:
    wire = opened().server(0, TEXT[:10]).server(offset, b"junk!").client(0, ack=10).server(10, TEXT[10:20])
    stream = wire.stream()
    assert (stream.sent(S), stream.gaps[S]) == (TEXT[:20], [])


def test_an_acknowledgment_from_outside_the_window_is_no_gap() -> None:
    wire = server_sends((0, 10)).client(0, ack=2**30 + 100)
    assert wire.stream().gaps[S] == []


def test_data_in_a_syn_are_the_first_of_the_stream() -> None:
    wire = Wire().client(-1, b"early", ack=None, flags=SYN).server(-1, ack=5, flags=SYN).client(5, b" late")
    assert wire.stream().sent(C) == b"early late"


# --- the way back to packets ---------------------------------------------------------------------------


def test_each_byte_leads_back_to_the_packet_that_brought_it_first() -> None:
    wire = server_sends((0, 10), (20, 30), (5, 12), (10, 20), (10, 20))  # packets 4 to 8
    bringers = [4] * 10 + [6] * 2 + [7] * 8 + [5] * 10
    for cuts in ((), range(len(wire.packets))):
        located = wire.stream(cuts).located(S)
        assert [number for number, _ in located.values()] == bringers
        assert [time for _, time in located.values()] == [START_NS + (n - 1) * MS for n in bringers]


def test_what_is_forgotten_of_old_packets_changes_nothing_for_later_bytes() -> None:
    stream = server_sends((0, 10), (10, 20), (20, 30)).stream()
    before = stream.located(S)
    positions = stream.connection.directions[S].positions
    positions.forget(15)
    assert list(stream.located(S).items())[10:] == list(before.items())[10:]
    assert positions.locate([0]) == positions.locate([10])


def test_a_gap_names_the_packet_at_which_it_was_noticed() -> None:
    connections, _ = Assembler().feed(segments(server_sends((0, 10), (20, 30))))
    side = connections[0].directions[S]
    side.finish(99, closing=False)
    assert [p.packet for p in side.pieces if isinstance(p, Gap)] == [5]


# --- one side, or the beginning, not captured ---------------------------------------------------------


def test_a_capture_of_the_server_alone() -> None:
    wire = Wire().server(-1, flags=SYN).server(0, b"answer", ack=3).server(6, ack=4, flags=FIN)
    stream = wire.stream()
    assert stream.sent(S) == b"answer"
    assert stream.gaps[C] == [(0, 3)]  # and a FIN
    assert stream.closes == [("fin", S, 6, 4)]


def test_a_capture_of_the_client_alone() -> None:
    wire = Wire().client(-1, ack=None, flags=SYN).client(0, b"ask").client(3, ack=6).reset(C, 3)
    stream = wire.stream()
    assert stream.sent(C) == b"ask"
    assert stream.gaps[S] == [(0, 6)]


def test_what_is_missing_at_the_start_of_a_connection_that_was_seen_opening_is_a_gap() -> None:
    lost_syn_ack = Wire().client(-1, ack=None, flags=SYN).client(0).server(10, TEXT[10:20]).client(0, ack=20)
    assert lost_syn_ack.stream().gaps[S] == [(0, 10)]
    lost_syn = Wire().server(-1, flags=SYN).client(10, TEXT[10:20])
    assert lost_syn.stream().gaps[C] == [(0, 10)]


# --- limits --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("snap", [None, 0])
def test_what_waits_for_a_hole_is_bounded(monkeypatch: pytest.MonkeyPatch, snap: int | None) -> None:
    monkeypatch.setattr(direction, "MOST_WAITING", 20_000)
    wire = opened()
    for number in range(400):
        wire.server(1 + number, b"x", snap=snap)
    (connection,), _ = Assembler().feed(segments(wire))
    held = sys.getsizeof(connection.directions[S]._early) + sum(
        sys.getsizeof(early) + sys.getsizeof(early[2]) for early in connection.directions[S]._early
    )
    assert held <= 20_000
    assert wire.stream().gaps[S][0] == (0, 1)


def test_a_batch_of_more_than_half_the_sequence_space(monkeypatch: pytest.MonkeyPatch) -> None:
    size = 60_000
    wire = opened()
    for number in range(10):
        wire.server(number * size, bytes(size), snap=1)
    monkeypatch.setattr(plain_run, "FARTHEST", 2 * size)
    stream = wire.server(10 * size, b"end").stream()
    assert stream.facts.sizes[S] == 10 * size + 3
    assert stream.sent(S) == bytes(10) + b"end"


# --- properties -----------------------------------------------------------------------------------------

sizes = st.lists(st.integers(1, 12), min_size=1, max_size=14)


@given(st.data(), st.integers(0, WINDOW - 1), st.booleans())
def test_any_order_loss_and_repetition_gives_what_was_sent_or_gaps(
    draw: st.DataObject,
    isn: int,
    six: bool,  # noqa: FBT001 - drawn by hypothesis
) -> None:
    starts, position = [], 0
    for size in draw.draw(sizes):
        starts.append((position, position + size))
        position += size
    whole = bytes(draw.draw(st.lists(st.integers(0, 255), min_size=position, max_size=position)))
    extra = [
        tuple(sorted((a, b)))
        for a, b in draw.draw(st.lists(st.tuples(*[st.integers(0, position)] * 2), max_size=4))
    ]
    order = draw.draw(st.permutations(starts + [(a, b) for a, b in extra if a < b]))
    order = order[: draw.draw(st.integers(0, len(order)))]
    ends = (CLIENT6, SERVER6) if six else (CLIENT, SERVER)
    wire = Wire(*ends, isn=(7, isn)).opened()
    for start, end in order:
        snap = draw.draw(st.one_of(st.none(), st.integers(0, end - start)))
        wire.server(start, whole[start:end], snap=snap, at=0)
    acked = draw.draw(st.booleans())
    if acked:
        wire.client(0, ack=position, at=0)

    stream = wire.stream()
    assert all(whole[at] == byte for at, byte in stream.data[S].items())
    seen = max((end for _, end in order), default=0)
    assert stream.facts.sizes[S] == (position if acked else seen)
    for at, (number, _) in stream.located(S).items():
        start, end = order[number - 4]
        assert start <= at < end
    if all(length == len(data) for _, data, length in wire.packets):
        present = {at for start, end in order for at in range(start, end)}
        assert set(stream.data[S]) == present

    cuts = draw.draw(st.lists(st.integers(1, len(wire.packets))))
    piecewise = wire.stream(cuts)
    assert piecewise.data == stream.data
    assert merged(piecewise.gaps[S]) == merged(stream.gaps[S])


def merged(gaps: list[tuple[int, int]]) -> set[int]:
    return {at for start, size in gaps for at in range(start, start + size)}


@given(st.data())
def test_any_segments_at_all_give_connections_whose_streams_add_up(draw: st.DataObject) -> None:
    near = st.one_of(st.integers(-3, 40), st.integers(0, WINDOW - 1), st.just(2**31))
    wire = Wire(isn=(WINDOW - 20, 5))
    for _ in range(draw.draw(st.integers(1, 25))):
        wire.add(
            draw.draw(st.sampled_from(Side)),
            draw.draw(near),
            draw.draw(st.binary(max_size=9)),
            ack=draw.draw(st.one_of(st.none(), near)),
            flags=draw.draw(st.sampled_from([0, 0, 0, 1, 2, 4, 3, 6, 255])),
            at=draw.draw(st.integers(0, 100_000)),
            snap=draw.draw(st.one_of(st.none(), st.just(0))),
        )
    cuts = draw.draw(st.lists(st.integers(1, len(wire.packets))))
    found = streams(wire.packets, cuts)
    assert sum(s.facts.packets for s in found) == len(wire.packets)
    assert [s.facts.id for s in found] == list(range(1, len(found) + 1))
    for stream in found:
        assert stream.facts.segments is not None
        assert len(stream.facts.segments) == stream.facts.packets - stream.facts.duplicates
    assert everything(found) == everything(streams(wire.packets, range(len(wire.packets))))
