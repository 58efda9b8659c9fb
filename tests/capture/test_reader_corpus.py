"""Captures that other projects made: as many packets as tshark found in them."""

from __future__ import annotations

import csv
import gzip
import struct
from typing import TYPE_CHECKING

import zstandard

from plainwire.capture import reader
from plainwire.model import PacketBatch, SecretsBlock
from tests.corpus import corpus

if TYPE_CHECKING:
    from pathlib import Path

COUNTED_BY_WIRESHARK = (0x0BAD, 0x40000BAD, 9)
"""Custom blocks and journal entries have packet numbers there, though no packet is in them."""
MORE_THAN_TSHARK = {"gopacket/fmt__test901.pcapng": 1}
"""Its second section has version 2.0: tshark ends there, we pass over it and read the third."""


def test_there_are_as_many_packets_as_tshark_found() -> None:
    folder = corpus()
    wrong = []
    for row in rows(folder):
        path = folder / row["name"]
        ours = packets(path) + other_records(path) - MORE_THAN_TSHARK.get(row["name"], 0)
        if ours != int(row["packets"]):
            wrong.append(f"{row['name']}: {ours}, by tshark {row['packets']}")
    assert wrong == []


def test_secrets_in_blocks_and_comments_are_found() -> None:
    folder = corpus()
    named = [row for row in rows(folder) if row["secret_kind"] == "comment" or "DSB" in row["secret_kind"]]
    assert named
    for row in named:
        assert any(isinstance(item, SecretsBlock) for item in reader.read([folder / row["name"]])), row[
            "name"
        ]


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "manifest.tsv").open(newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def packets(path: Path) -> int:
    return sum(len(item.number) for item in reader.read([path]) if isinstance(item, PacketBatch))


def other_records(path: Path) -> int:
    """How many blocks of a pcapng file Wireshark counts although they are no packets."""
    data = path.read_bytes()
    data = gzip.decompress(data) if path.suffix == ".gz" else data
    data = zstandard.ZstdDecompressor().decompressobj().decompress(data) if path.suffix == ".zst" else data
    if not data.startswith(b"\x0a\x0d\x0d\x0a"):
        return 0
    order = "<"
    count = at = 0
    while at + 12 <= len(data):
        if data.startswith(b"\x0a\x0d\x0d\x0a", at):
            order = "<" if data.startswith(b"\x4d\x3c\x2b\x1a", at + 8) else ">"
        kind, length = struct.unpack_from(order + "II", data, at)
        count += kind in COUNTED_BY_WIRESHARK
        at += max(12, length)
    return count
