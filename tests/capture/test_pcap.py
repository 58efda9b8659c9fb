"""Reading pcap files of every kind. What Wireshark makes of the same file is the second source."""

from __future__ import annotations

import struct
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders.captures import MICRO, NANO, pcap, pcap_header
from tests.capture.reading import SECOND, notes, packets, read
from tests.needs import tool

if TYPE_CHECKING:
    from pathlib import Path

ORDERS = pytest.mark.parametrize("order", ["<", ">"])
MODIFIED, IXIA_HARDWARE, IXIA_SOFTWARE = 0xA1B2CD34, 0x1C0001AC, 0x1C0001AB
FRAME = bytes.fromhex("ffffffffffff 0002b3010203 0800 4500") + bytes(range(50))
VARIANTS = pytest.mark.parametrize(
    "variant", ["pcap", "nsecpcap", "modpcap", "nokiapcap", "rh6_1pcap", "suse6_3pcap"]
)


def as_tshark_reads(path: Path) -> list[tuple[int, int, int]]:
    """Time, captured length, length on the wire of each packet."""
    fields = ["-e", "frame.time_epoch", "-e", "frame.cap_len", "-e", "frame.len"]
    command = [tool("tshark"), "-r", str(path), "-T", "fields", *fields]
    lines = subprocess.run(command, capture_output=True, check=True).stdout.decode().splitlines()
    rows = [line.split("\t") for line in lines]
    return [(int(time.replace(".", "")), int(captured), int(length)) for time, captured, length in rows]


def as_we_read(data: bytes) -> list[tuple[int, int, int]]:
    return [(p[1], len(p[2]), p[3]) for p in packets(read(data))]


def frames(count: int = 5) -> list[bytes]:
    return [FRAME[: 30 + 7 * n] for n in range(count)]


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


@VARIANTS
def test_every_variant_that_editcap_writes_is_the_same_capture(tmp_path: Path, variant: str) -> None:
    plain, other = tmp_path / "plain", tmp_path / "other"
    plain.write_bytes(pcap(frames(), 1))
    subprocess.run([tool("editcap"), "-F", variant, plain, other], check=True, capture_output=True)
    assert packets(read(other.read_bytes())) == packets(read(plain.read_bytes()))


@ORDERS
@pytest.mark.parametrize(
    ("magic", "in_header", "in_record"),
    [
        (MICRO, 0, 0),
        (NANO, 0, 0),
        (MODIFIED, 0, 8),
        (MODIFIED, 0, 12),
        (MICRO, 0, 8),
        (MICRO, 0, 4),
        (IXIA_HARDWARE, 4, 0),
        (IXIA_SOFTWARE, 4, 0),
    ],
)
def test_variants_are_told_apart_as_wireshark_does(
    tmp_path: Path, order: str, magic: int, in_header: int, in_record: int
) -> None:
    data = variant(frames(), magic, order, in_header, in_record)
    path = tmp_path / "variant"
    path.write_bytes(data)
    assert as_we_read(data) == as_tshark_reads(path)
    assert [p[2] for p in packets(read(data))] == frames()


def variant(frames: list[bytes], magic: int, order: str, in_header: int, in_record: int) -> bytes:
    records = [
        struct.pack(order + "IIII", 1_700_000_000 + n, 999, len(frame), len(frame)) + bytes(in_record) + frame
        for n, frame in enumerate(frames)
    ]
    return pcap_header(1, order=order, magic=magic) + bytes(in_header) + b"".join(records)


@ORDERS
@pytest.mark.parametrize(("minor", "swapped"), [(2, [True] * 3), (3, [False, True, False]), (4, [False] * 3)])
def test_old_versions_have_the_two_lengths_the_other_way_round(
    tmp_path: Path, order: str, minor: int, swapped: list[bool]
) -> None:
    data = struct.pack(order + "IHHiIII", MICRO, 2, minor, 0, 0, 65_535, 1)
    for turned in swapped:
        lengths = (90, len(FRAME)) if turned else (len(FRAME), 90)
        data += struct.pack(order + "IIII", 1_000_000_000, 5, *lengths) + FRAME
    path = tmp_path / "old"
    path.write_bytes(data)
    assert as_we_read(data) == as_tshark_reads(path) == [(1_000_000_000 * SECOND + 5000, len(FRAME), 90)] * 3


def test_impossible_fractions_of_a_second_make_no_other_layout() -> None:
    data = variant(frames(), MICRO, "<", 0, 0).replace(struct.pack("<I", 999), struct.pack("<I", 0xFFFFFFF0))
    assert [p[2] for p in packets(read(data))] == frames()
    assert notes(data) == []


def test_a_pcap_cut_off_says_in_which_packet() -> None:
    data = pcap([b"one", b"two", b"three"])[:-1]
    assert [p[2] for p in packets(read(data))] == [b"one", b"two"]
    assert notes(data) == ["x: cut off in packet 3"]


def test_an_impossible_length_in_a_pcap_costs_no_packet_before_it() -> None:
    data = pcap([b"one", b"two"]) + b"\xff" * 16 + b"rest"
    assert [p[2] for p in packets(read(data))] == [b"one", b"two"]
    assert notes(data) == ["x: packet 3 has an impossible length; nothing behind it was read"]


def test_zeros_that_a_crash_left_are_no_packets() -> None:
    data = pcap([b"one", b"two"]) + bytes(100_000)
    assert [p[2] for p in packets(read(data))] == [b"one", b"two"]
    assert notes(data) == ["x: nothing but zeros behind packet 2; read up to there"]
    assert [p[2] for p in packets(read(pcap([b""] * 3, step=0)))] == [b""] * 3  # empty, but of a time


@given(
    st.sampled_from([(MICRO, 0), (NANO, 0), (MODIFIED, 8), (MODIFIED, 12), (MICRO, 8), (MICRO, 4)]),
    st.lists(st.integers(1, 300), min_size=1, max_size=5),
    st.integers(0, 400),
)
def test_a_variant_is_told_in_pieces_of_any_size(kind: tuple[int, int], sizes: list[int], cut: int) -> None:
    magic, in_record = kind
    data = variant(frames(), magic, ">", 0, in_record)
    data = data[: max(24, len(data) - cut)]
    assert packets(read(data, sizes)) == packets(read(data))
