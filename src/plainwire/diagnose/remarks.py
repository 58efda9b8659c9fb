"""Beside a failure of the same server: what did not cause it, and is worth knowing all the same.

On traffic without failures nothing here is said.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from plainwire.model import Evidence, Side

from . import primitives, words
from .catalogue import CAUSES
from .hops import path_changes
from .queueing import queued
from .suspended import suspended
from .verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from plainwire.model import Connection, Endpoint, Exchange

    from .world import World

REMARKS = frozenset(
    {
        "keepalive-hint-ignored",
        "close-without-close-notify",
        "no-keepalive-churn",
        "h2-concurrency-queue",
        "path-change",
        "suspend-resume",
    }
)
"""The codes of what is said here."""

_BY_IDLENESS = frozenset(
    {"keepalive-idle-race", "stale-connection-reuse", "idle-close-by-reset", "half-open-connection"}
)
_HINT = re.compile(r"\btimeout\s*=\s*(\d{1,6})\b", re.IGNORECASE)
_SECOND_NS = 1_000_000_000
_MANY = 10
_MOSTLY = 0.9


def remarks(world: World, verdicts: Sequence[Verdict]) -> list[Verdict]:
    """All remarks, in no order."""
    failing = {v.connection.server for v in verdicts if CAUSES[v.code].failure}
    failed: dict[Endpoint, list[Verdict]] = {}
    for verdict in verdicts:
        if verdict.failure is not False and CAUSES[verdict.code].failure:
            failed.setdefault(verdict.connection.server, []).append(verdict)
    return [
        *_hints_ignored(verdicts),
        *suspended(world, verdicts),
        *(remark for server in failing for remark in _closed_silently(world, server)),
        *(remark for server in failing for remark in _never_reused(world, server)),
        *(remark for server in failing for remark in queued(world, server)),
        *(remark for server, own in failed.items() for remark in path_changes(world, own, server)),
    ]


def _hints_ignored(verdicts: Sequence[Verdict]) -> Iterator[Verdict]:
    """Failures by idleness after a pause that the server had said it would not wait for."""
    for verdict in verdicts:
        if verdict.code not in _BY_IDLENESS or not verdict.exchanges:
            continue
        exchange, before = _with_previous(verdict.connection, verdict.exchanges[-1])
        if exchange is None or exchange.request is None or before is None or before.response is None:
            continue
        limit, idle = _hint(before), exchange.request.time_ns - primitives.finished_ns(before)
        if limit is None or idle < limit - (primitives.shortest_rtt(verdict.connection) or 0):
            continue
        yield Verdict(
            code="keepalive-hint-ignored",
            connection=verdict.connection,
            exchanges=verdict.exchanges[-1:],
            fault="client",
            certainty="likely",
            facts=f"The server had said that it keeps idle connections for {words.span(limit)}; the client "
            f"used this one again after {words.span(idle)}.",
            evidence=(
                Evidence(before.response.packet, "the response with a Keep-Alive timeout"),
                Evidence(exchange.request.packet, f"the next request, {words.span(idle)} after it"),
            ),
            runner_up="a client that cannot know the limit: refuted, it was told",
            time_ns=exchange.request.time_ns,
        )


def _with_previous(connection: Connection, number: int) -> tuple[Exchange | None, Exchange | None]:
    before = None
    for exchange in connection.exchanges:
        if exchange.id == number:
            return exchange, before
        if exchange.outcome == "complete":
            before = exchange
    return None, None


def _hint(exchange: Exchange) -> int | None:
    for name, value in exchange.response.headers if exchange.response else ():
        found = _HINT.search(value) if name.lower() == "keep-alive" else None
        if found is not None:
            return int(found[1]) * _SECOND_NS
    return None


def _closed_silently(world: World, server: Endpoint) -> Iterator[Verdict]:
    """Connections whose exchanges are complete and which the server ended by FIN, without close_notify."""
    for connection in world.by_server.get(server, ()):
        close = primitives.first_close(connection, Side.SERVER)
        if close is None or close.kind != "fin" or connection.tls is None or not connection.decrypted:
            continue
        if connection.undecrypted or connection.gaps or primitives.client_first(connection) is not None:
            continue
        if not connection.exchanges or any(e.outcome != "complete" for e in connection.exchanges):
            continue
        yield Verdict(
            code="close-without-close-notify",
            connection=connection,
            exchanges=(),
            fault="server",
            certainty="proved" if primitives.on_one_host(connection) else "likely",
            facts="The server sent FIN and no close_notify before it; all messages were complete.",
            evidence=(Evidence(close.packet, "FIN from the server; no close_notify before it"),),
            runner_up="a truncation by somebody else: refuted, every message was complete",
            time_ns=close.time_ns,
        )


def _never_reused(world: World, server: Endpoint) -> Iterator[Verdict]:
    """Clients that open a connection for each request although the server would keep it."""
    used = [c for c in world.by_server.get(server, ()) if c.exchanges and c.established]
    single = [c for c in used if len(c.exchanges) == 1 and _given_up_by_client(c)]
    if len(single) < _MANY or len(single) < _MOSTLY * len(used):
        return
    for connection in single:
        request = connection.exchanges[0].request
        yield Verdict(
            code="no-keepalive-churn",
            connection=connection,
            exchanges=(),
            fault="client",
            certainty="likely",
            facts=f"{len(single)} of {len(used)} connections carried one request, and the client ended them: "
            "each request pays for a new TCP and TLS handshake.",
            evidence=(
                Evidence(request.packet if request else connection.first_packet, "the only request"),
                Evidence(connection.closes[0].packet, f"{words.act(connection.closes[0])} from the client"),
            ),
            runner_up="a server that does not keep connections: refuted, the client closed them",
            time_ns=connection.opened_ns,
        )


def _given_up_by_client(connection: Connection) -> bool:
    exchange = connection.exchanges[0]
    announced = exchange.response is not None and exchange.response.close_announced
    return (
        exchange.outcome == "complete"
        and exchange.protocol == "http/1.1"
        and primitives.client_first(connection) is not None
        and not announced
    )
