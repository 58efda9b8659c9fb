"""What could not be seen, in words. Silence about it would turn ignorance into a clean bill of health."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.report import redact
from plainwire.report.escape import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from plainwire.model import Connection, Report

_NAMED = 8
"""Connections or exchanges named in one line; the others are counted."""


def shortfalls(report: Report) -> list[str]:
    """One line for each reason why the report may be missing something; empty where all was seen.

    Safe to print: what comes from the wire is escaped.
    """
    coverage = report.coverage
    lines = [f"{bug.line}." for bug in coverage.bugs]
    if coverage.packets_dropped:
        lines.append(f"{coverage.packets_dropped} packets were lost while capturing.")
    by_reason: dict[str, list[int]] = {}
    for connection, reason in coverage.undecrypted:
        by_reason.setdefault(printable(reason, 200), []).append(connection)
    lines += [f"{_named('connection', ids)}: {reason}." for reason, ids in by_reason.items()]
    if coverage.mid_stream:
        lines.append(f"{_named('connection', coverage.mid_stream)}: began before the capture did.")
    unseen = [e.id for e in report.exchanges if e.outcome == "unseen" and not e.stopped]
    if unseen:
        lines.append(f"{_named('exchange', unseen)}: the capture does not show how it ended.")
    return lines


def remarks(report: Report) -> list[str]:
    """One line for everything else worth knowing: connections that came to nothing, notes on the capture.

    Safe to print, as ``shortfalls``.
    """
    explained = {connection for connection, _ in report.coverage.undecrypted}
    return (
        _stopped(report)
        + _fruitless(report.connections, explained)
        + [printable(redact.line(note), 300) for note in report.coverage.notes]
    )


def _fruitless(connections: Iterable[Connection], explained: set[int]) -> list[str]:
    """Connections that led to no exchange and that no other line explains."""
    reasons: dict[str, list[int]] = {}
    for connection in connections:
        if connection.exchanges or connection.id in explained:
            continue
        reason = _why_fruitless(connection)
        if reason:
            reasons.setdefault(reason, []).append(connection.id)
    return [f"{_named('connection', ids)}: {reason}." for reason, ids in reasons.items()]


def _why_fruitless(connection: Connection) -> str:
    tls = connection.tls
    if not connection.established and not connection.mid_stream:
        return "was never established"
    if tls is not None and not tls.handshake_complete:
        return "the TLS handshake was not completed"
    if connection.decrypted and connection.application is None:
        return "carries no HTTP that could be recognised"
    return ""


def _named(noun: str, ids: list[int]) -> str:
    """``connection 3``, ``connections 3, 4``, ``connections 3, 4, ... and 12 more``."""
    distinct = sorted(set(ids))
    shown = ", ".join(map(str, distinct[:_NAMED]))
    more = f" and {len(distinct) - _NAMED} more" if len(distinct) > _NAMED else ""
    return f"{noun}{'s' if len(distinct) > 1 else ''} {shown}{more}"


def stopped_words(report: Report) -> str:
    """What the first line adds of exchanges that the user's own stop ended; "" without such."""
    number = sum(exchange.stopped for exchange in report.exchanges)
    verb = "was" if number == 1 else "were"
    return f"; {number} more {verb} under way when the program was stopped" if number else ""


def _stopped(report: Report) -> list[str]:
    """What was under way when the user stopped the program is no failure of it."""
    stopped = [exchange.id for exchange in report.exchanges if exchange.stopped]
    if not stopped:
        return []
    verb = "was" if len(stopped) == 1 else "were"
    return [f"{_named('exchange', stopped)}: {verb} under way when the program was stopped; not a failure."]
