"""What the traffic says about each server address: its hidden limits, its manners, what fits them.

Cheap enough to be asked of every capture: one pass over connections and exchanges, the rest over few numbers.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING

from msgspec import Struct, field

from plainwire.diagnose.evidence.closes import client_first, first_close, is_reactive
from plainwire.diagnose.evidence.exchanges import finished_ns
from plainwire.diagnose.evidence.round_trip import SLOWEST_PHYSICS, shortest_rtt
from plainwire.diagnose.evidence.server_end import server_end
from plainwire.diagnose.statistics.exact import poisson_tail
from plainwire.diagnose.statistics.isotonic import limit
from plainwire.diagnose.thresholds import AT_ONCE_NS, SECOND_NS
from plainwire.model import Bounds, DangerBand, ServerFacts, Side

from .fingerprints import fitting, pool_limit, silently_forgetting
from .limits import greatest_age, idle_timeout, most_requests, outdoes, reloads

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from plainwire.diagnose.evidence.server_end import End
    from plainwire.model import Clock, CloseKind, Connection, Endpoint, Exchange, ResetFlavour, Response


_MOST_SOFTWARE = 8

_SERVER, _KEEP_ALIVE, _AGENT = "server", "keep-alive", "user-agent"
_LENGTHS = frozenset((len(_SERVER), len(_KEEP_ALIVE)))
"""Most names are passed over by these alone."""


_FEWEST_SILENT = 2
"""Connections that died in silence: one may be a lost packet."""

_HINT = re.compile(r"\b(timeout|max)\s*=\s*(\d{1,9})\b", re.IGNORECASE)

_POOL_SPREAD, _POOL_SPREAD_NS = 20, 250_000_000
"""Waits of one pool differ by a quarter of a second, or one part in twenty where they are long (chosen)."""

_POOL_CLOSES = 3
"""Closes of a pool after equal waits: two may happen to be equal."""


class _Watch(Struct):
    """What is collected of one server address."""

    facts: ServerFacts
    connections: list[Connection] = field(default_factory=list)
    ends: list[End] = field(default_factory=list)
    gaps: list[tuple[int, Exchange, Connection]] = field(default_factory=list)  # idle long enough, then this
    released: list[int] = field(default_factory=list)  # idle times that the client ended
    oldest_ns: int = 0
    agents: dict[str, None] = field(default_factory=dict)


def infer(connections: Iterable[Connection]) -> dict[Endpoint, ServerFacts]:
    """The facts of every server address that answered anything, in order of its first connection."""
    watches: dict[Endpoint, _Watch] = {}
    for connection in connections:
        answer = next((e.response for e in connection.exchanges if e.response is not None), None)
        if answer is None:
            continue
        server = connection.server
        watch = watches.get(server)
        if watch is None:
            watch = watches[server] = _Watch(ServerFacts(server, announces_close=False))
        _collect(watch, connection, answer)
    for watch in watches.values():
        _conclude(watch)
    return {server: watch.facts for server, watch in watches.items()}


def _collect(watch: _Watch, connection: Connection, answer: Response) -> None:
    facts = watch.facts
    watch.connections.append(connection)
    _headers(watch, connection, answer)
    answered, worth = 0, AT_ONCE_NS - (connection.rtt_syn_ns or 0)
    for exchange in connection.exchanges:  # over everything there is: kept short
        response, idle = exchange.response, exchange.idle_before_ns
        if response is not None and response.close_announced:
            facts.announces_close = True
        complete = exchange.outcome == "complete"
        answered += complete
        if idle is not None and (idle >= worth or not complete) and exchange.request is not None:
            watch.gaps.append((idle, exchange, connection))
    facts.most_requests = max(facts.most_requests, answered)
    last = connection.exchanges[-1]
    if last.outcome == "complete":
        watch.oldest_ns = max(watch.oldest_ns, finished_ns(last) - connection.opened_ns)
    if connection.transport != "tcp" or not connection.closes:
        end = server_end(connection) if connection.events else None
    else:
        end = server_end(connection)
        released = _released(connection, last)
        if released is not None:
            watch.released.append(released)
    if end is not None:
        watch.ends.append(end)


def _headers(watch: _Watch, connection: Connection, answer: Response) -> None:
    facts = watch.facts
    for name, value in answer.headers:
        if len(name) not in _LENGTHS:
            continue
        lowered = name.lower()
        if lowered == _SERVER and value not in facts.software and len(facts.software) < _MOST_SOFTWARE:
            facts.software.append(value)
        elif lowered == _KEEP_ALIVE and facts.hint_timeout_ns is None:
            hints = {key.lower(): int(number) for key, number in _HINT.findall(value[:200])}
            facts.hint_timeout_ns = hints["timeout"] * SECOND_NS if "timeout" in hints else None
            facts.hint_max = hints.get("max")
    first = connection.exchanges[0].request
    if first is not None and len(watch.agents) < _MOST_SOFTWARE:
        agent = next(
            (v for name, v in first.headers if len(name) == len(_AGENT) and name.lower() == _AGENT), ""
        )
        watch.agents[agent] = None


def _released(connection: Connection, last: Exchange) -> int | None:
    """How long it had been idle when the client, first to close, gave it up."""
    close = client_first(connection)
    if close is None or last.outcome != "complete" or last.response is None or last.response.close_announced:
        return None
    return max(0, close.time_ns - finished_ns(last))


def _conclude(watch: _Watch) -> None:
    facts, ends = watch.facts, watch.ends
    survived = [idle for idle, exchange, _ in watch.gaps if exchange.outcome == "complete"]
    facts.longest_idle_ns = max(survived, default=None)
    facts.reset_flavour = _flavour(watch.connections)
    facts.silent_limit = _silent_limit(watch, survived)
    if ends:
        trip = _trip(watch)
        there = [
            idle + (connection.rtt_syn_ns or trip)
            for idle, exchange, connection in watch.gaps
            if exchange.outcome == "complete"
        ]
        facts.idle_timeout = idle_timeout(ends, there + watch.released, facts.hint_timeout_ns)
        count = most_requests(ends, facts.most_requests)
        facts.max_requests, facts.max_requests_count = count or (None, 0)
        if count is None:
            age = greatest_age(ends, watch.oldest_ns, trip)
            if age is not None and outdoes(age, facts.idle_timeout):
                facts.max_age, facts.idle_timeout = age, None
        facts.reloads = reloads(ends, facts.idle_timeout)
        facts.clock = _clock(facts)
    if facts.idle_timeout is not None:
        facts.fingerprint = fitting(
            facts.idle_timeout, _usual_close(ends), facts.hint_timeout_ns, facts.software
        )
        _danger(watch, facts.idle_timeout)
    elif facts.silent_limit is not None:
        facts.fingerprint = silently_forgetting(facts.silent_limit)


def _clock(facts: ServerFacts) -> Clock | None:
    """What explains most of the ends."""
    explained: dict[Clock, int] = {
        "idle": facts.idle_timeout.count if facts.idle_timeout else 0,
        "requests": facts.max_requests_count,
        "age": facts.max_age.count if facts.max_age else 0,
        "instant": 3 * len(facts.reloads),
    }
    clock = max(explained, key=explained.__getitem__)
    return clock if explained[clock] else None


def _usual_close(ends: Sequence[End]) -> CloseKind:
    kinds = [end.kind for end in ends if end.kind is not None and not end.at_once]
    return max(kinds, key=kinds.count, default="fin")


def _flavour(connections: Iterable[Connection]) -> ResetFlavour | None:
    """Which RSTs the server sends; those that answer data behind its own close tell the most."""
    active = reactive = acknowledging = False
    for connection in connections:
        for place, close in enumerate(connection.closes):
            if close.kind != "rst" or close.side != Side.SERVER:
                continue
            if is_reactive(close):
                reactive = True
            elif any(c.side == Side.SERVER for c in connection.closes[:place]) and _provoked(
                connection, close.time_ns
            ):
                acknowledging = True
            else:
                active = True
    if acknowledging and not reactive:
        return "acknowledging"
    if active and reactive:
        return "both"
    return "active" if active else "reactive" if reactive else None


def _provoked(connection: Connection, reset_ns: int) -> bool:
    """Whether a request of the client, sent after the server's close, had the time to provoke the RST."""
    close = first_close(connection, Side.SERVER)
    rtt = shortest_rtt(connection) or 0
    last = connection.exchanges[-1].request if connection.exchanges else None
    if close is None or last is None or close.kind == "rst":
        return False
    return close.time_ns < last.time_ns and last.time_ns + SLOWEST_PHYSICS * rtt <= reset_ns


