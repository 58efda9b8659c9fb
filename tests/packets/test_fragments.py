"""Fragments: put together as tshark does, in bounded memory."""

from __future__ import annotations

import random
import struct
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plainwire.packets import fragments
from plainwire.packets.decode import Decoder
from tests.builders import tunnels
from tests.builders.captures import pcap
from tests.builders.links import ether_ip
from tests.builders.packets import CLIENT, CLIENT6, SERVER, SERVER6, ipv4, ipv6, tcp
from tests.packets.reading import ENDS4, ENDS6, FOUR, batch, by_tshark, by_us, ends, payloads, read

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from plainwire.model import PacketBatch

TEXT = bytes(range(256)) * 8
SEGMENT = tcp(40000, 443, 1000, payload=TEXT)
UNIT = 8


def four(data: bytes, size: int, *, ident: int = 7, protocol: int = 6) -> list[bytes]:
    """RFC 791 section 3.2; ``size`` a multiple of eight."""
    return [
        ipv4(
            CLIENT[0],
            SERVER[0],
            data[at : at + size],
            ident=ident,
            protocol=protocol,
            fragment=at // UNIT | (0x2000 if at + size < len(data) else 0),
        )
        for at in range(0, len(data), size)
    ]


def six(data: bytes, size: int, *, ident: int = 7, protocol: int = 6) -> list[bytes]:
    """RFC 8200 section 4.5, behind options for the destination."""
    options = bytes([44, 0, 1, 4, 0, 0, 0, 0])
    return [
        ipv6(
            CLIENT6[0],
            SERVER6[0],
            options
            + struct.pack(">BBHI", protocol, 0, at | (at + size < len(data)), ident)
            + data[at : at + size],
            protocol=60,
        )
        for at in range(0, len(data), size)
    ]


@pytest.mark.parametrize(("cut", "expected"), [(four, ENDS4), (six, ENDS6)])
@pytest.mark.parametrize("size", [8, 16, 512, 1480])
def test_fragments_in_any_order_become_one_segment(
    cut: Callable[[bytes, int], list[bytes]], expected: tuple[str, str], size: int
) -> None:
    pieces = cut(SEGMENT, size)
    for order in (pieces, pieces[::-1], random.Random(1).sample(pieces, len(pieces))):
        segments = read([*order, FOUR]).segments
        assert segments.number.tolist() == [len(pieces), len(pieces) + 1]
        assert segments.time_ns.tolist()[0] == (len(pieces) - 1) * 1000
        assert ends(segments)[0] == expected
        assert payloads(segments)[0] == TEXT
        assert segments.ttl.tolist()[0] == 64


def test_fragments_may_come_in_different_batches() -> None:
    decoder = Decoder()
    found = [decoder.decode(batch([piece], first=n)) for n, piece in enumerate(four(SEGMENT, 512), 1)]
    assert [payloads(f.segments) for f in found] == [[]] * 4 + [[TEXT]]
    assert found[-1].segments.number.tolist() == [5]
    assert +decoder.passed_over == {}


def test_packets_in_pieces_are_told_apart_by_their_ids() -> None:
    other = tcp(40000, 443, 9000, payload=TEXT[::-1])
    pairs = zip(four(SEGMENT, 512, ident=1), four(other, 512, ident=2), strict=True)
    segments = read([piece for pair in pairs for piece in pair]).segments
    assert segments.number.tolist() == [9, 10]
    assert payloads(segments) == [TEXT, TEXT[::-1]]


def test_an_atomic_fragment_is_a_whole_packet() -> None:
    """RFC 6946: a fragment header on a packet that is not cut."""
    assert payloads(read(six(SEGMENT, 4096)).segments) == [TEXT]


def test_a_datagram_in_pieces_is_one() -> None:
    found = read(four(tunnels.udp(5000, 443, TEXT), 512, protocol=17))
    assert payloads(found.datagrams) == [TEXT]


def test_tunnels_and_fragments_inside_each_other() -> None:
    inside = [tunnels.gre(piece) for piece in four(SEGMENT, 512)]
    assert payloads(read(inside).segments) == [TEXT]
    whole = tunnels.udp(
        50000, 4789, b"\x08\0\0\0\0\0\x2a\0" + ether_ip(ipv4(*("10.0.0.1", "10.0.0.2"), SEGMENT))
    )
    assert payloads(read(four(whole, 512, protocol=17)).segments) == [TEXT]
    both = [piece for n, inner in enumerate(inside) for piece in four(inner[20:], 256, ident=n, protocol=47)]
    assert payloads(read(both).segments) == [TEXT]


def test_a_packet_that_never_becomes_whole_is_counted_by_its_fragments() -> None:
    decoder = Decoder()
    decoder.decode(batch(four(SEGMENT, 512)[1:] + six(SEGMENT, 512)[:-1] + six(SEGMENT, 4096, ident=8)))
    assert +decoder.passed_over == {"IP fragments whose packet never became whole": 8}


