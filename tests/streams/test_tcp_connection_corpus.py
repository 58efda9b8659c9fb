"""Streams of captures that others made, beside what tshark's ``follow`` makes of them."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from plainwire.capture import reader
from plainwire.model import Gap, PacketBatch, UserError
from plainwire.packets.decode import Decoder
from plainwire.streams.tcp_assembler import Assembler, TcpConnection
from tests.corpus import corpus

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MOST_BYTES = 100_000
"""Larger captures are left to ``bench/conformance``."""

EXPLAINED = {
    "many-protocols.pcap": "a keep-alive probe of one byte, which tshark takes for data",
    "contentline-irc-5k-line.pcap": "a keep-alive probe, before which tshark takes a byte to be missing",
    "evasion": "a FIN from outside the window, up to which tshark takes all to be missing",
    "tcp-fastopen-10-syn-data-ignore.pcap": "a SYN-ACK of another connection, likewise",
    "firewall__tcp-session-decode-malformed-ipv4.pcap": "a damaged header, behind which tshark sees no TCP",
    "fragmented-4.pcap": "fragments that overlap with other bytes: which copy counts",
    "transform-base64-7296.pcap": "tshark ends a stream at a segment with all flags set",
    "fuzz-1011.pcap": "damaged segments far apart, of which tshark shows some",
    "rst": "bytes in a reset, which are no part of the stream (RFC 9293 section 3.5.3)",
}
"""Captures, or a part of their names."""

Bytes = tuple[bytes, bytes]


class Reassembled:
    """Both directions of every connection of a capture, without what is missing."""

    def __init__(self, path: Path) -> None:
        self.whole: list[tuple[TcpConnection, Bytes]] = []
        self._data: dict[int, tuple[TcpConnection, tuple[bytearray, bytearray]]] = {}
        self._missing: set[int] = set()
        decoder, assembler = Decoder(), Assembler()
        for item in reader.read([path]):
            if isinstance(item, PacketBatch):
                touched, over = assembler.feed(decoder.decode(item).segments)
                self._take(touched)
                self._finish(over)
        self._finish(assembler.close())
        for number, (connection, (client, server)) in self._data.items():
            if number not in self._missing:
                self.whole.append((connection, (bytes(client), bytes(server))))

    def _finish(self, connections: list[TcpConnection]) -> None:
        for connection in connections:
            connection.finish()
        self._take(connections)

    def _take(self, connections: list[TcpConnection]) -> None:
        for connection in connections:
            number = connection.facts.id
            _, data = self._data.setdefault(number, (connection, (bytearray(), bytearray())))
            for direction in connection.directions:
                for piece in direction.pieces:
                    if isinstance(piece, Gap):
                        self._missing.add(number)
                    else:
                        data[direction.side].extend(piece[1])
                direction.pieces.clear()


def references(folder: Path, name: str) -> Iterator[dict[str, Any]]:
    """What tshark says of the streams of a capture, with and without putting segments in order."""
    for suffix in (".jsonl", ".ooo_off.jsonl"):
        path = folder / "ref" / (name + suffix)
        if path.exists():
            for line in path.read_text().splitlines():
                if '"tcp.stream"' in line:
                    yield json.loads(line)


def digests(reference: dict[str, Any]) -> frozenset[str]:
    return frozenset(reference[f"sha256_{side}"] for side in (0, 1) if reference[f"len{side}"])


def test_streams_without_gaps_are_those_of_tshark() -> None:
    folder = corpus()
    outcome: Counter[str] = Counter()
    differ: list[str] = []
    for entry in json.loads((folder / "corpus.json").read_text()):
        path = folder / entry["file"]
        theirs = {digests(reference) for reference in references(folder, entry["name"])}
        if path.stat().st_size > MOST_BYTES or not theirs:
            continue
        try:
            ours = Reassembled(path).whole
        except UserError:
            continue  # a kind of file that is not read
        for connection, data in ours:
            mine = frozenset(hashlib.sha256(side).hexdigest() for side in data if side)
            if mine and mine not in theirs and connection.facts.id <= len(theirs):
                outcome["differs"] += 1
                differ.append(path.name)
            elif mine:
                outcome["same"] += 1
    unexplained = [name for name in differ if not any(known in name for known in EXPLAINED)]
    assert not unexplained, unexplained
    assert outcome["same"] > 1000, outcome
