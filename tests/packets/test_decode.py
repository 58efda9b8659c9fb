"""Frames to segments: against the fields that were put in, and against tshark's reading."""

from __future__ import annotations

import struct
import subprocess
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plainwire.capture import reader
from plainwire.model import PacketBatch, SegmentBatch
from plainwire.packets.decode import Decoder
from tests.builders.captures import enhanced, interface, pcap, section
from tests.builders.packets import (
    ACK,
    CLIENT,
    CLIENT6,
    ETHERNET,
    FIN,
    LOOP,
    NULL,
    PSH,
    RAW,
    SERVER,
    SERVER6,
    SLL,
    SLL2,
    SYN,
    ethernet,
    ipv4,
    ipv6,
    packet,
    tcp,
)
from tests.needs import tool

if TYPE_CHECKING:
    from pathlib import Path

DATA = b"payload"
FOUR = packet(CLIENT, SERVER, 1000, 2000, PSH | ACK, DATA)
SIX = packet(CLIENT6, SERVER6, 1000, 2000, PSH | ACK, DATA)
OPTIONS = bytes.fromhex("0101080a0000000100000002")  # two NOPs and timestamps (RFC 7323)
HOP_BY_HOP, ROUTING, DESTINATION, UDP = 0, 43, 60, 17


def batch(frames: list[bytes], link: int, wire: list[int] | None = None, gap: bytes = b"") -> PacketBatch:
    """The frames one after the other, ``gap`` between them; ``wire`` are their lengths on the wire."""
    lengths = [len(frame) for frame in frames]
    offsets = np.cumsum([0] + [size + len(gap) for size in lengths])[:-1].astype(np.int64)
    count = len(frames)
    return PacketBatch(
        data=gap.join(frames) + gap,
        number=np.arange(1, count + 1, dtype=np.int64),
        time_ns=np.arange(count, dtype=np.int64) * 1000,
        offset=offsets,
        caplen=np.array(lengths, dtype=np.int64),
        length=np.array(wire or lengths, dtype=np.int64),
        link=np.full(count, link, dtype=np.int64),
    )


def decoded(frames: list[bytes], link: int = RAW, wire: list[int] | None = None) -> SegmentBatch:
    return Decoder().decode(batch(frames, link, wire)).segments


def payloads(segments: SegmentBatch) -> list[bytes]:
    pairs = zip(segments.offset.tolist(), segments.captured.tolist(), strict=True)
    return [segments.data[at : at + size] for at, size in pairs]


def ends(segments: SegmentBatch) -> list[tuple[str, str]]:
    pairs = zip(segments.source.tolist(), segments.target.tolist(), strict=True)
    return [(str(segments.endpoints[a]), str(segments.endpoints[b])) for a, b in pairs]


def cooked(data: bytes) -> bytes:
    """Linux cooked capture: type, ARPHRD, address length, address, protocol."""
    return struct.pack(">HHH8sH", 0, 1, 6, bytes(8), 0x0800 if data[0] >> 4 == 4 else 0x86DD) + data


def cooked2(data: bytes) -> bytes:
    """Version 2: protocol, reserved, interface, ARPHRD, type, address length, address."""
    return struct.pack(">HHIHBB8s", 0x0800 if data[0] >> 4 == 4 else 0x86DD, 0, 2, 1, 0, 6, bytes(8)) + data


def family(four: str, six: str, data: bytes) -> bytes:
    return bytes.fromhex(four if data[0] >> 4 == 4 else six) + data


LINKS = [
    (ETHERNET, [ethernet(FOUR), ethernet(SIX)]),
    (ETHERNET, [ethernet(FOUR, 0x8100), ethernet(SIX, 0x88A8, 0x8100)]),
    (ETHERNET, [ethernet(FOUR) + bytes(9), ethernet(SIX) + bytes(4)]),  # padding, frame check sequence
    (NULL, [family("02000000", "1e000000", FOUR), family("02000000", "1c000000", SIX)]),
    (NULL, [family("00000002", "0000001c", FOUR), family("00000002", "00000018", SIX)]),
    (LOOP, [family("00000002", "00000018", FOUR), family("00000002", "0000001e", SIX)]),
    (SLL, [cooked(FOUR), cooked(SIX)]),
    (SLL2, [cooked2(FOUR), cooked2(SIX)]),
    *((raw, [FOUR, SIX]) for raw in (12, 14, RAW)),
]


@pytest.mark.parametrize(("link", "frames"), LINKS)
def test_every_link_type_leads_to_the_same_segment(link: int, frames: list[bytes]) -> None:
    segments = decoded(frames, link)
    assert ends(segments) == [
        ("192.0.2.7:40000", "203.0.113.7:443"),
        ("[2001:db8::7]:40000", "[2001:db8:1::1]:443"),
    ]
    assert payloads(segments) == [DATA, DATA]
    for column, value in [("seq", 1000), ("ack", 2000), ("flags", PSH | ACK), ("ttl", 64), ("window", 500)]:
        assert getattr(segments, column).tolist() == [value, value], column
    assert segments.length.tolist() == [len(DATA)] * 2
    assert segments.ip_id.tolist() == [7, -1]


