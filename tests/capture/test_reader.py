"""Reading capture files of every kind, whole and damaged. The formats are written byte by byte here."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plainwire.capture import reader
from plainwire.model import CaptureDrops, CaptureItem, CaptureNote, PacketBatch, SecretsBlock, UserError
from tests.builders.captures import (
    MICRO,
    NANO,
    NANOSECONDS,
    block,
    enhanced,
    interface,
    obsolete,
    pcap,
    pcap_header,
    secrets,
    section,
    simple,
    statistics,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

ORDERS = pytest.mark.parametrize("order", ["<", ">"])
SECOND = 1_000_000_000
Packet = tuple[int, int, bytes, int, int]
"""Number, time, captured bytes, length on the wire, link type."""


class Dribble:
    """An input that gives as much at a time as ``sizes`` say, over and over."""

    def __init__(self, data: bytes, sizes: list[int]) -> None:
        self._data, self._sizes, self._turn = data, sizes, 0

    trouble: str | None = None

    def read(self, size: int, /) -> bytes:
        allowed = min(size, self._sizes[self._turn % len(self._sizes)])
        self._turn += 1
        given, self._data = self._data[:allowed], self._data[allowed:]
        return given


def packets(items: Iterable[CaptureItem]) -> list[Packet]:
    found: list[Packet] = []
    for item in items:
        if isinstance(item, PacketBatch):
            columns = (item.number, item.time_ns, item.offset, item.caplen, item.length, item.link)
            for number, time_ns, offset, caplen, length, link in zip(
                *(c.tolist() for c in columns), strict=True
            ):
                assert 0 <= offset <= offset + caplen <= len(item.data)
                found.append((number, time_ns, item.data[offset : offset + caplen], length, link))
    return found


def others(items: Iterable[CaptureItem]) -> list[str]:
    return [repr(i) if not isinstance(i, SecretsBlock) else i.data.decode() for i in items if _other(i)]


def _other(item: CaptureItem) -> bool:
    return not isinstance(item, PacketBatch)


def read(data: bytes, sizes: list[int] | None = None) -> list[CaptureItem]:
    return list(reader.read_source("x", Dribble(data, sizes or [1 << 30])))


def notes(data: bytes) -> list[str]:
    return [i.text for i in read(data) if isinstance(i, CaptureNote)]


@ORDERS
@pytest.mark.parametrize(("magic", "tick"), [(MICRO, 1000), (NANO, 1)])
def test_pcap_in_both_byte_orders_and_resolutions(order: str, magic: int, tick: int) -> None:
    data = pcap([b"one", b"", b"three"], 113, order=order, magic=magic, step=5)
    start = 1_700_000_000 * SECOND
    assert packets(read(data)) == [
        (1, start, b"one", 3, 113),
        (2, start + 5 * tick, b"", 0, 113),
        (3, start + 10 * tick, b"three", 5, 113),
    ]


def test_the_length_of_the_frame_check_sequence_is_no_part_of_the_link_type() -> None:
    assert packets(read(pcap([b"x"], 0x24000000 | 1)))[0][4] == 1


@ORDERS
def test_pcapng_blocks_of_every_age(order: str) -> None:
    data = (
        section(order)
        + interface(101, snaplen=4, order=order)
        + interface(1, NANOSECONDS, order=order)
        + enhanced(b"enhanced", 1_700_000_000 * SECOND + 7, number=1, length=99, order=order)
        + obsolete(b"old", 1_700_000_000_000_005, number=0, order=order)
        + simple(b"simp", 6, order=order)
    )
    assert packets(read(data)) == [
        (1, 1_700_000_000 * SECOND + 7, b"enhanced", 99, 1),
        (2, 1_700_000_000 * SECOND + 5000, b"old", 3, 101),
        (3, 0, b"simp", 6, 101),
    ]


def test_each_section_has_its_own_interfaces_and_byte_order() -> None:
    data = (
        section("<")
        + interface(1)
        + enhanced(b"a", 1)
        + section(">")
        + interface(113, NANOSECONDS, order=">")
        + enhanced(b"b", 1, order=">")
    )
    assert packets(read(data)) == [(1, 1000, b"a", 1, 1), (2, 1, b"b", 1, 113)]


def test_an_interface_described_late_changes_no_packet_before_it() -> None:
    data = section() + interface(1) + enhanced(b"a", 1) + interface(113, NANOSECONDS)
    data += enhanced(b"b", 1, number=1) + enhanced(b"c", 1)
    assert [(p[1], p[4]) for p in packets(read(data))] == [(1000, 1), (1, 113), (1000, 1)]


def test_a_packet_of_an_unknown_interface_is_not_taken_for_one_of_a_known() -> None:
    data = section() + interface(1) + enhanced(b"a") + enhanced(b"b", number=5)
    assert [p[4] for p in packets(read(data))] == [1, -1]


@pytest.mark.parametrize(
    ("resolution", "ticks", "nanoseconds"),
    [
        (0, 7, 7 * SECOND),
        (3, 7, 7_000_000),
        (12, 7_999, 7),
        (0x80 | 10, 512, SECOND // 2),
        (0x80 | 32, 1 << 31, SECOND // 2),
        (0x7F, 12345, 0),
        (0xFF, 12345, 0),
    ],
)
def test_any_resolution_of_time(resolution: int, ticks: int, nanoseconds: int) -> None:
    data = section() + interface(1, (9, bytes([resolution]))) + enhanced(b"a", ticks)
    assert packets(read(data))[0][1] == nanoseconds


def test_an_offset_of_time_counts_in_seconds() -> None:
    offset = (14, (1_600_000_000).to_bytes(8, "little"))
    data = section() + interface(1, offset) + enhanced(b"a", 5)
    assert packets(read(data))[0][1] == 1_600_000_000 * SECOND + 5000


def test_an_impossible_offset_of_time_ends_nothing() -> None:
    data = section() + interface(1, (14, b"\xff" * 7 + b"\x7f")) + enhanced(b"a", 5)
    assert packets(read(data))[0][2] == b"a"


def test_secrets_come_before_the_packets_of_the_same_piece() -> None:
    items = read(section() + interface() + enhanced(b"a") + secrets(b"CLIENT_RANDOM") + enhanced(b"b"))
    assert isinstance(items[0], SecretsBlock)
    assert items[0].data == b"CLIENT_RANDOM"
    assert len(packets(items)) == 2


def test_secrets_do_not_show_in_a_repr() -> None:
    items = read(section() + secrets(b"CLIENT_RANDOM"))
    assert "CLIENT_RANDOM" not in repr(items)


@ORDERS
def test_what_the_kernel_dropped_is_told(order: str) -> None:
    items = read(section(order) + interface(order=order) + statistics(17, order))
    assert [i.count for i in items if isinstance(i, CaptureDrops)] == [17]


def test_drops_that_nobody_counted_are_not_zero_drops() -> None:
    assert read(section() + interface() + statistics(2**64 - 1)) == []


def test_unknown_blocks_are_passed_over() -> None:
    data = section() + block(0x0BAE, b"anything") + interface() + block(0x80000001, b"") + enhanced(b"a")
    assert [p[2] for p in packets(read(data))] == [b"a"]


@pytest.mark.parametrize("kind", [0x0BAD, 0x40000BAD, 9])
def test_blocks_that_wireshark_counts_count_here(kind: int) -> None:
    data = section() + interface() + block(kind, b"1234") + enhanced(b"a") + enhanced(b"b")
    data += block(kind, b"1234") * 2 + enhanced(b"c")
    assert [p[0] for p in packets(read(data))] == [2, 3, 6]


def test_a_packet_does_not_reach_beyond_its_block() -> None:
    lying = bytearray(enhanced(b"abcd"))
    lying[20:24] = (4000).to_bytes(4, "little")
    data = section() + interface() + bytes(lying) + enhanced(b"next")
    assert [p[2] for p in packets(read(data))] == [b"abcd", b"next"]


# --- damaged ----------------------------------------------------------------------------------------


def test_a_pcap_cut_off_says_in_which_packet() -> None:
    data = pcap([b"one", b"two", b"three"])[:-1]
    assert [p[2] for p in packets(read(data))] == [b"one", b"two"]
    assert notes(data) == ["x: cut off in packet 3"]


def test_a_pcapng_cut_off_says_behind_which_packet() -> None:
    data = (section() + interface() + enhanced(b"one") + enhanced(b"two"))[:-1]
    assert [p[2] for p in packets(read(data))] == [b"one"]
    assert notes(data) == ["x: cut off behind packet 1"]


def test_an_impossible_length_in_a_pcap_costs_no_packet_before_it() -> None:
    data = pcap([b"one", b"two"]) + b"\xff" * 16 + b"rest"
    assert [p[2] for p in packets(read(data))] == [b"one", b"two"]
    assert notes(data) == ["x: packet 3 has an impossible length; nothing behind it was read"]


@pytest.mark.parametrize("kind", [2, 3, 6, 5, 0x0A0D0D0A])
@pytest.mark.parametrize("length", [0, 8, 12, 33, 0xFFFFFFFC])
def test_an_impossible_length_in_a_pcapng_costs_no_packet_before_it(kind: int, length: int) -> None:
    if (kind, length) == (5, 12):
        length = 13  # 12 is a length that a block without a body may have
    damaged = kind.to_bytes(4, "little") + length.to_bytes(4, "little") + b"\x4d\x3c\x2b\x1a" + bytes(40)
    data = section() + interface() + enhanced(b"one") + enhanced(b"two") + damaged
    assert [p[2] for p in packets(read(data))] == [b"one", b"two"]
    assert notes(data) == ["x: a block behind packet 2 is damaged; nothing behind it was read"]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty file"),
        (b"GET", "not a capture file"),
        (b"\x1f\x8b\x08\x00", "the gzip data are cut off"),
        (b"Just some text.\nOf two lines.\n", "not a capture file"),
        (pcap_header()[:23], "cut off inside the file header"),
        (section()[:20], "cut off or damaged in the file header"),
        (section()[:8] + bytes(40), "cut off or damaged in the file header"),
    ],
)
def test_what_is_no_capture_is_one_line(data: bytes, said: str) -> None:
    with pytest.raises(UserError, match=f"^x: {said}[^\n]*$"):
        read(data)


def test_a_missing_file_and_a_folder_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nowhere: No such file or directory$"):
        list(reader.read([tmp_path / "nowhere"]))
    with pytest.raises(UserError, match=r"Is a directory$"):
        list(reader.read([tmp_path]))


SAMPLES = [
    pcap([b"first", b"second", b"", b"third" * 9]),
    pcap([b"first", b"second"], order=">", magic=NANO),
    section()
    + interface(1)
    + secrets(b"CLIENT_RANDOM 00 11\n")
    + enhanced(b"first", 5)
    + interface(113, NANOSECONDS)
    + simple(b"second")
    + obsolete(b"third", 7, number=1)
    + section(">")
    + interface(101, order=">")
    + enhanced(b"fourth", 9, length=2000, order=">")
    + block(0x0BAD, b"unknown", ">")
    + statistics(3, ">"),
]
samples = st.sampled_from(SAMPLES)


@given(samples, st.lists(st.integers(1, 70), min_size=1, max_size=5))
def test_a_file_read_in_pieces_of_any_size_is_the_file_read_whole(data: bytes, sizes: list[int]) -> None:
    piecewise = read(data, sizes)
    assert packets(piecewise) == packets(read(data))
    assert others(piecewise) == others(read(data))


@given(samples, st.data())
def test_a_file_cut_anywhere_gives_the_packets_before_the_cut(data: bytes, draw: st.DataObject) -> None:
    cut = draw.draw(st.integers(28, len(data)))
    whole, found = packets(read(data)), packets(read(data[:cut]))
    assert found == whole[: len(found)]
    if cut == len(data):
        assert found == whole


@given(samples, st.data(), st.binary(min_size=1, max_size=40), st.lists(st.integers(1, 99), min_size=1))
def test_junk_anywhere_gives_packets_and_a_note_or_a_user_error(
    data: bytes, draw: st.DataObject, junk: bytes, sizes: list[int]
) -> None:
    at = draw.draw(st.integers(0, len(data)))
    keep = draw.draw(st.sampled_from([0, len(junk)]))  # put in, or written over what was there
    try:
        items = read(data[:at] + junk + data[at + keep :], sizes)
    except UserError:
        return
    found = packets(items)
    numbers = [p[0] for p in found]
    assert numbers == sorted(set(numbers))
    assert len([i for i in items if isinstance(i, CaptureNote)]) <= 1


# --- several files, and pipes -------------------------------------------------------------------------


def test_files_are_read_the_earliest_first_and_numbered_on(tmp_path: Path) -> None:
    late, early = tmp_path / "late", tmp_path / "early"
    late.write_bytes(section() + interface() + enhanced(b"third", 3_000_000))
    early.write_bytes(
        section() + interface() + enhanced(b"first", 1_000_000) + enhanced(b"second", 2_000_000)
    )
    found = packets(reader.read([late, early]))
    assert [(p[0], p[2]) for p in found] == [(1, b"first"), (2, b"second"), (3, b"third")]


def test_a_pipe_is_read_once_and_takes_its_place_by_its_times(tmp_path: Path) -> None:
    pipe, file = tmp_path / "pipe", tmp_path / "file"
    os.mkfifo(pipe)
    file.write_bytes(pcap([b"earlier"], step=0))
    late = section() + interface() + enhanced(b"late", 1_800_000_000_000_000)
    writer = threading.Thread(target=pipe.write_bytes, args=(late,), daemon=True)
    writer.start()
    assert [p[2] for p in packets(reader.read([pipe, file]))] == [b"earlier", b"late"]
    writer.join(60)
    assert not writer.is_alive()


def _read_by_child(stdin: int | None, data: bytes | None) -> str:
    script = """
from plainwire.capture import reader
from plainwire.model import UserError
try:
    print([bytes(b.data[o:o + n]) for b in reader.read(["-"]) for o, n in zip(b.offset, b.caplen)])
except UserError as error:
    print(error)
"""
    closed = "import os; os.close(0)" if stdin is None and data is None else ""
    command = [sys.executable, "-c", closed + script]
    return subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout.decode().strip()


def test_standard_input_is_read() -> None:
    assert _read_by_child(None, pcap([b"one", b"two"])) == "[b'one', b'two']"


def test_a_closed_standard_input_is_one_line() -> None:
    assert _read_by_child(None, None) == "-: Bad file descriptor"
