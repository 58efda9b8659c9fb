"""What routers and hosts say of TCP segments and UDP datagrams."""

from __future__ import annotations

import struct
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plainwire.model import Endpoint, IcmpError
from tests.builders import tunnels
from tests.builders.captures import pcap
from tests.builders.packets import CLIENT, CLIENT6, SERVER, SERVER6, ipv4, ipv6
from tests.needs import tool
from tests.packets.reading import FOUR, SIX, read

if TYPE_CHECKING:
    from pathlib import Path

ROUTER, ROUTER6 = "198.51.100.9", "2001:db8:ffff::9"
DATAGRAM = ipv4(CLIENT[0], SERVER[0], tunnels.udp(40000, 443, b"x" * 40), protocol=17)


def icmp(kind: int, code: int, quote: bytes, rest: int = 0) -> bytes:
    """RFC 792: what follows the checksum depends on the type."""
    return ipv4(ROUTER, CLIENT[0], struct.pack(">BBHI", kind, code, 0, rest) + quote, protocol=1)


def icmp6(kind: int, code: int, quote: bytes, rest: int = 0) -> bytes:
    return ipv6(ROUTER6, CLIENT6[0], struct.pack(">BBHI", kind, code, 0, rest) + quote, protocol=58)


def test_an_error_names_who_said_what_of_which_segment() -> None:
    found = read([FOUR, icmp(3, 13, FOUR[:28]), icmp6(1, 4, SIX)])
    assert len(found.segments.number) == 1
    assert found.errors == [
        IcmpError(
            packet=2,
            time_ns=1000,
            sender=ROUTER,
            type=3,
            code=13,
            says="destination unreachable: communication administratively prohibited",
            protocol=6,
            source=Endpoint(*CLIENT),
            target=Endpoint(*SERVER),
            seq=1000,
        ),
        IcmpError(
            packet=3,
            time_ns=2000,
            sender=ROUTER6,
            type=1,
            code=4,
            says="destination unreachable: port unreachable",
            protocol=6,
            source=Endpoint(*CLIENT6),
            target=Endpoint(*SERVER6),
            seq=1000,
        ),
    ]


@pytest.mark.parametrize(
    ("frame", "says", "mtu"),
    [
        (icmp(3, 0, FOUR), "destination unreachable: network unreachable", None),
        (icmp(3, 3, FOUR), "destination unreachable: port unreachable", None),
        (icmp(3, 4, FOUR, 1400), "destination unreachable: fragmentation needed", 1400),
        (icmp(3, 4, FOUR, 0), "destination unreachable: fragmentation needed", None),  # RFC 1191 section 4
        (icmp(3, 99, FOUR), "destination unreachable: code 99", None),
        (icmp(4, 0, FOUR), "source quench", None),
        (icmp(11, 0, FOUR), "time exceeded: time to live exceeded in transit", None),
        (icmp(11, 1, FOUR), "time exceeded: fragment reassembly time exceeded", None),
        (icmp(12, 1, FOUR), "parameter problem: required option missing", None),
        (icmp6(1, 1, SIX), "destination unreachable: communication administratively prohibited", None),
        (icmp6(2, 0, SIX, 1280), "packet too big", 1280),
        (icmp6(3, 0, SIX), "time exceeded: hop limit exceeded in transit", None),
        (icmp6(4, 1, SIX), "parameter problem: unrecognized next header", None),
    ],
)
def test_types_and_codes_have_names(frame: bytes, says: str, mtu: int | None) -> None:
    (error,) = read([frame]).errors
    assert (error.says, error.mtu) == (says, mtu)


def test_a_quoted_datagram_has_no_sequence_number() -> None:
    (error,) = read([icmp(3, 3, DATAGRAM[:28])]).errors
    assert (error.protocol, error.source, error.seq) == (17, Endpoint(*CLIENT), None)


def test_extension_headers_within_a_quotation_are_passed_over() -> None:
    segment = SIX[40:]
    fragment = bytes([6, 0, 0, 1, 0, 0, 0, 9])
    quote = ipv6(CLIENT6[0], SERVER6[0], bytes([44, 0, 1, 4, 0, 0, 0, 0]) + fragment + segment, protocol=60)
    (error,) = read([icmp6(2, 0, quote, 1400)]).errors
    assert (error.source, error.target, error.seq) == (Endpoint(*CLIENT6), Endpoint(*SERVER6), 1000)


def test_an_error_inside_a_tunnel_is_one() -> None:
    assert len(read([tunnels.gre(icmp(3, 1, FOUR))]).errors) == 1


@pytest.mark.parametrize(
    "frame",
    [
        icmp(8, 0, FOUR),  # an echo
        icmp(5, 1, FOUR),  # a redirect: no error
        icmp6(128, 0, SIX),
        icmp(3, 3, FOUR[:20]),  # no ports
        icmp(3, 3, FOUR[:6] + b"\0\5" + FOUR[8:]),  # of a later fragment
        icmp(3, 3, FOUR[:9] + b"\x01" + FOUR[10:]),  # of ICMP
        icmp(3, 3, SIX),
        icmp6(1, 0, FOUR),
        icmp6(1, 0, SIX[:42]),
    ],
)
def test_what_is_no_error_about_tcp_or_udp_is_passed_by(frame: bytes) -> None:
    assert read([frame]).errors == []


def test_tshark_reads_the_same_quotations(tmp_path: Path) -> None:
    frames = [
        icmp(3, 4, FOUR, 1400),
        icmp6(2, 0, SIX, 1280),
        icmp(11, 0, DATAGRAM[:28]),
        icmp6(3, 1, SIX),
    ]
    path = tmp_path / "errors.pcap"
    path.write_bytes(pcap(frames))
    fields = ["icmp.type", "icmpv6.type", "icmp.code", "icmpv6.code", "icmp.mtu", "icmpv6.mtu"]
    fields += ["tcp.srcport", "udp.srcport", "tcp.dstport", "udp.dstport", "tcp.seq"]
    command = [tool("tshark"), "-n", "-r", str(path), "-T", "fields", "-E", "separator=;"]
    command += ["-o", "tcp.relative_sequence_numbers:FALSE"]
    for name in fields:
        command += ["-e", name]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    theirs = []
    for line in lines:
        cells = [int(cell, 0) if cell else None for cell in line.split(";")]
        merged = [a if a is not None else b for a, b in zip(cells[0:10:2], cells[1:10:2], strict=True)]
        theirs.append([*merged, cells[10]])
    ours = [[e.type, e.code, e.mtu, e.source.port, e.target.port, e.seq] for e in read(frames).errors]
    assert ours == theirs


@given(st.sampled_from([icmp(3, 4, FOUR, 1400), icmp6(2, 0, SIX, 1280)]), st.data())
def test_broken_errors_give_an_answer(frame: bytes, draw: st.DataObject) -> None:
    broken = bytearray(frame)
    for at in draw.draw(st.lists(st.integers(0, len(frame) - 1), max_size=6)):
        broken[at] = draw.draw(st.integers(0, 255))
    for error in read([bytes(broken[: draw.draw(st.integers(0, len(frame)))]), bytes(broken)]).errors:
        assert error.says
