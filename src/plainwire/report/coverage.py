"""What could not be seen, in words: without them, not knowing would look like being healthy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.model import HARMLESS, IDLE_RESET, SPARE_COPY
from plainwire.plurals import agreeing, count, plural
from plainwire.report import economy, redact
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
        lines.append(f"{count(coverage.packets_dropped, 'packet', 'was')} lost during the capture.")
    by_reason: dict[str, list[int]] = {}
    for connection, reason in coverage.undecrypted:
        by_reason.setdefault(printable(reason, 200), []).append(connection)
    lines += [f"{_named('connection', ids)}: {reason}." for reason, ids in by_reason.items()]
    if coverage.mid_stream:
        were = agreeing(len({*coverage.mid_stream}), "was")
        lines.append(
            f"{_named('Connection', coverage.mid_stream)} {were} already open when the capture began."
        )
    unseen = [e.id for e in report.exchanges if e.outcome == "unseen" and not e.stopped]
    if unseen:
        lines.append(f"The capture does not show how {_named('exchange', unseen)} ended.")
    return lines


def remarks(report: Report) -> list[str]:
    """Whatever else is worth knowing, a line each: connections that led to nothing, notes on the capture.

    Safe to print, as ``shortfalls``.
    """
    explained = {connection for connection, _ in report.coverage.undecrypted}
    return (
        _stopped(report)
        + _fruitless(report.connections, explained)
        + _reset_while_idle(report)
        + [printable(redact.line(note), 300) for note in report.coverage.notes]
        + economy.lines(report)
    )


def _reset_while_idle(report: Report) -> list[str]:
    """Connections that a server reset while no request used them, and no finding is about."""
    told = {connection for finding in report.findings for connection in finding.connections}
    ids = [
        sign.connection
        for sign in report.signs
        if sign.claimed_by == f"{HARMLESS}{IDLE_RESET}" and sign.connection not in told
        if sign.connection is not None
    ]
    if not ids:
        return []
    them = "it" if len(set(ids)) == 1 else "one of them"
    says = f"a client that writes on {them} next gets ECONNRESET without a packet."
    return [f"The server reset the idle {_named('connection', ids)}; {says}"]


def _fruitless(connections: Iterable[Connection], explained: set[int]) -> list[str]:
    """Connections that led to no exchange and that no other line explains."""
    ends: dict[tuple[str, str], list[int]] = {}
    for connection in connections:
        if connection.exchanges or connection.id in explained:
            continue
        end = _fruitless_end(connection)
        if end is not None:
            ends.setdefault(end, []).append(connection.id)
    return [f"{_named('Connection', ids)} {end[len(ids) > 1]}." for end, ids in ends.items()]


def _fruitless_end(connection: Connection) -> tuple[str, str] | None:
    """What one connection did, and what several did."""
    tls = connection.tls
    if not connection.established and not connection.mid_stream:
        return "was never established", "were never established"
    if tls is not None and not tls.handshake_complete:
        return "did not complete its TLS handshake", "did not complete their TLS handshakes"
    if connection.decrypted and connection.application is None:
        return "carried no HTTP that plainwire recognises", "carried no HTTP that plainwire recognises"
    return None


def _named(noun: str, ids: list[int]) -> str:
    """``connection 3``, ``connections 3, 4``, ``connections 3, 4, ... and 12 more``."""
    distinct = sorted(set(ids))
    shown = ", ".join(map(str, distinct[:_NAMED]))
    more = f" and {len(distinct) - _NAMED} more" if len(distinct) > _NAMED else ""
    return f"{plural(len(distinct), noun)} {shown}{more}"


def spare_words(report: Report) -> str:
    """``; 1 more was a copy that was dropped when the other was answered``."""
    number = len(spare_copies(report))
    copies = "was a copy that was dropped when the other was answered"
    if number > 1:
        copies = "were copies that were dropped when the others were answered"
    return f"; {number} more {copies}" if number else ""


def stopped_words(report: Report) -> str:
    """What the first line says about exchanges that the user's own stop ended; "" where there are none."""
    number = sum(exchange.stopped for exchange in report.exchanges)
    verb = agreeing(number, "was")
    return f"; {number} more {verb} under way when the program was stopped" if number else ""


def spare_copies(report: Report) -> set[int]:
    """The exchanges that the client dropped since another copy of the request had been answered."""
    reason = f"{HARMLESS}{SPARE_COPY}"
    return {s.exchange for s in report.signs if s.exchange is not None and s.claimed_by == reason}


def _stopped(report: Report) -> list[str]:
    """What was under way when the user stopped the program is no failure of it."""
    stopped = [exchange.id for exchange in report.exchanges if exchange.stopped]
    if not stopped:
        return []
    verb = agreeing(len(stopped), "was")
    return [f"{_named('Exchange', stopped)} {verb} under way when the program was stopped: no failure."]
