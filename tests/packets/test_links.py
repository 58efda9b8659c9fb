"""Every link type leads to the same segment, for us and for tshark."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plainwire.packets.decode import Decoder
from tests.builders import links
from tests.builders.captures import enhanced, interface, section
from tests.builders.packets import ETHERNET, LOOP, NULL, PSH, RAW, SLL, SLL2, ethernet
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
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LINKS: list[tuple[int, Callable[[bytes], bytes]]] = [
    (ETHERNET, ethernet),
    (ETHERNET, lambda data: ethernet(data, 0x8100)),
    (ETHERNET, lambda data: ethernet(data, 0x88A8, 0x8100)),
    (ETHERNET, lambda data: ethernet(data, 0x9100, 0x88A8, 0x8100, 0x8100, 0x8100)),
    (ETHERNET, lambda data: ethernet(data) + bytes(9)),  # padding, frame check sequence
    (ETHERNET, links.in_802_3),
    (ETHERNET, links.mpls),
    (ETHERNET, links.pppoe),
    (ETHERNET, lambda data: links.tagged(data, 0x8926, bytes(4))),  # Cisco's VN-Tag
    (ETHERNET, lambda data: links.tagged(data, 0x893F, bytes(6))),  # IEEE 802.1BR
    (ETHERNET, lambda data: links.tagged(data, 0x892F, b"\x10\x34\0\7")),  # HSR
    (ETHERNET, lambda data: links.ether(0x88E7, bytes(4) + links.ether_ip(data))),  # IEEE 802.1ah
    (
        ETHERNET,
        lambda data: links.ether(0x8903, b"\0\x20" + links.ether_ip(data) + bytes(4)),
    ),  # Cisco FabricPath, with FCS
    (NULL, links.family("02000000", "1e000000")),  # macOS
    (NULL, links.family("02000000", "1c000000")),  # FreeBSD
    (NULL, links.family("00000002", "0000001c")),
    (LOOP, links.family("00000002", "00000018")),
    (SLL, links.cooked),
    (SLL, lambda data: links.cooked(links.snap(data), protocol=b"\0\4")),
    (SLL, lambda data: links.cooked(links.radiotap(data), 803, b"\0\1")),
    (SLL2, links.cooked2),
    (RAW, links.raw),
    (9, links.ppp),
    (9, links.ppp_short),
    (50, links.ppp),
    (51, links.pppoe_payload),
    (6, links.token_ring),
    (6, links.token_ring_routed),
    (10, links.fddi),
    (104, links.cisco_hdlc),
    (105, links.wifi_data),
    (105, links.wifi_bridged),
    (105, links.aggregate),
    (107, links.frame_relay),
    (107, links.frame_relay_snap),
    (107, links.frame_relay_cisco),
    (119, links.prism),
    (119, links.avs),
    (127, links.radiotap),
    (127, links.radiotap_padded),
    (129, links.arcnet),
    (138, links.firewire),
    (163, links.avs),
    (178, links.juniper),
    (192, links.per_packet),
    (197, links.endace_ethernet),
    (197, links.endace_extended),
    (197, links.endace_ip),
    (204, lambda data: b"\1" + links.ppp(data)),
    (226, links.solaris),
    (258, links.packet_tap),
    (258, links.packet_tap_loopback),
    (239, links.nflog),
    (242, links.ip_over_infiniband),
]

WITHOUT_TSHARK: list[tuple[int, Callable[[bytes], bytes]]] = [
    (ETHERNET, links.ethernet_in_mpls),  # tshark goes by whose addresses it knows
    (ETHERNET, lambda data: links.ethernet_in_mpls(data, b"")),
    (239, links.nflog_big),  # tshark reads the order of its own host
    (12, links.raw),  # their numbers differ by system
    (14, links.raw),
    (100, links.snap),
    (106, links.snap),
    (109, links.encapsulated),
    (117, links.firewall),
    (122, lambda data: bytes(16) + links.snap(data)),
    (123, lambda data: bytes(4) + links.snap(data)),
    (166, lambda data: b"\0\x03" + links.ppp_protocol(data) + data),
    (ETHERNET, lambda data: links.tagged(data, 0x8909, bytes(6))),
    (149, links.packet_tap),
    (NULL, lambda data: b"\x0f\0" + links.ethertype(data) + data),
]


@pytest.mark.parametrize(("link", "build"), LINKS + WITHOUT_TSHARK)
def test_every_link_type_leads_to_the_same_segment(link: int, build: Callable[[bytes], bytes]) -> None:
    segments = decoded([build(FOUR), build(SIX)], link)
    assert ends(segments) == [ENDS4, ENDS6]
    assert payloads(segments) == [DATA, DATA]
    for column, value in [("seq", 1000), ("ack", 2000), ("flags", PSH | 16), ("ttl", 64), ("window", 500)]:
        assert getattr(segments, column).tolist() == [value, value], column
    assert segments.length.tolist() == [len(DATA)] * 2
    assert segments.ip_id.tolist() == [7, -1]


def test_tshark_reads_the_same_of_every_link_type(tmp_path: Path) -> None:
    path = tmp_path / "all.pcapng"
    blocks = [interface(link) for link, _ in LINKS]
    for number, (_, build) in enumerate(LINKS):
        blocks += [enhanced(build(data), number=number) for data in (FOUR, SIX)]
    path.write_bytes(section() + b"".join(blocks))
    theirs = by_tshark(path)
    assert by_us(path) == theirs
    assert len(theirs) == 2 * len(LINKS)


@pytest.mark.parametrize(("link", "frame"), [(228, FOUR), (229, SIX)])
def test_link_types_of_one_ip_version(link: int, frame: bytes) -> None:
    assert payloads(decoded([frame], link)) == [DATA]


def test_the_packets_of_an_aggregate_all_count() -> None:
    segments = decoded([links.aggregate(FOUR, SIX, FOUR)], 105)
    assert segments.number.tolist() == [1, 1, 1]
    assert sorted(ends(segments)) == sorted([ENDS4, ENDS6, ENDS4])


def test_a_link_type_that_is_not_decoded_is_counted_by_name() -> None:
    decoder = Decoder()
    for link in (189, -1, 189, 299, 40_000, 50_000):
        assert len(decoder.decode(batch([FOUR], link)).segments.number) == 0
    assert +decoder.passed_over == {
        "link type 189 (USB, Linux) is not supported": 2,
        "unknown interface": 1,
        "link type 299 is not supported": 1,
        "unknown link type": 2,
    }


@pytest.mark.parametrize(
    ("link", "frame", "name"),
    [
        (ETHERNET, links.ether(0x88E5, bytes(60)), "MACsec"),
        (
            ETHERNET,
            links.ether(0x8847, links.labels(1) + b"\x10" + bytes(60)),
            "MPLS with neither IP nor Ethernet",
        ),
        (9, b"\xff\x03\x00\xfd" + bytes(60), "compressed PPP"),
        (9, b"\x2d" + bytes(60), "compressed TCP/IP (Van Jacobson)"),
        (105, links.wifi(bytes(60), flags=0x41), "encrypted Wi-Fi frames"),
        (105, links.wifi(bytes(60), flags=0x05), "Wi-Fi fragments"),
        (129, b"\1\2\0\0\xd4\1" + bytes(60), "ARCnet fragments"),
        (197, links.endace(5, bytes(60)), "ERF records of other kinds"),
        (178, b"MGC\x02" + bytes(60), "Juniper records without Ethernet"),
        (258, links.packet_tap(FOUR, 258), "pktap: link type 258 is not supported"),
        (
            192,
            bytes.fromhex("0000080099000000") + bytes(60),
            "PPI: link type 153 (user-defined 6) is not supported",
        ),
    ],
)
def test_what_cannot_be_looked_into_is_counted_by_name(link: int, frame: bytes, name: str) -> None:
    decoder = Decoder()
    assert len(decoder.decode(batch([frame], link)).segments.number) == 0
    assert +decoder.passed_over == {name: 1}


@pytest.mark.parametrize(
    ("link", "frame"),
    [
        (105, links.wifi(links.snap(FOUR), subtype=0x40)),  # no data
        (6, b"\x10\0" + links.token_ring(FOUR)[2:]),  # frames of the ring itself
        (10, b"\x41" + links.fddi(FOUR)[1:]),
        (ETHERNET, links.ether(0x8864, b"\x11\x09" + links.pppoe_payload(FOUR)[2:])),  # discovery
        (127, b"\1" + links.radiotap(FOUR)[1:]),  # a version to come
    ],
)
def test_frames_that_carry_no_data_are_none(link: int, frame: bytes) -> None:
    assert len(decoded([frame], link).number) == 0


def test_the_length_of_pppoe_ends_a_packet_that_counts_its_padding(tmp_path: Path) -> None:
    padded = FOUR[:2] + (len(FOUR) + 4).to_bytes(2, "big") + FOUR[4:]
    frame = links.ether(0x8864, links.pppoe_payload(FOUR).replace(FOUR, padded)) + bytes(4)
    path = tmp_path / "padded.pcapng"
    path.write_bytes(section() + interface(ETHERNET) + enhanced(frame))
    assert by_us(path) == by_tshark(path)
    assert payloads(decoded([frame], ETHERNET)) == [DATA]


frames = st.sampled_from(
    [(link, build(data)) for link, build in LINKS + WITHOUT_TSHARK for data in (FOUR, SIX)]
)


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


@given(
    st.sampled_from([link for link, _ in LINKS + WITHOUT_TSHARK]),
    st.lists(st.binary(max_size=120), max_size=4),
)
def test_any_bytes_of_any_link_type_give_an_answer(link: int, junk: list[bytes]) -> None:
    found = Decoder().decode(batch(junk, link))
    assert (found.segments.captured >= 0).all()
