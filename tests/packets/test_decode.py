"""TCP and UDP out of IP: against the fields that were put in, and against tshark's reading."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from plainwire.capture import reader
from plainwire.model import PacketBatch
from plainwire.packets.decode import Decoder
from tests.builders.captures import pcap
from tests.builders.packets import (
    ACK,
    CLIENT,
    CLIENT6,
    ETHERNET,
    FIN,
    RAW,
    SERVER,
    SERVER6,
    SYN,
    ethernet,
    ipv4,
    ipv6,
    packet,
    tcp,
)
from tests.builders.tunnels import outer, outer6, udp
from tests.needs import tool
from tests.packets.reading import DATA, FOUR, SIX, batch, decoded, ends, payloads, read

if TYPE_CHECKING:
    from pathlib import Path

OPTIONS = bytes.fromhex("0101080a0000000100000002")  # two NOPs and timestamps (RFC 7323)
HOP_BY_HOP, ROUTING, DESTINATION, UDP = 0, 43, 60, 17


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


def test_addresses_of_ipv4_within_ipv6_are_written_as_the_kernel_does() -> None:
    frame = ipv6("::ffff:192.0.2.1", "::1", tcp(5, 6, 7, payload=DATA))
    assert ends(decoded([frame])) == [("[::ffff:192.0.2.1]:5", "[::1]:6")]


# --- UDP ----------------------------------------------------------------------------------------------


def test_datagrams_have_their_columns_beside_the_segments() -> None:
    frames = [outer(17, udp(5000, 443, b"one")), FOUR, outer6(17, udp(5000, 443, b"three"))]
    found = read(frames)
    assert found.segments.number.tolist() == [2]
    assert found.datagrams is not None
    assert found.datagrams.number.tolist() == [1, 3]
    assert found.datagrams.time_ns.tolist() == [0, 2000]
    assert found.datagrams.ttl.tolist() == [64, 64]
    assert ends(found.datagrams) == [
        ("198.51.100.1:5000", "198.51.100.2:443"),
        ("[2001:db8:ffff::1]:5000", "[2001:db8:ffff::2]:443"),
    ]
    assert payloads(found.datagrams) == [b"one", b"three"]
    assert found.datagrams.length.tolist() == [3, 5]


def test_without_udp_there_are_no_datagrams() -> None:
    assert read([FOUR]).datagrams is None


def test_padding_behind_a_datagram_is_none_of_it() -> None:
    frame = ethernet(outer(17, udp(5000, 443, b"x"))).ljust(60, b"\0")
    assert payloads(read([frame], ETHERNET).datagrams) == [b"x"]


def test_a_datagram_without_a_length_reaches_to_the_end_of_ip() -> None:
    assert payloads(read([outer6(17, udp(5000, 443, b"jumbo", 0))]).datagrams) == [b"jumbo"]


def test_a_datagram_cut_by_the_snap_length_keeps_its_length() -> None:
    frame = outer(17, udp(5000, 443, bytes(100)))
    found = read([frame[:60]], wire=[len(frame)]).datagrams
    assert found is not None
    assert (found.length.tolist(), found.captured.tolist()) == ([100], [32])


@pytest.mark.parametrize("broken", [udp(1, 2, b"x", 7), udp(1, 2, b"")[:7]])
def test_damaged_headers_of_udp_are_counted(broken: bytes) -> None:
    decoder = Decoder()
    found = decoder.decode(batch([outer(17, broken)]))
    assert payloads(found.datagrams) == []
    assert +decoder.passed_over == {"damaged UDP headers": 1}


# --- tshark's reading ---------------------------------------------------------------------------------

FIELDS = ["frame.number", "tcp.seq_raw", "tcp.ack_raw", "tcp.len", "tcp.flags", "tcp.window_size_value"]
FIELDS += ["tcp.srcport", "tcp.dstport", "ip.ttl", "ip.id", "ipv6.hlim"]


def fields_of_tshark(path: Path) -> list[list[int]]:
    command = [tool("tshark"), "-n", "-r", str(path), "-Y", "tcp", "-T", "fields"]
    for name in FIELDS:
        command += ["-e", name]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    return [[int(v, 0) if v else -1 for v in (*row[:8], row[8] or row[10], row[9])] for row in rows]


def fields_of_ours(path: Path) -> list[list[int]]:
    rows: list[list[int]] = []
    decoder = Decoder()
    for item in reader.read([path]):
        assert isinstance(item, PacketBatch)
        s = decoder.decode(item).segments
        ports = [[s.endpoints[i].port for i in column.tolist()] for column in (s.source, s.target)]
        columns = [c.tolist() for c in (s.number, s.seq, s.ack, s.length, s.flags, s.window)]
        rows += map(list, zip(*columns, *ports, s.ttl.tolist(), s.ip_id.tolist(), strict=True))
    return rows


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
    assert fields_of_ours(path) == fields_of_tshark(path)
    assert len(fields_of_ours(path)) == 5
