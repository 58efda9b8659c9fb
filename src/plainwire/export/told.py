"""What all formats say about an exchange: its URL, its verdict, its retries. Without secrets."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from plainwire.report import redact

if TYPE_CHECKING:
    from plainwire.model import Connection, Exchange, Finding, Report

_ANSWERED = frozenset({"complete"})


class Told:
    """A report with links from exchanges to connections and findings."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.connections = {connection.id: connection for connection in report.connections}
        self._findings: dict[int, list[Finding]] = {}
        for finding in report.findings:
            for number in finding.exchanges:
                self._findings.setdefault(number, []).append(finding)

    def connection(self, exchange: Exchange) -> Connection:
        """The connection that carried it."""
        return self.connections[exchange.connection]

    def findings(self, exchange: Exchange) -> list[Finding]:
        """The findings about it, failures first."""
        return sorted(self._findings.get(exchange.id, []), key=lambda finding: not finding.failure)

    def error(self, exchange: Exchange) -> str | None:
        """Why it failed: one of our codes, else the outcome; None if it did not fail."""
        failed = [finding.code for finding in self.findings(exchange) if finding.failure]
        if failed:
            return failed[0]
        return None if exchange.outcome in _ANSWERED or exchange.outcome == "unseen" else exchange.outcome

    def retried(self) -> list[tuple[Exchange, Exchange]]:
        """Failed exchanges, each with the next request for the same target after its end."""
        waiting: dict[tuple[object, ...], Exchange] = {}
        pairs = []
        for exchange in self.report.exchanges:
            request = exchange.request
            if request is None:
                continue
            asked = request.method, request.target, request.authority, request.body_digest
            if asked in waiting:
                pairs.append((waiting.pop(asked), exchange))
            if self.error(exchange) is not None:
                waiting[asked] = exchange
        return pairs


def scheme(exchange: Exchange, connection: Connection) -> str:
    """``https`` or ``http``."""
    request = exchange.request
    named = dict(request.headers).get(":scheme") if request is not None else None
    return named or ("https" if connection.tls is not None or connection.inner_tls else "http")


def raw_url(exchange: Exchange, connection: Connection) -> str:
    """The absolute URL of the request (RFC 9110 section 7.1), secrets included."""
    request = exchange.request
    if request is None:
        return ""
    if "://" in request.target.partition("?")[0]:
        return request.target
    host = request.authority or str(connection.server)
    target = "" if request.method == "CONNECT" else request.target
    return f"{scheme(exchange, connection)}://{host}{target if target.startswith('/') else ''}"


def url(exchange: Exchange, connection: Connection) -> str:
    """The same with secrets hidden."""
    return redact.target(raw_url(exchange, connection))


def moment(time_ns: int) -> str:
    """A time in RFC 3339's form, UTC, to the microsecond."""
    whole, rest = divmod(time_ns, 1_000_000_000)
    return f"{dt.datetime.fromtimestamp(whole, dt.UTC):%Y-%m-%dT%H:%M:%S}.{rest // 1000:06d}Z"
