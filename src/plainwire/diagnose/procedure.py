"""The decision procedure: which exchanges need explaining, and which rule explains them.

First hit wins. The order matters more than any rule: what the capture cannot show comes first, then what
had been announced, then who closed first, then what the server had received when it closed.

HTTP/2 and HTTP/3 have rules of their own (``multiplexed``): those here suppose one exchange at a time.

What is normal never gets here: a complete exchange followed by any kind of close, an idle close that no
request met, an exchange still open when the capture ended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from . import connect, datagrams, handshake, multiplexed, semantics
from .abort import client_abort
from .announced import connection_close_ignored
from .blamed import client_bug_request, gateway_upstream_race
from .conntrack import conntrack_invalid_reset
from .crash import server_crash_mid_stream
from .early import early_response_reset
from .grouping import group
from .held_up import held_up
from .injected import half_open_connection, lb_idle_reset, middlebox_injected_reset, nat_idle_reset
from .interception import intercepted
from .late import as_the_client_saw, departure, too_late
from .overlapping import pipelining_broken, response_not_drained
from .pace import slow_starts
from .patience import client_timeout_too_short
from .policy import (
    close_unannounced_after_response,
    idle_close_by_reset,
    server_max_age_close,
    server_max_requests_close,
    server_reload_close,
)
from .primitives import client_first
from .proxy import proxy_connect_failure, proxy_refused
from .questions import FORBIDDEN, unanswered_question, was_asked
from .relayed import through_proxy
from .remarks import remarks
from .resolving import resolving
from .retry import hidden_retries
from .reuse import keepalive_idle_race, stale_connection_reuse
from .scaling import held_windows, window_scale_stripped, window_scale_unseen
from .sharing import connection_shared, connection_shared_without_request
from .silence import mtu_blackhole, nat_idle_drop
from .stall import client_stall
from .timing import stall_given_up
from .truncated import reset_mid_response, response_truncated, truncated_eof_delimited
from .unanswered import close_mid_request, reset_mid_request
from .unexplained import unexplained
from .unsolicited import SUSPECT_STATUSES, unsolicited_408
from .verdict import Scene, Verdict, weaker
from .visibility import capture_artifact, impaired
from .world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from plainwire.model import Connection, Exchange, Finding, Lookup

    Rules = tuple[Callable[[Scene], Verdict | None], ...]

_FAILED: Rules = (
    connection_shared,  # before the rule below: a hole elsewhere cannot make up records that authenticate
    capture_artifact,
    unsolicited_408,  # before the rule below: load balancers' unasked 408 says `Connection: close` as well
    connection_close_ignored,
    nat_idle_drop,  # before the rule below: a client that gives up on a dead connection is not the cause
    window_scale_stripped,
    mtu_blackhole,
    unanswered_question,
    *handshake.FAILED_RULES,
    *connect.FAILED_RULES,
    *semantics.FAILED_RULES,
    conntrack_invalid_reset,
    client_timeout_too_short,
    stall_given_up,
    client_abort,
    response_not_drained,
    pipelining_broken,
    nat_idle_reset,
    lb_idle_reset,
    middlebox_injected_reset,
    early_response_reset,
    server_crash_mid_stream,
    stale_connection_reuse,
    server_max_requests_close,
    server_max_age_close,
    server_reload_close,
    close_unannounced_after_response,
    idle_close_by_reset,
    keepalive_idle_race,
    close_mid_request,
    reset_mid_request,
    half_open_connection,
    client_stall,
    reset_mid_response,
    response_truncated,
    unexplained,
)
_ANSWERED: Rules = (
    unsolicited_408,
    connection_close_ignored,
    proxy_connect_failure,
    unanswered_question,
    early_response_reset,
    client_bug_request,
    gateway_upstream_race,
    truncated_eof_delimited,
)
_SUSPECT_STATUSES = frozenset((*SUSPECT_STATUSES, 411, 502, 503, 505))
_OPEN: Rules = (nat_idle_drop, window_scale_stripped, mtu_blackhole)
_UNSEEN: Rules = (capture_artifact, *_OPEN)
_NEVER = 1 << 63


def diagnose(connections: Sequence[Connection], lookups: Sequence[Lookup] = ()) -> list[Finding]:
    """Explain every failed exchange, one finding for all that have the same cause at the same server.

    ``lookups`` are the questions to name servers, by time.

    Pure: reads no clock, file or environment. Costs nothing to speak of where nothing failed.
    """
    world = World(connections, lookups)
    judged = [_judge(_scene(world, connection, index)) for connection, index in _suspects(connections)]
    judged += [
        _judge_connection(world, connection) for connection in connections if _asks_nothing(connection)
    ]
    verdicts = [verdict for verdict in judged if verdict is not None]
    for rule in (
        *connect.WHOLE_RULES,
        *handshake.WHOLE_RULES,
        *semantics.WHOLE_RULES,
        held_up,
        slow_starts,
        held_windows,
        resolving,
    ):
        verdicts += rule(world, verdicts)
    verdicts += hidden_retries(connections, [v for v in verdicts if v.exchanges and v.failure is not False])
    return group(verdicts + remarks(world, verdicts), connections)


def _asks_nothing(connection: Connection) -> bool:
    return not any(exchange.request is not None for exchange in connection.exchanges)


def _judge_connection(world: World, connection: Connection) -> Verdict | None:
    """A connection that came to no request."""
    for rule in (
        proxy_refused,
        *datagrams.CONNECTION_RULES,
        connection_shared_without_request,
        *connect.CONNECTION_RULES,
        window_scale_unseen,
        *handshake.CONNECTION_RULES,
    ):
        verdict = rule(connection, world)
        if verdict is not None:
            return intercepted(verdict, connection, world)
    return None


def _suspects(connections: Sequence[Connection]) -> Iterator[tuple[Connection, int]]:
    """The exchanges that are not plainly healthy: the one loop over everything, so kept short."""
    for connection in connections:
        announced = False
        asked = was_asked(connection)
        left = departure(connection)
        left_ns = left.time_ns if left is not None else _NEVER
        for index, exchange in enumerate(connection.exchanges):
            request, response = exchange.request, exchange.response
            if exchange.protocol != "http/1.1":
                sized = response is None or response.declared_size in (None, response.body_size)
                if exchange.outcome != "complete" or not sized:
                    yield connection, index
                continue
            if (
                announced
                or exchange.outcome != "complete"
                or response is None
                or request is None
                or response.status in _SUSPECT_STATUSES
                or (asked and response.status == FORBIDDEN)
                or response.time_ns < request.last_ns
                or not request.complete
                or request.method == "CONNECT"
                or response.framing == "close"
                or (response.last_ns > left_ns and too_late(connection, response, left))
            ):
                yield connection, index
            announced = (response is not None and response.close_announced) or (
                request is not None and request.close_announced
            )


def _scene(world: World, connection: Connection, index: int) -> Scene | None:
    whole = connection.exchanges[index]
    if multiplexed.shares_connection(whole):
        return None if whole.request is None else Scene(connection, whole, whole.request, None, None, world)
    exchange = as_the_client_saw(connection, whole)
    if exchange.request is None:
        return None  # judged together with the request that it hurt, if any
    return Scene(
        connection=connection,
        exchange=exchange,
        late=None if exchange is whole else whole.response,
        request=exchange.request,
        previous=_previous(connection, index),
        world=world,
    )


def _previous(connection: Connection, index: int) -> Exchange | None:
    """The last exchange before this one that came to its end; without such, the one just before."""
    for place in range(index - 1, -1, -1):
        if connection.exchanges[place].outcome == "complete":
            return connection.exchanges[place]
    return connection.exchanges[index - 1] if index else None


def _judge(scene: Scene | None) -> Verdict | None:
    if scene is None:
        return None
    if multiplexed.shares_connection(scene.exchange):
        for first in (connection_shared, unanswered_question, handshake.late_alert, window_scale_stripped):
            verdict = first(scene)
            if verdict is not None:
                return verdict
        return multiplexed.judge(scene)
    for rule in _rules(scene):
        verdict = rule(scene)
        if verdict is not None:
            return _tempered(scene, verdict)
    return None


def _rules(scene: Scene) -> Rules:
    connection, outcome = scene.connection, scene.exchange.outcome
    if outcome == "complete":
        return _ANSWERED
    if outcome == "unseen":
        still_open = not (connection.closes or connection.gaps or connection.undecrypted)
        return _OPEN if still_open else _UNSEEN
    return (truncated_eof_delimited,) if _ends_with_connection(scene) else _FAILED


def _ends_with_connection(scene: Scene) -> bool:
    """A body without length, ended by an orderly close: nobody can tell more (RFC 9112 section 9.8)."""
    response, close = scene.exchange.response, scene.server_close
    return (
        response is not None
        and response.framing == "close"
        and close is not None
        and close.kind != "rst"
        and client_first(scene.connection) is None
    )


def _tempered(scene: Scene, verdict: Verdict) -> Verdict:
    """One grade less certain where a proxy was in between, or the capture has holes elsewhere."""
    verdict = through_proxy(scene, verdict)
    if verdict.code == "capture-artifact" or not impaired(scene):
        return verdict
    return replace(verdict, certainty=weaker(verdict.certainty))