def _silent_limit(watch: _Watch, survived: list[int]) -> Bounds | None:
    """Between which idle times connections silently went dead."""
    dead = [
        idle
        for idle, exchange, connection in watch.gaps
        if exchange.outcome in ("unanswered", "aborted")
        and idle >= SECOND_NS
        and _silent(connection, exchange)
    ]
    if len(dead) < _FEWEST_SILENT:
        return None
    found = limit(survived, dead)
    return Bounds(found.low, found.high, len(dead)) if found is not None and found.clean else None


def _silent(connection: Connection, exchange: Exchange) -> bool:
    """Whether nothing at all came from the server after the request."""
    segments, request = connection.segments, exchange.request
    if segments is None or request is None or connection.gaps:
        return False
    return not ((segments.side == Side.SERVER) & (segments.time_ns >= request.time_ns)).any()


def _trip(watch: _Watch) -> int:
    """The smallest round trip of the server's connections, in ns; 0 where none was seen."""
    return min((c.rtt_syn_ns for c in watch.connections if c.rtt_syn_ns is not None), default=0)


def _danger(watch: _Watch, idle: Bounds) -> None:
    """The danger band, how many requests fell into it, and how many of the kind did fail."""
    facts = watch.facts
    trip = _trip(watch)
    facts.danger_band = DangerBand(max(0, idle.low_ns - trip), *_pool_limit(watch))
    timers = sorted(
        end.idle_ns
        for end in watch.ends
        if end.idle_ns is not None and idle.low_ns <= end.idle_ns <= idle.high_ns
    )
    expected = 0.0
    for gap, exchange, connection in watch.gaps:
        if exchange.protocol != "http/1.1":
            continue
        reach = gap + (connection.rtt_syn_ns or trip)
        if reach >= idle.low_ns:
            expected += bisect_right(timers, reach) / len(timers)
        facts.observed_failures += exchange.outcome == "unanswered" and _not_received(connection, exchange)
    facts.expected_failures = round(expected, 2)
    facts.prediction_p = poisson_tail(facts.observed_failures, expected)


def _not_received(connection: Connection, exchange: Exchange) -> bool:
    """Whether the server closed before it had any of the request."""
    close = first_close(connection, Side.SERVER)
    if close is None or exchange.request is None:
        return False
    return close.ack <= exchange.request.start if close.ack is not None else is_reactive(close)


def _pool_limit(watch: _Watch) -> tuple[int | None, bool]:
    """After how much idleness the client closes by itself, and whether that was seen."""
    known, limit_ns = pool_limit(watch.agents)
    waits = sorted(wait for wait in watch.released if wait >= SECOND_NS)
    if len(waits) >= _POOL_CLOSES and waits[-1] - waits[0] <= max(waits[0] // _POOL_SPREAD, _POOL_SPREAD_NS):
        return waits[-1], True
    return (limit_ns, False) if known else (None, False)
