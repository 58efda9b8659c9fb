"""The packets of connections as a table that needs no tool to be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.export.told import moment
from plainwire.model import Side
from plainwire.report import redact
from plainwire.report.escape import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from plainwire.model import Connection, Exchange, Report

HEADING = ("packet", "UTC", "from", "seq", "ack", "bytes", "flags", "TTL", "IP id", "what it says")
_FLAGS = ((1, "FIN"), (2, "SYN"), (4, "RST"), (8, "PSH"), (16, "ACK"), (32, "URG"), (64, "ECE"), (128, "CWR"))
_NO_TIME = len("2026-01-01T")
_LONGEST = 100
_CLASSES = {
    "close_notify": "TLS close_notify (authenticated)",
    "alert": "TLS alert {detail} (authenticated where encrypted)",
    "fin": "end of its stream (FIN)",
    "rst": "reset (bare: nothing authenticates it)",
}


def rows(
    connection: Connection, report: Report, *, among: Iterable[int] | None = None
) -> list[tuple[str, ...]]:
    """A row a packet, as in ``HEADING``; ``among``: only of these packets. Safe to print.

    Of a long connection only the last packets are known; of QUIC those that something is said of. ``seq`` and
    ``ack`` are those that Wireshark shows: relative, the first byte is number 1.
    """
    segments = connection.segments
    wanted = None if among is None else frozenset(among)
    says = _meanings(connection, report)
    if segments is None:
        own = packets_told_of(connection, report)
        carriers = [(side.name.lower(), _carriers(connection, side)) for side in Side]
        return [_told(n, carriers, says[n]) for n in own if wanted is None or n in wanted]
    names = ("number", "time_ns", "side", "seq", "ack", "length", "flags", "ttl", "ip_id")
    table = zip(*(getattr(segments, name).tolist() for name in names), strict=True)
    return [_row(each, says) for each in table if wanted is None or each[0] in wanted]


def _told(number: int, carriers: list[tuple[str, set[int]]], says: list[str]) -> tuple[str, ...]:
    """Of a packet whose header is not kept; ``carriers``: those of each side."""
    side = next((name for name, sent in carriers if number in sent), "")
    return (str(number), "", side, *[""] * 6, "; ".join(says))


def packets_told_of(connection: Connection, report: Report) -> list[int]:
    """Those that ``rows`` has, in order."""
    if connection.segments is not None:
        return list(map(int, connection.segments.number.tolist()))
    first, last = connection.first_packet, connection.last_packet
    elsewhere = {
        number
        for other in report.connections
        if other is not connection and other.first_packet <= last and first <= other.last_packet
        for side in Side
        for number in _carriers(other, side)
    }
    return sorted(n for n in _meanings(connection, report) if first <= n <= last and n not in elsewhere)


def _carriers(connection: Connection, side: Side) -> set[int]:
    """Packets of the capture in which packets of QUIC came, of 1-RTT and the newest of them."""
    return set() if connection.quic is None else {carrier for carrier, _ in connection.quic.numbers[side]}


def _row(values: tuple[int, ...], says: dict[int, list[str]]) -> tuple[str, ...]:
    number, time_ns, side, seq, ack, length, flags, ttl, ip_id = values
    return (
        str(number),
        moment(time_ns)[_NO_TIME:-1],
        Side(side).name.lower(),
        str(seq + 1),
        str(ack + 1) if ack >= 0 else "",
        str(length),
        ",".join(name for bit, name in _FLAGS if flags & bit),
        str(ttl),
        str(ip_id) if ip_id >= 0 else "",
        "; ".join(says.get(number, [])),
    )


def _meanings(connection: Connection, report: Report) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for exchange in connection.exchanges:
        for packet, text in _of_exchange(exchange):
            found.setdefault(packet, []).append(text)
    for close in connection.closes:
        text = _CLASSES.get(close.kind, close.kind).format(detail=printable(close.detail))
        found.setdefault(close.packet, []).append(text)
    for finding in report.findings:
        for evidence in finding.evidence if connection.id in finding.connections else ():
            text = f"[{finding.code}] {printable(evidence.says)}"
            if text not in found.setdefault(evidence.packet, []):
                found[evidence.packet].append(text)
    return found


def _of_exchange(exchange: Exchange) -> Iterator[tuple[int, str]]:
    request, response = exchange.request, exchange.response
    if request is not None:
        target = printable(redact.target(request.target), _LONGEST)
        yield request.packet, f"request {exchange.id} begins: {printable(request.method)} {target}"
        if request.complete and request.last_packet != request.packet:
            yield request.last_packet, f"request {exchange.id} is complete"
    if response is not None:
        yield response.packet, f"response {exchange.id} begins: {response.status}"
        if response.complete and response.last_packet != response.packet:
            yield response.last_packet, f"response {exchange.id} is complete"


def text(report: Report) -> str:
    """The whole table, connection after connection."""
    parts = []
    for connection in report.connections:
        tls = f", {connection.tls.version}" if connection.tls is not None and connection.tls.version else ""
        parts.append(f"connection {connection.id}: {connection.client} -> {connection.server}{tls}")
        parts += _aligned([HEADING, *rows(connection, report)])
        parts.append("")
    return "\n".join(parts)


def _aligned(lines: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADING))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]
