"""Rules of family C, second part: the path of a connection that came about, and how TCP used it."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from plainwire.model import RST, SYN, Evidence, Side

from . import beginning, primitives, words
from .verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from plainwire.model import Connection, Endpoint, Exchange, Request, Response

    from .beginning import Segment
    from .survey import Case, Survey
    from .verdict import Scene
    from .world import World

_FEWEST_SENDINGS = 3
_MOST_CITED = 5
_STALL_NS = 1_000_000_000
_MILLISECOND = 1_000_000
_DELAYED = ((35, 65), (180, 230))
"""How long, in ms, an acknowledgment is delayed: Linux, and the others (RFC 1122 section 4.2.3.2)."""

_AT_ONCE = 3  # ms: a held segment leaves as soon as the acknowledgment is there
_SMALL = 1400
_LARGE = 2000
"""A request of fewer bytes fits into any window."""

_FEWEST = 5
_MOST_LOOKED_AT = 100


def retransmission_loss(scene: Scene) -> Verdict | None:
    """A verdict where part of the request was sent again and again and never acknowledged."""
    connection, request = scene.connection, scene.request
    known = primitives.last_ack(connection, Side.SERVER, scene.server_close)
    if connection.segments is None or known is None or known >= request.end or connection.transport != "tcp":
        return None
    stuck = max(known, request.start)
    sent = [s for s in _sendings(connection, request.time_ns) if s.seq <= stuck < s.end]
    if len(sent) < _FEWEST_SENDINGS or _window(connection, sent[-1].time_ns) == 0:
        return None
    took = words.span(sent[-1].time_ns - sent[0].time_ns)
    return Verdict(
        code="retransmission-loss",
        connection=connection,
        exchanges=(scene.exchange.id,),
        fault="path",
        certainty="likely",
        facts=f"{sent[0].length} bytes of the request were sent {len(sent)} times in {took} and never "
        f"acknowledged; "
        f"the server had acknowledged {max(0, known - request.start)} bytes of it before.",
        evidence=tuple(
            Evidence(
                segment.packet, f"{segment.length} bytes of the request, sending {count}, not acknowledged"
            )
            for count, segment in enumerate(sent[:_MOST_CITED], 1)
        ),
        runner_up="a slow server: refuted, its kernel acknowledges what arrives, whatever the program does",
        retry_safe=scene.idempotent or known <= request.start,
        time_ns=request.time_ns,
    )


def zero_window_stall(scene: Scene) -> Verdict | None:
    """A verdict where the server stopped taking the request: its window was closed and stayed so."""
    connection, request = scene.connection, scene.request
    if connection.segments is None or scene.exchange.response is not None or connection.transport != "tcp":
        return None
    answers = [
        s
        for s in beginning.rows(connection.segments)
        if s.side == Side.SERVER and not s.flags & (SYN | RST) and s.time_ns >= request.time_ns
    ]
    closed = next((i for i in range(len(answers)) if not any(s.window for s in answers[i:])), None)
    if closed is None or (answers[closed].ack >= request.end and request.complete):
        return None
    first, end = answers[closed], connection.last_ns
    if end - first.time_ns < _STALL_NS:
        return None
    return Verdict(
        code="zero-window-stall",
        connection=connection,
        exchanges=(scene.exchange.id,),
        fault="server",
        certainty="proved",
        facts=f"The server closed its window (0) after {max(0, first.ack - request.start)} bytes of the "
        f"request and "
        f"did not open it again in {words.span(end - first.time_ns)}: its program did not read.",
        evidence=tuple(
            Evidence(s.packet, f"window 0 from the server, Ack={words.number(s.ack)}")
            for s in answers[closed : closed + 3]
        ),
        runner_up="retransmission-loss: refuted, the server goes on acknowledging",
        retry_safe=scene.idempotent,
        time_ns=request.time_ns,
    )


def closed_windows(survey: Survey) -> list[Verdict]:
    """Requests that were through in the end, but for which the server's window was closed for long."""
    found: list[Verdict] = []
    for case in survey.slow:
        request = case.request
        if case.connection.segments is None or request.end - request.start < _LARGE:
            continue
        if case.connection.transport != "tcp":
            continue
        answers = [
            s
            for s in beginning.rows(case.connection.segments)
            if s.side == Side.SERVER
            and not s.flags & (SYN | RST)
            and request.time_ns <= s.time_ns <= case.response.last_ns
        ]
        pause = _closed(answers)
        if pause is not None and pause[1].time_ns - pause[0].time_ns >= _STALL_NS:
            found.append(_reopened(case, *pause))
    return found


def _closed(answers: list[Segment]) -> tuple[Segment, Segment] | None:
    """The longest time with window 0: its first segment, and the one that opened it again."""
    pauses: list[tuple[Segment, Segment]] = []
    first: Segment | None = None
    for segment in answers:
        if segment.window == 0:
            first = first or segment
        elif first is not None:
            pauses.append((first, segment))
            first = None
    return max(pauses, key=lambda pause: pause[1].time_ns - pause[0].time_ns, default=None)


def _reopened(case: Case, first: Segment, again: Segment) -> Verdict:
    waited = words.span(again.time_ns - first.time_ns)
    return Verdict(
        code="zero-window-stall",
        connection=case.connection,
        exchanges=(case.exchange.id,),
        fault="server",
        certainty="proved",
        facts=f"The server closed its window (0) after {max(0, first.ack - case.request.start)} bytes "
        f"of the request and "
        f"opened it again {waited} later: its program did not read meanwhile. The exchange was that "
        f"much slower.",
        evidence=(
            Evidence(first.packet, f"window 0 from the server, Ack={words.number(first.ack)}"),
            Evidence(again.packet, f"the window is open again, {waited} later"),
        ),
        runner_up="retransmission-loss: refuted, the server went on acknowledging",
        retry_safe=None,
        time_ns=case.request.time_ns,
        failure=False,
    )


