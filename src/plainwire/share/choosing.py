"""Which connections a bundle is of: those that failed, and some that did not, to compare them with."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from plainwire.model import Connection, Finding, Report

NEIGHBOURS = (2, 8, 32, 1 << 30)
"""So many succeeding connections a server are tried, until the verdict is the same as of the whole."""


def failing(report: Report) -> list[Finding]:
    """What the bundle is to show: the failures, or where there are none all findings."""
    return [finding for finding in report.findings if finding.failure] or report.findings


def choices(report: Report, named: Sequence[int] = ()) -> Iterator[list[Connection]]:
    """Connections to take, fewer first. ``named``: only these, by their ids."""
    if named:
        yield [connection for connection in report.connections if connection.id in named]
        return
    by_exchange = {exchange.id: exchange.connection for exchange in report.exchanges}
    wanted: set[int] = set()
    for finding in failing(report):
        wanted |= {*finding.connections, *(by_exchange[number] for number in finding.exchanges)}
    wanted |= _holding(report, {packet for finding in failing(report) for packet in finding.packets})
    before = -1
    for most in NEIGHBOURS:
        chosen = wanted | _neighbours(report, wanted, most)
        if len(chosen) > before:
            before = len(chosen)
            yield [connection for connection in report.connections if connection.id in chosen]


def _holding(report: Report, packets: set[int]) -> set[int]:
    """The connections that packets belong to; of long ones only the last packets are known."""
    return {
        connection.id
        for connection in report.connections
        if connection.first_packet in packets
        or (connection.segments is not None and packets.intersection(connection.segments.number.tolist()))
    }


def _neighbours(report: Report, wanted: set[int], most: int) -> set[int]:
    """Connections to the same servers, the nearest in time first; those with exchanges ahead of others."""
    found: set[int] = set()
    failed = [connection for connection in report.connections if connection.id in wanted]
    for server in {connection.server for connection in failed}:
        times = [connection.opened_ns for connection in failed if connection.server == server]
        others = [c for c in report.connections if c.server == server and c.id not in wanted]
        others.sort(key=lambda c: (not c.exchanges, min(abs(c.opened_ns - time) for time in times)))
        found |= {connection.id for connection in others[:most]}
    return found


def lookups(report: Report) -> list[int]:
    """Packets that findings cite: questions to name servers may be among them, which are no connection's."""
    return sorted({packet for finding in failing(report) for packet in finding.packets})


Verdicts = list[tuple[str, str, int]]


def verdicts(findings: Sequence[Finding]) -> Verdicts:
    """What has to come out the same: codes, how sure, on how many exchanges."""
    return sorted((finding.code, finding.certainty, len(finding.exchanges)) for finding in findings)
