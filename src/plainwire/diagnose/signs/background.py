"""What the other connections say for a sign to be harmless; each fact is gathered once, on first use."""

from __future__ import annotations

from bisect import bisect_left, insort
from functools import cached_property
from typing import TYPE_CHECKING

from plainwire.diagnose.evidence.exchanges import ERROR_STATUS
from plainwire.diagnose.thresholds import LONG_NS
from plainwire.model import Side

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from plainwire.model import Connection, Endpoint, Request

CREDENTIALS = {401: "authorization", 407: "proxy-authorization"}
"""The field that a request needs after such a status (RFC 9110 sections 11.6.2 and 11.7.2)."""


_AGAIN_NS = 2_000_000_000
"""A client that repeats a request does so at once, or after a first pause of a second or so."""

_Asked = tuple["Endpoint", str, str, str]


class Background:
    """All connections, by what is asked of them."""

    def __init__(
        self, connections: Sequence[Connection], spare: Callable[[Sequence[Connection]], frozenset[int]]
    ) -> None:
        """``spare`` finds the exchanges, by id, that their client dropped since another copy was answered."""
        self._connections = connections
        self._spare = spare

    @cached_property
    def spare_copies(self) -> frozenset[int]:
        """The exchanges, by id, that their client dropped since another copy had been answered."""
        return self._spare(self._connections)

    @cached_property
    def ended_ns(self) -> int:
        """When the last packet of all came."""
        return max((connection.last_ns for connection in self._connections), default=0)

    @cached_property
    def served(self) -> set[Endpoint]:
        """The server addresses that requests went to."""
        return {connection.server for connection in self._connections if connection.exchanges}

    @cached_property
    def _answered(self) -> set[Endpoint]:
        return {c.server for c in self._connections if any(e.response is not None for e in c.exchanges)}

    def is_spare(self, connection: Connection) -> bool:
        """Whether a client dropped a connection at once in its handshake, and was answered over others.

        Who opens several and needs fewer does so (Go, browsers), and who ends just then.
        """
        close = connection.closes[0] if connection.closes else None
        if close is None or close.side is not Side.CLIENT or close.kind == "alert" or connection.exchanges:
            return False
        soon = close.time_ns - connection.opened_ns < LONG_NS
        unfinished = connection.tls is not None and not connection.tls.handshake_complete
        return soon and unfinished and connection.server in self._answered

    @cached_property
    def first_established(self) -> dict[Endpoint, int]:
        """When the first connection to each address that was established began."""
        found: dict[Endpoint, int] = {}
        for connection in self._connections:
            if connection.established:
                found.setdefault(connection.server, connection.opened_ns)
        return found

    def opened_over(self, *, six: bool, port: int, near_ns: int, within_ns: int) -> bool:
        """Whether a connection to the port over that IP version was established near that moment."""
        times = self._opened.get((six, port), [])
        at = bisect_left(times, near_ns - within_ns)
        return at < len(times) and times[at] <= near_ns + within_ns

    @cached_property
    def _opened(self) -> dict[tuple[bool, int], list[int]]:
        found: dict[tuple[bool, int], list[int]] = {}
        for connection in self._connections:
            if connection.established:
                key = ":" in connection.server.address, connection.server.port
                insort(found.setdefault(key, []), connection.opened_ns)
        return found

    def granted_later(self, server: Endpoint, request: Request, status: int) -> bool:
        """Whether the same was asked again with the credentials that ``status`` wants, and granted."""
        key = server, request.method, request.target, CREDENTIALS[status]
        return self._granted.get(key, -1) > request.time_ns

    def asked_again(self, server: Endpoint, request: Request, other_than: int, *, from_ns: int) -> bool:
        """Whether another connection was asked the same within two seconds from a moment on."""
        times = self._asked.get((server, request.method, request.target), [])
        return any(0 <= at - from_ns <= _AGAIN_NS and number != other_than for at, number in times)

    @cached_property
    def _asked(self) -> dict[tuple[Endpoint, str, str], list[tuple[int, int]]]:
        """When, and on which connections, each request was sent."""
        found: dict[tuple[Endpoint, str, str], list[tuple[int, int]]] = {}
        for connection in self._connections:
            for exchange in connection.exchanges:
                request = exchange.request
                if request is not None:
                    key = connection.server, request.method, request.target
                    found.setdefault(key, []).append((request.time_ns, connection.id))
        return found

    @cached_property
    def _granted(self) -> dict[_Asked, int]:
        """When a request with credentials was last granted."""
        found: dict[_Asked, int] = {}
        for connection in self._connections:
            for exchange in connection.exchanges:
                request, response = exchange.request, exchange.response
                if request is None or response is None or response.status >= ERROR_STATUS:
                    continue
                for name, _ in request.headers:
                    key = connection.server, request.method, request.target, name.lower()
                    if key[-1] in CREDENTIALS.values():
                        found[key] = max(request.time_ns, found.get(key, -1))
        return found