@pytest.mark.parametrize(("link", "frame"), [(228, FOUR), (229, SIX)])
def test_link_types_of_one_ip_version(link: int, frame: bytes) -> None:
    assert payloads(decoded([frame], link)) == [DATA]


def test_a_link_type_that_is_not_known_is_counted_by_name() -> None:
    decoder = Decoder()
    for link in (147, -1, 147):
        assert len(decoder.decode(batch([FOUR], link)).segments.number) == 0
    assert +decoder.passed_over == {
        "link type 147 (user-defined 0) is not supported": 2,
        "unknown interface": 1,
    }


def test_segments_stay_in_file_order_and_keep_their_numbers() -> None:
    udp = ipv4(CLIENT[0], SERVER[0], bytes(30), protocol=UDP)
    arp = bytes.fromhex("ffffffffffff0200000000010806") + bytes(46)
    frames = [ethernet(SIX), arp, ethernet(FOUR), ethernet(udp), ethernet(SIX), ethernet(FOUR)]
    segments = decoded(frames, ETHERNET)
    assert segments.number.tolist() == [1, 3, 5, 6]
    assert segments.time_ns.tolist() == [0, 2000, 4000, 5000]


def test_options_of_ip_and_tcp_are_no_payload() -> None:
    segment = tcp(40000, 443, 1, payload=DATA, options=OPTIONS)
    frame = ipv4(CLIENT[0], SERVER[0], segment, options=bytes.fromhex("94040000"))  # router alert
    assert payloads(decoded([frame])) == [DATA]


def test_extension_headers_of_ipv6_are_passed_over() -> None:
    segment = tcp(40000, 443, 1, payload=DATA)
    chain = (
        bytes([ROUTING, 0, 1, 4]) + bytes(4) + bytes([DESTINATION, 1]) + bytes(14) + bytes([6, 0]) + bytes(6)
    )
    frame = ipv6(CLIENT6[0], SERVER6[0], chain + segment, protocol=HOP_BY_HOP)
    segments = decoded([frame])
    assert payloads(segments) == [DATA]
    assert ends(segments)[0][1] == "[2001:db8:1::1]:443"


def test_padding_of_short_frames_is_no_payload() -> None:
    frame = ethernet(packet(CLIENT, SERVER, 1, 1, ACK)).ljust(60, b"\0")
    segments = decoded([frame], ETHERNET)
    assert segments.length.tolist() == segments.captured.tolist() == [0]


@pytest.mark.parametrize("build", [ipv4, ipv6])
def test_an_offloaded_packet_without_a_length_reaches_to_its_end(build: object) -> None:
    payload = bytes(70_000)
    segment = tcp(40000, 443, 1, payload=payload)
    if build is ipv4:
        frame = ipv4(CLIENT[0], SERVER[0], segment, total=0)
    else:
        whole = ipv6(CLIENT6[0], SERVER6[0], b"")
        frame = whole + segment
    assert decoded([frame]).length.tolist() == [70_000]


@pytest.mark.parametrize("frame", [FOUR, SIX])
def test_a_cut_by_the_snap_length_keeps_the_length_on_the_wire(frame: bytes) -> None:
    segments = decoded([frame[:-4]], wire=[len(frame)])
    assert segments.length.tolist() == [len(DATA)]
    assert payloads(segments) == [DATA[:-4]]
    inside_options = ipv4(CLIENT[0], SERVER[0], tcp(1, 2, 3, payload=DATA, options=OPTIONS))
    segments = decoded([inside_options[:44]], wire=[len(inside_options)])
    assert (segments.length.tolist(), segments.captured.tolist()) == ([len(DATA)], [0])


@pytest.mark.parametrize(
    "frame",
    [
        FOUR[:39],
        SIX[:59],
        ipv4(CLIENT[0], SERVER[0], tcp(1, 2, 3, payload=DATA), total=39),
        ipv4(CLIENT[0], SERVER[0], tcp(1, 2, 3, payload=DATA), total=10),
        b"\x44" + FOUR[1:],  # an IP header of 16 bytes
        FOUR[:32] + b"\x40" + FOUR[33:],  # a TCP header of 16 bytes
        FOUR[:32] + b"\xf0" + FOUR[33:],  # a TCP header longer than the packet
        b"\x50" + FOUR[1:],
    ],
)
def test_damaged_headers_give_no_segment(frame: bytes) -> None:
    assert len(decoded([frame], RAW, [len(FOUR)]).number) == 0


def test_the_type_field_and_the_version_of_ip_must_agree() -> None:
    frames = [ethernet(FOUR)[:14] + SIX, ethernet(SIX)[:14] + FOUR]
    assert len(decoded(frames, ETHERNET).number) == 0


