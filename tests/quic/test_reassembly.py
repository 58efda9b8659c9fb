"""Streams put in order: RFC 9000 section 2.2."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from plainwire.model import Gap, Side
from plainwire.quic.frames import ResetStream, Stream
from plainwire.quic.numbers import MOST_RANGES, PacketNumbers
from plainwire.quic.reassembly import Reassembly, Room
from plainwire.quic.streams import QuicStreams

SIDE = Side.SERVER
TEXT = bytes(range(200))


def joined(stream: Reassembly) -> bytes:
    return b"".join(text[0] for text in stream.texts if isinstance(text, tuple))


@given(
    st.lists(st.tuples(st.integers(0, 199), st.integers(0, 40)), max_size=40),
    st.permutations(list(range(0, 200, 10))),
)
def test_any_order_any_overlap(repeats: list[tuple[int, int]], order: list[int]) -> None:
    room = Room(1 << 20)
    stream = Reassembly(SIDE, room)
    frames = [(at, at + 10) for at in order]
    for index, (at, size) in enumerate(repeats):
        frames.insert(index % len(frames), (at, min(at + size, 200)))
    for packet, (start, end) in enumerate(frames, 1):
        stream.feed(start, TEXT[start:end], packet, packet, fin=end == 200)
    assert joined(stream) == TEXT
    assert stream.complete
    assert room.left == 1 << 20
    starts = [text[1] for text in stream.texts if isinstance(text, tuple)]
    numbers, times = stream.where.locate(starts)
    assert numbers == times
    for start, number in zip(starts, numbers, strict=True):
        low, high = frames[number - 1]
        assert low <= start < high


@given(st.sets(st.integers(0, 19)), st.permutations(list(range(20))))
def test_what_never_comes_is_a_gap(lost: set[int], order: list[int]) -> None:
    stream = Reassembly(SIDE, Room())
    for number in order:
        if number not in lost:
            stream.feed(number * 10, TEXT[number * 10 : number * 10 + 10], 7, 7, fin=number == 19)
    stream.finish(9, 9)
    at = 0
    for text in stream.texts:
        if isinstance(text, Gap):
            assert (text.offset, text.side) == (at, SIDE)
            assert all(n in lost for n in range(at // 10, (at + text.length) // 10))
            at += text.length
        else:
            assert text[1] == at
            assert text[0] == TEXT[at : text[2]]
            at = text[2]
    assert stream.complete == (19 not in lost)


def test_bytes_behind_the_end_do_not_count() -> None:
    stream = Reassembly(SIDE, Room())
    stream.feed(4, b"beyond", 1, 1)
    stream.feed(0, b"abcd", 2, 2, fin=True)
    stream.feed(4, b"more", 3, 3)
    stream.finish(4, 4)
    assert joined(stream) == b"abcd"
    assert stream.complete


def test_memory_for_what_waits_is_bounded() -> None:
    room = Room(100_000)
    stream = Reassembly(SIDE, room)
    for number in range(1, 3000):
        stream.feed(number * 200, bytes(100), number, number)
    assert room.left >= 0
    assert any(isinstance(text, Gap) for text in stream.texts)


def test_an_offset_that_cannot_be_is_left_alone() -> None:
    stream = Reassembly(SIDE, Room())
    stream.feed((1 << 62) - 1, b"ab", 1, 1, fin=True)
    stream.finish(1, 1)
    assert stream.texts == []


def test_the_first_of_two_different_copies_counts() -> None:
    stream = Reassembly(SIDE, Room())
    stream.feed(0, b"first", 1, 1)
    stream.feed(0, b"other and more", 2, 2)
    assert joined(stream) == b"first" + b" and more"


def test_positions_can_be_forgotten() -> None:
    stream = Reassembly(SIDE, Room())
    for packet in range(1, 11):
        stream.feed(packet * 10 - 10, bytes(10), packet, packet)
    stream.where.forget(55)
    assert stream.where.locate([55, 99]) == ([6, 10], [6, 10])
    assert stream.where.begins(60)
    assert not stream.where.begins(61)


def test_nothing_follows_the_end_of_a_stream() -> None:
    streams = QuicStreams()
    streams.feed(Stream(0, 0, b"all", fin=True), SIDE, 1, 1)
    streams.feed(Stream(0, 0, b"all", fin=True), SIDE, 2, 2)
    assert not streams.reset(ResetStream(0, 1, 3), SIDE)
    streams.finish(3, 3)
    (item,) = streams.out
    assert item.fin
    assert streams.repeated == [0, 1]


def test_an_empty_end_is_an_end() -> None:
    streams = QuicStreams()
    streams.feed(Stream(0, 0, b"ab", fin=False), SIDE, 1, 1)
    streams.feed(Stream(0, 2, b"", fin=True), SIDE, 2, 2)
    assert [item.fin for item in streams.out] == [False, True]


def test_streams_beyond_those_that_are_followed_are_counted() -> None:
    room = Room(4)
    flood, other = QuicStreams(room), QuicStreams(room)
    for stream in range(0, 40, 4):
        flood.feed(Stream(stream, 0, b"a", fin=False), SIDE, 1, 1)
    assert (len(flood.out), flood.refused) == (2, 8)
    other.feed(Stream(0, 0, b"a", fin=False), SIDE, 2, 2)
    assert (len(other.out), other.refused) == (1, 0)
    flood.finish(3, 3)
    assert room.left == 3


def test_a_reset_drops_what_waits() -> None:
    streams = QuicStreams()
    streams.feed(Stream(0, 5, b"later", fin=False), SIDE, 1, 1)
    assert streams.reset(ResetStream(0, 9, 10), SIDE)
    streams.finish(3, 3)
    (item,) = streams.out
    assert (item.texts, item.reset_code, item.fin) == ([], 9, False)


@given(st.lists(st.integers(0, 60), max_size=80))
def test_numbers_are_a_set(numbers: list[int]) -> None:
    seen = PacketNumbers()
    for index, number in enumerate(numbers):
        assert seen.add(number) == (number not in numbers[:index])
    assert seen.count == len(set(numbers))
    assert seen.largest == max(numbers, default=-1)
    expected = max(numbers) - min(numbers) + 1 - len(set(numbers)) if numbers else 0
    assert seen.missing == expected


def test_numbers_with_many_holes_stay_small() -> None:
    seen = PacketNumbers()
    for number in range(0, 10 * MOST_RANGES, 2):
        seen.add(number)
    assert len(seen._starts) <= MOST_RANGES
    assert seen.missing == seen.count - 1
