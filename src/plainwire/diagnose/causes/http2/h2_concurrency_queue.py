"""Remark h2-concurrency-queue: requests that left just when a stream became free, all others being in use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire import plurals
from plainwire.diagnose import wording
from plainwire.diagnose.evidence.limits_announced import limits_announced
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence, Side

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.diagnose.verdict import Failures
    from plainwire.model import Connection, Endpoint, Exchange, StreamEvent


_FEWEST_FOLLOWERS = 5
"""So many requests in the place of another are no coincidence."""

_MOST_OF_WAITING = 0.5
"""Share of the requests beyond the limit that left in the place of another."""

_FOLLOWS_NS = 5_000_000
"""A client that waits for a stream sends as soon as it has one."""


class _Follower(Struct, frozen=True):
    """A request that left as soon as another exchange had ended."""

    ended_ns: int
    ended: int  # packet
    exchange: Exchange


def h2_concurrency_queue(traffic: Traffic, failures: Failures) -> Iterator[Verdict]:
    """Connections on which most requests beyond the server's limit left in the place of another."""
    for server in failures.servers:
        yield from _at_server(traffic, server)


def _at_server(traffic: Traffic, server: Endpoint) -> Iterator[Verdict]:
    for connection in traffic.by_server.get(server, ()):
        setting = _setting(connection)
        if setting is None:
            continue
        event, limit = setting
        followers = _followers(connection, event, limit)
        waited = len([e for e in connection.exchanges if _sent_after(e, event)]) - limit
        if len(followers) < _FEWEST_FOLLOWERS or len(followers) < _MOST_OF_WAITING * waited:
            continue
        first = followers[0]
        assert first.exchange.request is not None  # noqa: S101 - those that have one are kept
        request = first.exchange.request
        yield Verdict(
            code="h2-concurrency-queue",
            connection=connection,
            exchanges=(),
            fault="both",
            grounds=(Ground.GUESS,),
            facts=f"The server allows {plurals.count(limit, 'stream')} at a time. {len(followers)} requests "
            f"left when all of them had been in use and one had just become free, the first {_after(first)} "
            "after that: they may have waited for it.",
            evidence=(
                Evidence(event.packet, f"the server's SETTINGS: {plurals.count(limit, 'stream')} at a time"),
                Evidence(first.ended, f"the end of one of {plurals.count(limit, 'open stream')}"),
                Evidence(request.packet, f"another request, {_after(first)} later"),
            ),
            runner_up="a program that never asks for more at a time: looks the same; only the program could "
            "tell",
            time_ns=request.time_ns,
        )


def _after(follower: _Follower) -> str:
    request = follower.exchange.request
    return wording.span((request.time_ns if request is not None else 0) - follower.ended_ns)


def _setting(connection: Connection) -> tuple[StreamEvent, int] | None:
    """The server's first SETTINGS that limits the streams of an HTTP/2 connection, and its limit."""
    if connection.application != "h2":
        return None
    first = next(limits_announced(connection.events, Side.SERVER, "MAX_CONCURRENT_STREAMS"), None)
    return first if first is not None and first[1] else None


def _sent_after(exchange: Exchange, event: StreamEvent) -> bool:
    return exchange.request is not None and exchange.request.time_ns >= event.time_ns


def _followers(connection: Connection, event: StreamEvent, limit: int) -> list[_Follower]:
    """Requests that left within a moment of the end of an exchange, one of ``limit`` that had been open."""
    acts: list[tuple[int, int, Exchange]] = []  # time, 0 for an end or 1 for a beginning
    for exchange in connection.exchanges:
        request = exchange.request
        if request is None or exchange.pushed:
            continue
        acts.append((request.time_ns, 1, exchange))
        end = _end(exchange)
        if end is not None:
            acts.append((max(end[0], request.time_ns + 1), 0, exchange))
    acts.sort(key=lambda act: act[:2])
    found: list[_Follower] = []
    opened, freed = 0, list[tuple[int, int]]()  # the ends while all were in use
    for time_ns, begins, exchange in acts:
        if not begins:
            if opened == limit:
                end = _end(exchange)
                freed.append(end if end is not None else (time_ns, 0))
            opened -= 1
            continue
        opened += 1
        if freed and time_ns - freed[-1][0] <= _FOLLOWS_NS and time_ns >= event.time_ns:
            found.append(_Follower(*freed.pop(), exchange))
        if opened > limit:
            return []  # it is not held to the limit
    return found


def _end(exchange: Exchange) -> tuple[int, int] | None:
    """When the stream was over, and the packet."""
    if exchange.reset is not None:
        return exchange.reset.time_ns, exchange.reset.packet
    response = exchange.response
    if response is None or not response.complete:
        return None
    return response.last_ns, response.last_packet