def _sendings(connection: Connection, since: int) -> Iterator[Segment]:
    if connection.segments is not None:
        for segment in beginning.rows(connection.segments):
            if segment.side == Side.CLIENT and segment.length and segment.time_ns >= since:
                yield segment


def _window(connection: Connection, until: int) -> int | None:
    """The window that the server last advertised."""
    if connection.segments is None:
        return None
    windows = [
        s.window
        for s in beginning.rows(connection.segments)
        if s.side == Side.SERVER and not s.flags & (SYN | RST) and s.time_ns <= until
    ]
    return windows[-1] if windows else None


class _Held(NamedTuple):
    """A segment that waited for the acknowledgment of the one before."""

    connection: Connection
    exchange: Exchange
    sender: Side
    first: Segment
    ack: Segment
    second: Segment

    @property
    def delay_ns(self) -> int:
        return self.ack.time_ns - self.first.time_ns


def small_writes(world: World, verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Messages sent in two small writes, the second of which waits for a delayed acknowledgment.

    Nagle's algorithm (RFC 9293 section 3.7.4) and delayed acknowledgments meet. Seen on the packets of each
    message that took so long, and only said where it happens again and again.
    """
    del verdicts
    held: dict[tuple[Endpoint, Side], list[_Held]] = {}
    looked_at: dict[tuple[Endpoint, Side], int] = {}
    for connection, exchange, side in _drawn_out(world):
        key = connection.server, side
        looked_at[key] = looked_at.get(key, 0) + 1
        if looked_at[key] <= _MOST_LOOKED_AT:
            found = _find(connection, exchange, side)
            if found is not None:
                held.setdefault(key, []).append(found)
    return [
        _held_verdict(one)
        for key, members in held.items()
        if len(members) >= _FEWEST and 2 * len(members) >= min(looked_at[key], _MOST_LOOKED_AT)
        for one in members
    ]


def _drawn_out(world: World) -> Iterator[tuple[Connection, Exchange, Side]]:
    """Messages of few bytes that took as long as a delayed acknowledgment at least."""
    least, most = _DELAYED[0][0] * _MILLISECOND, 2 * _DELAYED[-1][1] * _MILLISECOND
    for connection in world.connections:
        for exchange in connection.exchanges:
            if (
                exchange.duration_ns is None
                or exchange.duration_ns < least
                or exchange.protocol != "http/1.1"
            ):
                continue
            for side, message in ((Side.CLIENT, exchange.request), (Side.SERVER, exchange.response)):
                if message is not None and least <= message.last_ns - message.time_ns <= most:
                    yield connection, exchange, side


def _find(connection: Connection, exchange: Exchange, side: Side) -> _Held | None:
    message: Request | Response | None = exchange.request if side == Side.CLIENT else exchange.response
    if message is None or connection.segments is None:
        return None
    around = [
        s
        for s in beginning.rows(connection.segments)
        if message.time_ns <= s.time_ns <= message.last_ns and s.flags & (SYN | RST) == 0
    ]
    data = [s for s in around if s.side == side and s.length]
    for first, second in pairwise(data):
        acks = [
            s
            for s in around
            if s.side != side and first.end <= s.ack < second.end and s.time_ns >= first.time_ns
        ]
        if first.length >= _SMALL or second.seq != first.end or not acks:
            continue
        found = _Held(connection, exchange, side, first, acks[0], second)
        if _is_delayed(found):
            return found
    return None


def _is_delayed(found: _Held) -> bool:
    """Whether the acknowledgment was as late as a timer makes it, and the second segment came upon it."""
    rtt = (primitives.shortest_rtt(found.connection) or 0) / _MILLISECOND
    from_ack = (found.second.time_ns - found.ack.time_ns) / _MILLISECOND
    delay = found.delay_ns / _MILLISECOND
    if found.sender == Side.CLIENT:  # the acknowledgment had the whole way to come
        delay -= rtt
    else:
        from_ack -= rtt
    return -_AT_ONCE <= from_ack <= _AT_ONCE and any(low <= delay <= high for low, high in _DELAYED)


def _held_verdict(held: _Held) -> Verdict:
    name = "client" if held.sender == Side.CLIENT else "server"
    what = "request" if held.sender == Side.CLIENT else "response"
    return Verdict(
        code="nagle-delayed-ack",
        connection=held.connection,
        exchanges=(held.exchange.id,),
        fault="client" if held.sender == Side.CLIENT else "server",
        certainty="likely",
        facts=f"The {name} sent the first {held.first.length} bytes of the {what} by themselves and "
        f"held the rest back "
        f"until they were acknowledged, {words.span(held.delay_ns)} later.",
        evidence=(
            Evidence(held.first.packet, f"{held.first.length} bytes of the {what}"),
            Evidence(held.ack.packet, f"their acknowledgment, {words.span(held.delay_ns)} later"),
            Evidence(held.second.packet, f"the next {held.second.length} bytes, as soon as it was there"),
        ),
        runner_up="a slow program: refuted, the rest leaves with the acknowledgment each time",
        retry_safe=None,
        time_ns=held.exchange.request.time_ns if held.exchange.request else 0,
    )


FAILED_RULES: tuple[Callable[[Scene], Verdict | None], ...] = (zero_window_stall, retransmission_loss)
"""For exchanges that failed."""
