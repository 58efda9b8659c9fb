"""Reading pcapng: blocks of every kind, sections, interfaces, and secrets wherever they stand."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plainwire import kernel
from plainwire.model import CaptureDrops, SecretsBlock
from tests.builders.captures import (
    NANOSECONDS,
    block,
    enhanced,
    interface,
    obsolete,
    secrets,
    section,
    simple,
    statistics,
)
from tests.capture import reading
from tests.capture.reading import SECOND, notes, others, packets, read
from tests.needs import needs_kernel

ORDERS = pytest.mark.parametrize("order", ["<", ">"])
COMMENT = 1
LINE = b"CLIENT_RANDOM " + b"4f" * 32 + b" " + b"0a" * 48


def commented(*comments: bytes, packet: bytes = b"abc", order: str = "<") -> bytes:
    """An Enhanced Packet Block with comments."""
    body = struct.pack(order + "IIIII", 0, 0, 0, len(packet), len(packet)) + packet + bytes(-len(packet) % 4)
    for comment in comments:
        body += struct.pack(order + "HH", COMMENT, len(comment)) + comment + bytes(-len(comment) % 4)
    return block(6, body, order)


def commented_section(comment: bytes, order: str = "<") -> bytes:
    option = struct.pack(order + "HH", COMMENT, len(comment)) + comment + bytes(-len(comment) % 4)
    return block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1) + option, order)


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


def test_a_section_of_an_unknown_version_is_passed_over_and_named() -> None:
    foreign = (
        block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 2, 7, -1)) + interface() + enhanced(b"foreign")
    )
    data = section() + interface() + enhanced(b"a") + foreign + section() + interface() + enhanced(b"b")
    assert [(p[0], p[2]) for p in packets(read(data))] == [(1, b"a"), (2, b"b")]
    assert notes(data) == ["x: a section in version 2.7 of pcapng was passed over"]


@ORDERS
@pytest.mark.parametrize(("kind", "name"), [(0x57474B4C, "WireGuard"), (0x5353484B, "SSH"), (7, "0x7")])
def test_secrets_of_another_protocol_are_named(order: str, kind: int, name: str) -> None:
    data = section(order) + block(10, struct.pack(order + "II", kind, 4) + b"SECR", order)
    items = read(data)
    assert not any(isinstance(item, SecretsBlock) for item in items)
    (note,) = notes(data)
    assert name in note
    assert "SECR" not in note


@ORDERS
@pytest.mark.parametrize("place", ["section", "interface", "packet"])
def test_a_comment_of_key_log_lines_is_a_key_log(order: str, place: str) -> None:
    text = LINE + b"\r\n" + LINE + b"    \n"
    data = commented_section(text, order) if place == "section" else section(order)
    data += interface(101, (COMMENT, text), order=order) if place == "interface" else interface(order=order)
    data += commented(b"first", text, order=order) if place == "packet" else enhanced(b"abc", order=order)
    items = read(data)
    assert isinstance(items[0], SecretsBlock)
    assert reading.secrets(items) == [LINE + b"\n" + LINE + b"\n"]
    assert [p[2] for p in packets(items)] == [b"abc"]


@pytest.mark.parametrize("text", [b"see " + LINE, LINE + b"\nfrom the browser", LINE[:-1], b"", b"x" * 200])
def test_any_other_comment_is_no_secret(text: bytes) -> None:
    assert reading.secrets(read(commented_section(text) + interface() + commented(text))) == []


def test_a_pcapng_cut_off_says_behind_which_packet() -> None:
    data = (section() + interface() + enhanced(b"one") + enhanced(b"two"))[:-1]
    assert [p[2] for p in packets(read(data))] == [b"one"]
    assert notes(data) == ["x: cut off behind packet 1"]


@pytest.mark.parametrize("kind", [2, 3, 6, 5, 0x0A0D0D0A])
@pytest.mark.parametrize("length", [0, 8, 12, 33, 0xFFFFFFFC])
def test_an_impossible_length_in_a_pcapng_costs_no_packet_before_it(kind: int, length: int) -> None:
    if (kind, length) == (5, 12):
        length = 13  # 12 is a length that a block without a body may have
    damaged = kind.to_bytes(4, "little") + length.to_bytes(4, "little") + b"\x4d\x3c\x2b\x1a" + bytes(40)
    data = section() + interface() + enhanced(b"one") + enhanced(b"two") + damaged
    assert [p[2] for p in packets(read(data))] == [b"one", b"two"]
    assert notes(data) == ["x: a block behind packet 2 is damaged; nothing behind it was read"]


@given(st.binary(max_size=300))
def test_options_of_any_bytes_cost_no_packet(junk: bytes) -> None:
    body = struct.pack("<IIIII", 0, 0, 0, 4, 4) + b"abcd" + junk
    data = section() + block(1, struct.pack("<HHI", 101, 0, 0) + junk) + block(6, body) + enhanced(b"next")
    assert [p[2] for p in packets(read(data))] == [b"abcd", b"next"]


ORDINARY = [
    enhanced(b"one"),
    commented(b"c", LINE),
    simple(b"two", 3),
    obsolete(b"old", 7),
    statistics(5),
    b"\0",
]


@given(
    st.lists(st.sampled_from(ORDINARY), max_size=8),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=2),
    st.lists(st.integers(1, 90), min_size=1, max_size=3),
    st.sampled_from("<>"),
)
def test_the_kernel_finds_the_packets_that_python_does(
    blocks: list[bytes], damaged: list[tuple[int, int]], sizes: list[int], order: str
) -> None:
    needs_kernel()
    data = bytearray(section() + interface() + b"".join(blocks) + section(order) + interface(order=order))
    data += enhanced(b"three", order=order) + commented(packet=b"four", order=order) + enhanced(b"five")
    for at, value in damaged:
        data[28 + at % (len(data) - 28)] = value
    found = [read(bytes(data), sizes)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernel, "compiled", None)
        found.append(read(bytes(data), sizes))
    assert packets(found[0]) == packets(found[1])
    assert others(found[0]) == others(found[1])
