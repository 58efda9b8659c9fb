"""What a healthy run may still want to know, one quiet line each: wasted connections, requests that may have
waited for a stream of HTTP/2, and time.

Safe to print: what comes from the wire is redacted and escaped.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

from plainwire.model import Side
from plainwire.plurals import count
from plainwire.report import redact
from plainwire.report.escape import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from plainwire.model import Connection, Exchange, Report

_FEWEST_REQUESTS = 10
"""Fewer have no percentiles worth the name (chosen)."""
_WORTH_TELLING_NS = 200_000_000
"""Where nothing took longer than this nobody asks (chosen)."""
_FEWEST_OPENED, _TOO_MANY = 10, 2
"""Connections, and how many times as many as were needed at once (chosen)."""
_AT_ONCE_NS = 100_000_000
"""A client that closes sooner than this after an answer did not keep the connection (chosen)."""
_FEWEST_FOLLOWERS, _MOST_OF_THEM = 5, 0.5
"""Requests in the place of others, and their share of those beyond the limit; fewer are chance (chosen)."""
_FOLLOWS_NS = 20_000_000
"""A client that waits for a stream sends as soon as it has one (chosen)."""
_LIMIT = re.compile(r"\bMAX_CONCURRENT_STREAMS=(\d{1,9})\b")
_SLOWEST = 3
_PYTHON = ("python-requests", "python-urllib3")


def lines(report: Report) -> list[str]:
    """The lines; none where failures are to be told, or nothing is worth one."""
    if any(finding.failure for finding in report.findings):
        return []
    return [*_waste(report.connections), *_queues(report.connections), *_time(report.exchanges)]


def _waste(connections: Sequence[Connection]) -> Iterator[str]:
    groups: dict[tuple[str, int | None], list[Connection]] = defaultdict(list)
    for connection in connections:
        if connection.established and connection.exchanges and connection.transport == "tcp":
            owner = None if connection.program is None else connection.program.pid
            groups[str(connection.server), owner].append(connection)
    for (server, _), opened in groups.items():
        most = _most_at_once(opened)
        given_up = sum(_given_up(c) for c in opened)
        if len(opened) < max(_FEWEST_OPENED, _TOO_MANY * most) or _TOO_MANY * given_up < len(opened):
            continue
        pool = f" (pool_maxsize={most})" if _is_python(opened[0]) else ""
        kept = f"a pool that keeps {most}{pool}" if most > 1 else "a session that keeps one"
        yield (
            f"{count(len(opened), 'connection')} to {server} for at most {count(most, 'request')} at once: "
            f"the client closed {given_up} of them, whole, right after an answer; {kept} would do."
        )


def _most_at_once(connections: Sequence[Connection]) -> int:
    edges = [
        edge
        for c in connections
        for e in c.exchanges
        if e.request is not None and e.response is not None
        for edge in ((e.request.time_ns, 1), (e.response.last_ns, -1))
    ]
    now = most = 0
    for _, change in sorted(edges):
        now += change
        most = max(most, now)
    return most


def _given_up(connection: Connection) -> bool:
    """Whether the client ended it at once after an answer that had not announced it."""
    last, close = connection.exchanges[-1], connection.closes[0] if connection.closes else None
    if close is None or close.side != Side.CLIENT or last.outcome != "complete" or last.response is None:
        return False
    announced = last.response.close_announced or (last.request is not None and last.request.close_announced)
    return not announced and close.time_ns - last.response.last_ns <= _AT_ONCE_NS


def _queues(connections: Sequence[Connection]) -> Iterator[str]:
    """Connections on which requests left in the place of others, all that the server allows being in use."""
    for connection in connections:
        allowed = next(
            (
                (event.time_ns, int(found[1]))
                for event in connection.events
                if event.kind == "settings" and event.side == Side.SERVER
                if (found := _LIMIT.search(event.detail))
            ),
            None,
        )
        if allowed is None or connection.application != "h2":
            continue
        told_ns, limit = allowed
        taken = [e for e in connection.exchanges if e.request is not None and e.request.time_ns >= told_ns]
        followers = _followers(taken, limit)
        beyond = len(taken) - limit
        if followers < max(_FEWEST_FOLLOWERS, _MOST_OF_THEM * beyond):
            continue
        if max(e.duration_ns or 0 for e in taken) >= _WORTH_TELLING_NS:
            yield (
                f"Connection {connection.id}: the server allows {count(limit, 'stream')} at a time "
                f"(SETTINGS_MAX_CONCURRENT_STREAMS), and {followers} of {count(len(taken), 'request')} left "
                "just when one had become free: they may have waited for it."
            )


def _followers(exchanges: Sequence[Exchange], limit: int) -> int:
    """Requests that began just after the end of one of ``limit`` that were open; 0 where more were open."""
    edges = sorted(
        edge
        for e in exchanges
        if e.request is not None and e.response is not None
        for edge in ((e.request.time_ns, 1), (e.response.last_ns, -1))
    )
    now = found = 0
    freed_ns: int | None = None
    for time_ns, change in edges:
        if change < 0 and (now == limit or freed_ns is not None):
            freed_ns = time_ns
        elif change > 0 and freed_ns is not None and time_ns - freed_ns <= _FOLLOWS_NS:
            found += 1
        now += change
        freed_ns = None if now == limit else freed_ns
        if now > limit:
            return 0  # it is not held to the limit
    return found


def _is_python(connection: Connection) -> bool:
    request = connection.exchanges[0].request
    fields = request.headers if request is not None else []
    return any(name.lower() == "user-agent" and value.startswith(_PYTHON) for name, value in fields)


def _time(exchanges: Sequence[Exchange]) -> Iterator[str]:
    """``Half of 47 answers took 21 ms or less, 95 % 404 ms or less. The slowest: ...``."""
    taken = sorted(
        (
            (e.duration_ns, e.id, e)
            for e in exchanges
            if e.duration_ns is not None and e.outcome == "complete" and e.websocket is None
            if e.request is not None and e.request.method != "CONNECT"
        ),
        reverse=True,
    )
    if len(taken) < _FEWEST_REQUESTS or taken[0][0] < _WORTH_TELLING_NS:
        return
    half, late = (_span(taken[int(len(taken) * share)][0]) for share in (0.5, 0.05))
    slowest = "; ".join(f"exchange {e.id}, {_asked(e)}, {_span(took)}" for took, _, e in taken[:_SLOWEST])
    yield f"Half of {len(taken)} answers took {half} or less, 95 % {late} or less. The slowest: {slowest}."


def _asked(exchange: Exchange) -> str:
    request = exchange.request
    return "" if request is None else printable(f"{request.method} {redact.target(request.target)}", 60)


def _span(nanoseconds: int) -> str:
    return f"{nanoseconds / 1e9:.2f} s" if nanoseconds >= 1_000_000_000 else f"{nanoseconds / 1e6:.3g} ms"
