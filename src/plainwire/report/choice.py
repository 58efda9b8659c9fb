"""Which exchanges are to be shown."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from plainwire.model import Connection, Exchange, Report

_FAILED = frozenset({"unanswered", "truncated", "refused", "aborted"})
_STATUS = re.compile(r"[1-9](?:\d\d|xx)", re.IGNORECASE)
_TIME = re.compile(r"(\d\d):(\d\d)(?::(\d\d(?:\.\d{1,9})?))?")
_DAY_NS = 86_400_000_000_000


class Choice(Struct, frozen=True):
    """All that are given must hold. ``since_ns``: of the day on which the capture begins (UTC)."""

    failed: bool = False
    host: str | None = None
    method: str | None = None
    status: str | None = None
    connection: int | None = None
    since_ns: int | None = None

    @classmethod
    def of(
        cls,
        failed: bool,  # noqa: FBT001 - one option of several
        host: str | None,
        method: str | None,
        status: str | None,
        connection: int | None,
        since: str | None,
    ) -> Choice:
        """From what a user typed.

        Raises:
            ValueError: what is none of these; the message says what is wanted.

        """
        if status is not None and _STATUS.fullmatch(status) is None:
            message = f"--status takes a status, or a class of them: 503, 5xx (not {status!r})"
            raise ValueError(message)
        return cls(failed, host, method, status, connection, None if since is None else _of_the_day(since))

    def among(self, report: Report) -> list[Exchange]:
        """The exchanges of a report for which it holds."""
        told = {number for finding in report.findings if finding.failure for number in finding.exchanges}
        connections = {connection.id: connection for connection in report.connections}
        since = self._since(report)
        return [
            exchange
            for exchange in report.exchanges
            if (not self.failed or exchange.id in told or exchange.outcome in _FAILED)
            and self._is_of(exchange, connections.get(exchange.connection))
            and (since is None or _begin(exchange) >= since)
        ]

    def _is_of(self, exchange: Exchange, connection: Connection | None) -> bool:
        request, response = exchange.request, exchange.response
        if self.connection is not None and exchange.connection != self.connection:
            return False
        if self.method is not None and (request is None or request.method.upper() != self.method.upper()):
            return False
        if self.status is not None:
            wanted = self.status.lower().replace("x", "")
            if response is None or not str(response.status).startswith(wanted):
                return False
        return self.host is None or _is_below(self.host.lower(), _hosts(exchange, connection))

    def _since(self, report: Report) -> int | None:
        if self.since_ns is None:
            return None
        first = min((_begin(exchange) for exchange in report.exchanges), default=0)
        return first - first % _DAY_NS + self.since_ns


def _hosts(exchange: Exchange, connection: Connection | None) -> set[str]:
    """The host that was asked, with its port and without, and the server's name in TLS and its address."""
    found: set[str | None] = set()
    if exchange.request is not None and exchange.request.authority is not None:
        found |= {exchange.request.authority, exchange.request.authority.rpartition(":")[0]}
    if connection is not None:
        found |= {connection.server.address, str(connection.server)}
        found.add(connection.tls.server_name if connection.tls is not None else None)
    return {name.lower() for name in found if name}


def _is_below(host: str, names: set[str]) -> bool:
    return any(name == host or name.endswith(f".{host}") for name in names)


def _begin(exchange: Exchange) -> int:
    first = exchange.request or exchange.response
    return first.time_ns if first is not None else 0


def _of_the_day(text: str) -> int:
    """A time of day in ns."""
    match = _TIME.fullmatch(text)
    if match is None:
        message = f"--since takes a time of day, UTC: 13:37, 13:37:00.5 (not {text!r})"
        raise ValueError(message)
    seconds, _, fraction = (match[3] or "00").partition(".")
    time = dt.timedelta(hours=int(match[1]), minutes=int(match[2]), seconds=int(seconds))
    return int(time.total_seconds()) * 1_000_000_000 + int(fraction.ljust(9, "0"))
