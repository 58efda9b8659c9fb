"""Findings on packets as they would be captured, through the whole pipeline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.model import PSH, SYN
from plainwire.pipeline import Analysis
from tests.streams.wire import Wire, batch

if TYPE_CHECKING:
    from plainwire.model import Finding

GET = b"GET /object HTTP/1.1\r\nHost: storage.example\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def findings(*wires: Wire) -> dict[str, Finding]:
    """By code; the packets of all wires in order of their times."""
    analysis = Analysis()
    packets = sorted((p for wire in wires for p in wire.packets), key=lambda packet: packet[0])
    analysis.feed(batch(packets, 1))
    return {finding.code: finding for finding in analysis.close().findings}


def asked(wire: Wire, answer: bytes = ANSWER) -> Wire:
    """A request, its answer and an orderly end."""
    wire.client(0, flags=0).client(0, GET, flags=PSH).server(0, answer, ack=len(GET), flags=PSH)
    return wire.closed(len(GET), len(answer))


def syns(
    *times: int,
    port: int = 40000,
    client: str = "192.0.2.7",
    flags: tuple[int, ...] = (),
    stamps: tuple[int, ...] = (),
) -> Wire:
    """A connection of which the client's SYNs are there; ``flags`` beside SYN and TSvals, one for each."""
    wire = Wire((client, port))
    for number, at in enumerate(times):
        wire.client(
            -1,
            ack=None,
            at=at,
            flags=SYN | (flags[number] if flags else 0),
            options=b"" if not stamps else stamp(stamps[number]),
        )
    return wire


def stamp(value: int, echo: int = 0) -> bytes:
    """Timestamps behind two NOPs (RFC 7323 section 3.2)."""
    return bytes((1, 1, 8, 10)) + (value % (1 << 32)).to_bytes(4) + (echo % (1 << 32)).to_bytes(4)