def test_the_first_fragment_counts_where_the_snap_length_cut_it() -> None:
    """As in tshark: what cannot be joined is decoded as far as it goes."""
    first, second = four(SEGMENT, 1480)
    decoder = Decoder()
    segments = decoder.decode(batch([first[:60], second[:60]], wire=[len(first), len(second)])).segments
    assert (segments.seq.tolist(), segments.length.tolist(), segments.captured.tolist()) == (
        [1000],
        [1460],
        [20],
    )
    assert +decoder.passed_over == {"IP fragments cut by the snap length": 1}
    first6, second6 = six(SEGMENT, 1480)
    segments = read([first6[:90], second6[:90]], wire=[len(first6), len(second6)]).segments
    assert (segments.seq.tolist(), segments.length.tolist()) == ([1000], [1460])


def test_what_came_first_stays_where_fragments_overlap() -> None:
    head, tail = SEGMENT[:64], SEGMENT[64:]
    lie = ipv4(CLIENT[0], SERVER[0], b"!" * 64, fragment=0x2000 | 32 // UNIT)
    pieces = four(SEGMENT, 64)
    found = read([pieces[0], lie, *pieces[1:]]).segments
    assert payloads(found) == [TEXT[: len(head) - 20] + b"!" * 32 + tail[32:]]
    doubled = read([piece for piece in pieces for _ in range(2)]).segments
    assert payloads(doubled) == [TEXT]


@pytest.mark.parametrize(
    "piece",
    [
        ipv4(CLIENT[0], SERVER[0], bytes(100), fragment=0x2000),  # not in units of eight
        ipv4(CLIENT[0], SERVER[0], bytes(100), fragment=0x1FFF),  # beyond 65,535
        ipv4(CLIENT[0], SERVER[0], b"", fragment=0x2001),
    ],
)
def test_impossible_fragments_are_counted(piece: bytes) -> None:
    decoder = Decoder()
    assert len(decoder.decode(batch([piece])).segments.number) == 0
    assert +decoder.passed_over == {"damaged IP fragments": 1}


def later(packets: PacketBatch, seconds: int) -> PacketBatch:
    packets.time_ns += seconds * 1_000_000_000
    return packets


def test_fragments_do_not_wait_for_ever() -> None:
    first, *rest = four(SEGMENT, 512)
    decoder = Decoder()
    decoder.decode(batch([first]))
    found = decoder.decode(later(batch(rest, first=2), 31)).segments
    assert payloads(found) == []
    assert payloads(decoder.decode(later(batch([first], first=9), 31)).segments) == [TEXT]


def test_memory_is_bounded_and_the_newest_still_become_whole() -> None:
    decoder = Decoder()
    for start in range(0, 3 * fragments.MOST_PACKETS, 512):
        lonely = [
            ipv4("10.0.0.1", "10.0.0.2", bytes(8), ident=n & 0xFFFF, protocol=n >> 16, fragment=0x2000 | 8000)
            for n in range(start, start + 512)
        ]
        decoder.decode(batch(lonely))
    assert decoder._fragments._held <= fragments.MOST_BYTES + 65536
    assert payloads(decoder.decode(batch(four(SEGMENT, 512))).segments) == [TEXT]


def test_tshark_puts_the_same_together(tmp_path: Path) -> None:
    path = tmp_path / "fragments.pcap"
    shuffled = random.Random(2).sample(six(SEGMENT, 64, ident=9), 33)
    packets = [*four(SEGMENT, 512), *six(SEGMENT, 512), *four(SEGMENT, 1480, ident=8)[::-1], *shuffled]
    packets += [tunnels.gre(piece) for piece in four(SEGMENT, 256, ident=11)]
    packets += four(tunnels.udp(5000, 5001, TEXT), 512, ident=12, protocol=17)
    packets += four(SEGMENT, 512, ident=13)[1:]
    path.write_bytes(pcap(packets))
    theirs = by_tshark(path)
    assert by_us(path) == theirs
    assert len(theirs) == 6


@settings(max_examples=60)
@given(st.data())
def test_any_mess_of_fragments_gives_only_text_that_was_sent(draw: st.DataObject) -> None:
    pieces = [*four(SEGMENT, 256), *six(SEGMENT, 256)]
    chosen = draw.draw(st.lists(st.sampled_from(pieces), max_size=30))
    cuts = sorted(draw.draw(st.sets(st.integers(0, len(chosen)), max_size=4)) | {0, len(chosen)})
    decoder = Decoder()
    found: list[bytes] = []
    for first, last in pairwise(cuts):
        found += payloads(decoder.decode(batch(chosen[first:last], first=first + 1)).segments)
    assert found == payloads(read(chosen).segments)
    assert set(found) <= {TEXT}


@given(st.sampled_from([*four(SEGMENT, 256)[:2], *six(SEGMENT, 256)[:2]]), st.data())
def test_damaged_fragments_give_an_answer(piece: bytes, draw: st.DataObject) -> None:
    broken = bytearray(piece)
    for at in draw.draw(st.lists(st.integers(0, 60), max_size=5)):
        broken[at] = draw.draw(st.integers(0, 255))
    cut = draw.draw(st.integers(0, len(piece)))
    read([bytes(broken[:cut]), bytes(broken), *four(SEGMENT, 256)], wire=None)
