"""Packets inside packets: the innermost counts, for us and for tshark."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plainwire.packets.decode import Decoder
from tests.builders import tunnels
from tests.builders.captures import pcap
from tests.builders.links import ether_ip, wifi_data
from tests.builders.packets import ETHERNET
from tests.packets.reading import (
    DATA,
    ENDS4,
    ENDS6,
    FOUR,
    SIX,
    batch,
    by_tshark,
    by_us,
    decoded,
    ends,
    payloads,
    read,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Build = Callable[[bytes], bytes]

TUNNELS: list[Build] = [
    tunnels.in_ip,
    tunnels.in_ip6,
    tunnels.gre,
    tunnels.gre_all,
    tunnels.gre_ethernet,
    tunnels.gre_mpls,
    tunnels.pptp,
    tunnels.erspan1,
    tunnels.erspan2,
    tunnels.erspan3,
    tunnels.vxlan,
    tunnels.vxlan_gpe,
    tunnels.vxlan_gpe_nsh,
    tunnels.geneve,
    tunnels.geneve_ip,
    tunnels.gtp,
    tunnels.gtp_extended,
    tunnels.l2tp,
    tunnels.gre_in_udp,
    tunnels.ether_in_ip,
    tunnels.mpls_in_ip,
    tunnels.authenticated,
    tunnels.lisp,
    lambda data: tunnels.vxlan(tunnels.gre(tunnels.in_ip(data))),
    lambda data: tunnels.gtp(tunnels.in_ip(tunnels.in_ip6(data))),
]
WITHOUT_TSHARK: list[Build] = [
    tunnels.vxlan_linux,
    lambda data: tunnels.gre(wifi_data(data), b"\x82\x00"),
]


@pytest.mark.parametrize("build", TUNNELS + WITHOUT_TSHARK)
def test_the_innermost_packet_counts(build: Build) -> None:
    segments = decoded([ether_ip(build(FOUR)), ether_ip(build(SIX))], ETHERNET)
    assert ends(segments) == [ENDS4, ENDS6]
    assert payloads(segments) == [DATA, DATA]


def test_tunnels_of_ipv6_through_address_translation() -> None:
    plain = tunnels.in_udp(3544, SIX)
    segments = decoded([tunnels.teredo(SIX), plain, tunnels.ayiya(SIX)])
    assert ends(segments) == [ENDS6] * 3
    assert payloads(segments) == [DATA] * 3


def test_redirected_packets_of_web_caches_are_ipv4() -> None:
    assert payloads(decoded([tunnels.wccp(FOUR)])) == [DATA]


def test_tshark_reads_the_same_of_every_tunnel(tmp_path: Path) -> None:
    path = tmp_path / "tunnels.pcap"
    packets = [ether_ip(build(data)) for build in TUNNELS for data in (FOUR, SIX)]
    packets += [ether_ip(tunnels.ayiya(SIX)), ether_ip(tunnels.teredo(SIX)), ether_ip(tunnels.wccp(FOUR))]
    path.write_bytes(pcap(packets, ETHERNET))
    theirs = by_tshark(path)
    assert by_us(path) == theirs
    assert len(theirs) == len(packets)


def test_a_mirror_that_cut_the_inner_packet_leaves_its_length() -> None:
    segments = decoded([tunnels.vxlan(FOUR[:-3])])
    assert segments.length.tolist() == [len(DATA)]
    assert payloads(segments) == [DATA[:-3]]


@pytest.mark.parametrize("port", [1701, 2152, 3544, 4341, 4754, 4789, 4790, 5072, 6081, 8472])
@pytest.mark.parametrize(
    "data", [b"\xc0\0\0\0\1" + bytes(1200), b"\x41" + bytes(range(200)), b"", b"\x08", bytes(30)]
)
def test_a_datagram_that_only_has_the_port_of_a_tunnel_stays_one(port: int, data: bytes) -> None:
    """The first two are how packets of QUIC begin (RFC 9000 section 17)."""
    found = read([tunnels.in_udp(port, data), FOUR])
    assert ends(found.datagrams) == [("198.51.100.1:50000", f"198.51.100.2:{port}")]
    assert payloads(found.datagrams) == [data]


@pytest.mark.parametrize(
    ("frame", "name"),
    [
        (tunnels.outer(50, bytes(60)), "IPsec ESP"),
        (tunnels.outer(115, bytes(60)), "L2TP version 3"),
        (tunnels.outer6(108, bytes(60)), "IPComp"),
        (tunnels.gre(FOUR, flags=0x4000), "GRE with source routes"),
        (tunnels.gre(bytes(60), b"\x88\xe5"), "MACsec"),
        (tunnels.gre(bytes(60), b"\x12\x34"), "an EtherType that is not known"),
        (tunnels.outer(132, bytes(60)), "SCTP"),
        (tunnels.outer6(132, bytes(60)), "SCTP"),
    ],
)
def test_what_cannot_be_looked_into_is_counted_by_name(frame: bytes, name: str) -> None:
    decoder = Decoder()
    assert len(decoder.decode(batch([frame, FOUR])).segments.number) == 1
    assert +decoder.passed_over == {name: 1}


def test_arp_is_of_no_connection_s_concern() -> None:
    decoder = Decoder()
    decoder.decode(batch([tunnels.gre(bytes(60), b"\x08\x06")]))
    assert not +decoder.passed_over


def test_nesting_is_followed_to_a_depth_and_no_further() -> None:
    frame = FOUR
    for _ in range(20):
        frame = tunnels.in_ip(frame)
    assert payloads(decoded([frame])) == [DATA]
    for _ in range(20):
        frame = tunnels.in_ip(frame)
    decoder = Decoder()
    assert len(decoder.decode(batch([frame])).segments.number) == 0
    assert +decoder.passed_over == {"headers nested too deeply": 1}


ways = st.lists(st.sampled_from(TUNNELS + WITHOUT_TSHARK), max_size=5)


@given(st.lists(ways, max_size=8))
def test_packets_that_come_in_different_ways_stay_in_file_order(nests: list[list[Build]]) -> None:
    frames = []
    for number, nest in enumerate(nests):
        frame = (FOUR, SIX)[number % 2]
        for build in nest:
            frame = build(frame)
        frames.append(frame)
    segments = decoded(frames)
    assert segments.number.tolist() == list(range(1, len(frames) + 1))
    assert ends(segments) == [(ENDS4, ENDS6)[number % 2] for number in range(len(frames))]


packets = st.sampled_from([build(data) for build in TUNNELS + WITHOUT_TSHARK for data in (FOUR, SIX)])


@given(packets, st.data())
def test_broken_tunnels_give_an_answer_within_the_captured_bytes(frame: bytes, draw: st.DataObject) -> None:
    at = draw.draw(st.integers(0, len(frame)))
    junk = draw.draw(st.binary(max_size=12))
    broken = (frame[:at] + junk + frame[at + len(junk) :])[: draw.draw(st.integers(0, len(frame) + 12))]
    found = Decoder().decode(batch([broken, frame], gap=b"\xa5" * 16))
    assert 2 in found.segments.number.tolist()
    for column in (found.segments, found.datagrams):
        if column is not None:
            first = column.number == 1
            inside = (column.offset + column.captured <= len(broken)) | (column.captured == 0)
            assert inside[first].all()
