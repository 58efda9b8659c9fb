"""Packets with other payloads: checksums that were right are right again."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from plainwire import pipeline
from plainwire.share import segments
from plainwire.share.plain_view import PlainView
from tests.builders.captures import pcap
from tests.builders.packets import ACK, CLIENT, CLIENT6, SERVER, SERVER6, SYN, ethernet, ipv4, ipv6, tcp

if TYPE_CHECKING:
    from pathlib import Path

    from plainwire.share.segments import KeptConnection
    from tests.builders.packets import Address

SACK = bytes((1, 1, 5, 10)) + struct.pack(">II", 5000, 5010)
ASKED, ANSWERED = b"GET /hunter2 HTTP/1.1\r\n\r\n", b"HTTP/1.1 204 No Content\r\n\r\n"


def packet(
    source: Address, target: Address, seq: int, ack: int, flags: int, data: bytes = b"", options: bytes = b""
) -> bytes:
    """A packet with a right TCP checksum."""
    segment = tcp(source[1], target[1], seq, ack, flags, data, options=options)
    build = ipv6 if ":" in source[0] else ipv4
    whole = build(source[0], target[0], segment)
    addresses = whole[8:40] if ":" in source[0] else whole[12:20]
    total = words(addresses + struct.pack(">HH", 6, len(segment)) + segment)
    return whole[: -len(segment)] + segment[:16] + (~total & 0xFFFF).to_bytes(2) + segment[18:]


def words(data: bytes) -> int:
    """RFC 1071."""
    padded = data + bytes(len(data) % 2)
    total: int = sum(struct.unpack(f">{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def is_right(frame: bytes) -> bool:
    """Whether TCP's checksum is: of a raw IP packet."""
    six = frame[0] >> 4 == 6
    segment = frame[40 if six else 20 :]
    addresses = frame[8:40] if six else frame[12:20]
    length = int.from_bytes(frame[4:6]) if six else int.from_bytes(frame[2:4]) - 20
    assert length == len(segment)
    return words(addresses + struct.pack(">HH", 6, len(segment)) + segment) == 0xFFFF


def collected(folder: Path, packets: list[bytes], link: int = 101) -> KeptConnection:
    path = folder / "c.pcap"
    path.write_bytes(pcap(packets, link))
    report = pipeline.analyze([path])
    (connection,) = segments.collect([path], report.connections).connections
    return connection


def conversation(client: Address, server: Address) -> list[bytes]:
    behind = 101 + len(ASKED)
    return [
        packet(client, server, 100, 0, SYN),
        packet(server, client, 900, 101, SYN | ACK),
        packet(client, server, 101, 901, ACK, ASKED),
        packet(client, server, 101, 901, ACK, ASKED[:9]),
        packet(server, client, 901, behind, ACK, ANSWERED, SACK),
        packet(client, server, behind - 1, 901 + len(ANSWERED), ACK, b"\0"),
    ]


@pytest.mark.parametrize("ends", [(CLIENT, SERVER), (CLIENT6, SERVER6)], ids=["IPv4", "IPv6"])
def test_checksums_are_mended(ends: tuple[Address, Address], tmp_path: Path) -> None:
    packets = conversation(*ends)
    assert all(map(is_right, packets))
    kept = collected(tmp_path, packets)
    made = segments.with_payloads(kept, (b"x" * len(ASKED), b"y" * len(ANSWERED)))
    assert [number for number, _ in made] == [1, 2, 3, 4, 5, 6]
    assert [len(each.data) for _, each in made] == [len(each) for each in packets]
    assert all(is_right(each.data) for _, each in made)
    assert made[2][1].data.endswith(b"x" * len(ASKED))
    assert made[3][1].data.endswith(b"x" * 9)  # sent again


def test_without_tls_sequence_numbers_and_lengths_follow_the_text(tmp_path: Path) -> None:
    """The whole request counts as one record with a text of 10 bytes, the response as one with 8."""
    kept = collected(tmp_path, conversation(CLIENT, SERVER))
    views = (
        PlainView(b"x" * len(ASKED), 0, [(0, len(ASKED), b"0123456789")]),
        PlainView(b"y" * len(ANSWERED), 0, [(0, len(ANSWERED), b"ABCDEFGH")]),
    )
    made = [each.data for _, each in segments.without_tls(kept, views)]
    assert all(map(is_right, made))
    assert [struct.unpack_from(">II", each, 24) for each in made[2:5]] == [(101, 901), (101, 901), (901, 111)]
    assert made[2].endswith(b"0123456789")
    assert made[3].endswith(b"0123")  # 9 bytes of the record: its head, and 4 of the text
    assert made[4].endswith(b"ABCDEFGH")
    assert SACK not in made[4]


def test_frames_of_ethernet_keep_their_head(tmp_path: Path) -> None:
    packets = [ethernet(each) for each in conversation(CLIENT, SERVER)]
    made = segments.with_payloads(collected(tmp_path, packets, 1), (b"x" * len(ASKED), b"y" * len(ANSWERED)))
    assert [each.data[:14] for _, each in made] == [each[:14] for each in packets]
    assert all(is_right(each.data[14:]) for _, each in made)


def test_of_several_connections_only_those_that_are_wanted_are_kept(tmp_path: Path) -> None:
    other = ("192.0.2.7", 40009)
    path = tmp_path / "c.pcap"
    path.write_bytes(pcap([*conversation(CLIENT, SERVER), *conversation(other, SERVER)]))
    report = pipeline.analyze([path])
    kept = segments.collect([path], [c for c in report.connections if c.client.port == 40009])
    assert [segment.number for connection in kept.connections for segment in connection.segments] == list(
        range(7, 13)
    )
