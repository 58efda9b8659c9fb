"""The first line of a report: what failed, by the measure of each protocol.

A gRPC call fails by its status, a WebSocket by the way it ends, a connection by never being established.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.plurals import agreeing, count
from plainwire.report.coverage import spare_copies, spare_words, stopped_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainwire.model import Exchange, Report

_FAILED = frozenset({"unanswered", "truncated", "refused", "aborted"})
_PHASES = (
    ("connect-failed", "could not be established"),
    ("tunnel-refused", "failed at the proxy"),
    ("tls-handshake-not-completed", "failed in the TLS handshake"),
    ("no-request-after-handshake", "ended after the TLS handshake, without a request"),
)
_BY_PROTOCOL = frozenset(
    {
        "grpc-status",
        "grpc-no-status",
        "grpc-message-cut",
        "websocket-close-code",
        "websocket-no-close-frame",
        "event-stream-error",
    }
)
_STATUSES = (("status-4xx", "4xx"), ("status-5xx", "5xx"))


def headline(report: Report, missing: list[str]) -> str:
    """Return the first line, which sums up the rest; never "no failures" where something was not seen."""
    bad = failing(report)
    failed = [*(_retried(report) or _failures(report, bad)), *_connections(report)]
    statuses = list(_statuses(report, bad))
    hidden = (
        spare_words(report)
        + stopped_words(report)
        + (", and not everything could be seen" if missing else "")
    )
    spare = spare_copies(report)
    requests = sum(e.request is not None and not e.stopped and e.id not in spare for e in report.exchanges)
    if failed:
        found = count(len(report.findings), "finding") if report.findings else "no cause found"
        return f"plainwire: {', '.join(failed + statuses)}; {found}{hidden}."
    told = "".join(f", {each}" for each in statuses)
    if report.findings:
        number = count(len(report.findings), "finding")
        unsent = any(f.failure and not f.exchanges for f in report.findings)
        told += ", and a failure before a request left" if unsent else ""
        return f"plainwire: {count(requests, 'request')}{told}; {number}{hidden}."
    return f"plainwire: {_nothing_found(report, requests, told, missing)}."


def _nothing_found(report: Report, requests: int, told: str, missing: list[str]) -> str:
    connections = count(len(report.connections), "connection")
    stopped = sum(exchange.stopped for exchange in report.exchanges)
    if not requests and stopped:
        verb = agreeing(stopped, "was")
        words = f"{count(stopped, 'request')} {verb} under way when the program was stopped"
        return f"{words}; nothing else was asked"
    if not requests:
        return f"no HTTP request could be seen ({connections}); nothing can be said about failures"
    if missing:
        clean = f"nothing wrong in the {count(requests, 'request')} that could be seen ({connections}{told})"
        return f"{clean}, but not everything could be seen"
    answered = "answered completely" if requests == 1 else "all answered completely"
    told += spare_words(report) + stopped_words(report)
    return f"{count(requests, 'request')} on {connections}, {answered}{told}; nothing wrong"


def failing(report: Report) -> set[int]:
    """The exchanges that failed: by their outcome, by a finding, by the word of their own protocol."""
    told = {number for f in report.findings if f.failure for number in f.exchanges}
    signs = {s.exchange for s in report.signs if s.exchange is not None and s.kind in _BY_PROTOCOL}
    spare = spare_copies(report)
    return told | signs | {e.id for e in report.exchanges if e.outcome in _FAILED and e.id not in spare}


def _failures(report: Report, failing: set[int]) -> Iterator[str]:
    """``2 of 8 calls failed``, ``3 of 3 WebSockets ended abnormally``."""
    for noun, ending, chosen in _measures(report):
        bad = sum(e.id in failing for e in chosen)
        if bad:
            yield f"{bad} of {count(len(chosen), noun)} {ending}"


def _retried(report: Report) -> list[str]:
    """``7 of 22 attempts failed, all retried; the program asked for 15 and saw none fail``."""
    attempts = report.attempts
    if attempts is None or not attempts.repeated:
        return []
    how = "all" if attempts.repeated == attempts.failed else f"{attempts.repeated} of them"
    lost = attempts.lost or "none"
    asked = f"the program asked for {attempts.asked} and saw {lost} fail"
    if not _unheard(report):
        asked = f"{attempts.asked} were asked for, and {lost} failed in the end"
    return [f"{attempts.failed} of {count(attempts.sent, 'attempt')} failed, {how} retried; {asked}"]


def _hidden(report: Report) -> set[int]:
    """The exchanges of requests that were answered in the end."""
    return {number for f in report.findings if f.code == "hidden-retry" for number in f.exchanges}


def _unheard(report: Report) -> bool:
    """Whether the program was watched, and said nothing of a failure that was made good."""
    if report.testimony is None:
        return False
    hidden = _hidden(report)
    return not any(saying.exchange in hidden for saying in report.testimony.sayings)


def _measures(report: Report) -> Iterator[tuple[str, str, list[Exchange]]]:
    spare = spare_copies(report)
    asked = [e for e in report.exchanges if e.request is not None and not e.stopped and e.id not in spare]
    sockets = [e for e in asked if e.websocket is not None]
    calls = [e for e in asked if e.grpc is not None and e.websocket is None]
    yield "request", "failed", [e for e in asked if e.websocket is None and e.grpc is None]
    yield "call", "failed", calls
    ended = "ended abnormally" if _signed(report, sockets) else "closed before the program was done"
    yield "WebSocket", ended, sockets


def _signed(report: Report, exchanges: list[Exchange]) -> bool:
    """Whether the wire shows that one of them failed, and not the program's word alone."""
    failed = {s.exchange for s in report.signs if s.kind in _BY_PROTOCOL}
    return any(e.id in failed or e.outcome in _FAILED for e in exchanges)


def _connections(report: Report) -> Iterator[str]:
    """``12 of 12 connections failed in the TLS handshake``: those without a request, by how far they got."""
    failed: dict[int, str] = {}
    for kind, says in _PHASES:
        for sign in report.signs:
            if sign.kind == kind and sign.connection is not None and not sign.harmless:
                failed.setdefault(sign.connection, says)
    for _, says in _PHASES:
        bad = sum(each == says for each in failed.values())
        if bad:
            yield f"{bad} of {count(len(report.connections), 'connection')} {says}"


def _statuses(report: Report, failing: set[int]) -> Iterator[str]:
    told = failing | _hidden(report)
    for kind, name in _STATUSES:
        number = sum(s.kind == kind and s.exchange not in told for s in report.signs)
        if number:
            yield f"{count(number, 'request')} answered with {name}"