def test_an_endpoint_keeps_its_number_from_batch_to_batch() -> None:
    decoder = Decoder()
    back = packet(SERVER, CLIENT, 1)
    first, second = (decoder.decode(batch(frames, RAW)).segments for frames in ([FOUR, SIX], [SIX, back]))
    assert first.source[1] == second.source[0]
    assert (first.source[0], first.target[0]) == (second.target[1], second.source[1])
    assert len(decoder.endpoints) == 4


frames = st.sampled_from([(link, frame) for link, both in LINKS for frame in both])


@given(frames, st.data())
def test_no_cut_and_no_junk_reaches_beyond_the_captured_bytes(
    which: tuple[int, bytes], draw: st.DataObject
) -> None:
    link, frame = which
    at = draw.draw(st.integers(0, len(frame)))
    junk = draw.draw(st.binary(max_size=12))
    broken = (frame[:at] + junk + frame[at + len(junk) :])[: draw.draw(st.integers(0, len(frame) + 12))]
    found = Decoder().decode(batch([broken, frame, broken], link, gap=b"\xa5" * 16)).segments
    starts = {1: 0, 2: len(broken) + 16, 3: len(broken) + len(frame) + 32}
    lengths = {1: len(broken), 2: len(frame), 3: len(broken)}
    assert 2 in found.number.tolist()
    for number, at, captured, length in zip(
        found.number.tolist(),
        found.offset.tolist(),
        found.captured.tolist(),
        found.length.tolist(),
        strict=True,
    ):
        assert 0 <= captured <= length
        if captured:
            assert starts[number] <= at <= at + captured <= starts[number] + lengths[number]


# --- tshark's reading ---------------------------------------------------------------------------------

FIELDS = ["frame.number", "tcp.seq_raw", "tcp.ack_raw", "tcp.len", "tcp.flags", "tcp.window_size_value"]
FIELDS += ["tcp.srcport", "tcp.dstport", "ip.ttl", "ip.id", "ipv6.hlim"]


def by_tshark(path: Path) -> list[list[int]]:
    command = [tool("tshark"), "-n", "-r", str(path), "-Y", "tcp", "-T", "fields"]
    for name in FIELDS:
        command += ["-e", name]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    return [[int(v, 0) if v else -1 for v in (*row[:8], row[8] or row[10], row[9])] for row in rows]


def by_us(path: Path) -> list[list[int]]:
    rows: list[list[int]] = []
    decoder = Decoder()
    for item in reader.read([path]):
        assert isinstance(item, PacketBatch)
        s = decoder.decode(item).segments
        ports = [[s.endpoints[i].port for i in column.tolist()] for column in (s.source, s.target)]
        columns = [c.tolist() for c in (s.number, s.seq, s.ack, s.length, s.flags, s.window)]
        rows += map(list, zip(*columns, *ports, s.ttl.tolist(), s.ip_id.tolist(), strict=True))
    return rows


def test_tshark_reads_the_same_of_every_link_type(tmp_path: Path) -> None:
    path = tmp_path / "all.pcapng"
    blocks = [interface(link) for link, _ in LINKS if link not in (12, 14)]  # their numbers differ by system
    for number, (_, frames) in enumerate(which for which in LINKS if which[0] not in (12, 14)):
        blocks += [enhanced(frame, number=number) for frame in frames]
    path.write_bytes(section() + b"".join(blocks))
    assert by_us(path) == by_tshark(path)
    assert len(by_us(path)) == len(blocks) * 2 // 3


def test_tshark_reads_the_same_of_odd_packets(tmp_path: Path) -> None:
    option4 = bytes.fromhex("94040000")
    frames = [
        ethernet(packet(CLIENT, SERVER, 2**32 - 1, 0, SYN)).ljust(60, b"\0"),
        ethernet(
            ipv4("10.1.2.3", "10.3.2.1", tcp(1, 65535, 5, 6, 0xFF, DATA, window=65535), ttl=255, ident=65535)
        ),
        ethernet(
            ipv4("10.1.2.3", "10.3.2.1", tcp(9, 8, 5, 6, FIN | ACK, DATA, options=OPTIONS), options=option4)
        ),
        ethernet(ipv6("::1", "::2", tcp(9, 8, 5, 6, FIN | ACK, DATA, options=OPTIONS), ttl=1), 0x8100),
        ethernet(ipv4("10.1.2.3", "10.3.2.1", tcp(9, 8, 5, 6, ACK, bytes(3000)), total=0)),
        ethernet(ipv4("10.1.2.3", "10.3.2.1", bytes(40), protocol=UDP)),
    ]
    path = tmp_path / "odd.pcap"
    path.write_bytes(pcap(frames, ETHERNET))
    assert by_us(path) == by_tshark(path)
    assert len(by_us(path)) == 5
