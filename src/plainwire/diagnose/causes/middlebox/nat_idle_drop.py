"""Rule nat-idle-drop: the path swallows what is sent on a connection that was idle."""

from __future__ import annotations

from bisect import bisect_left
from itertools import islice
from typing import TYPE_CHECKING

from plainwire.arrays import np
from plainwire.diagnose import wording
from plainwire.diagnose.evidence.exchanges import shares_connection
from plainwire.diagnose.evidence.idleness import burst_before
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.thresholds import LONG_IDLE_NS
from plainwire.diagnose.verdict import Verdict, idle_words
from plainwire.model import FIN, SYN, Evidence, Side

from .unanswered_sendings import FEWEST_UNANSWERED, MOST_CITED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainwire.diagnose.verdict import FailedExchange
    from plainwire.model import Connection, Int64s, Segments


_MOST_LOOKED_AT, _MOST_SKIPPED = 50, 2000


def nat_idle_drop(failed: FailedExchange) -> Verdict | None:
    """A verdict where after a pause nothing that the client sent was acknowledged any more."""
    dead = _dead_while_waiting(failed)
    if dead is not None:
        return dead
    idle = failed.idle_ns
    if idle is None or idle < LONG_IDLE_NS or failed.survived(idle):
        return None
    sendings = _unanswered_sendings(failed)
    if sendings is None:
        return None
    segments, rows = sendings
    first, last = int(segments.time_ns[rows[0]]), int(segments.time_ns[rows[-1]])
    others = _contact(failed, first, max(last, failed.connection.last_ns))
    if others is False:
        return None
    alive = " Meanwhile the same address answered on another connection." if others is not None else ""
    return Verdict(
        code="nat-idle-drop",
        connection=failed.connection,
        exchanges=(failed.exchange.id,),
        fault="path",
        grounds=(Ground.ONCE,) if others is None else (Ground.HABIT,),
        facts=f"After {wording.span(idle)} of idleness the request was sent {len(rows)} times in "
        f"{wording.span(last - first)}, and not one packet came back: no acknowledgment, no "
        f"reset.{alive}{idle_words(failed)}",
        evidence=(
            *(
                Evidence(int(segments.number[row]), f"the request, transmission {count}, never acknowledged")
                for count, row in enumerate(rows[:MOST_CITED], 1)
            ),
            *(() if others is None else (others,)),
        ),
        runner_up="the server is down: refuted, its address answers on another connection"
        if others is not None
        else "the server or its network is down: no other connection to it at that time shows whether it is",
        retry_safe=failed.idempotent,
        time_ns=failed.request.time_ns,
    )


def nat_idle_drop_under_stream(failed: FailedExchange) -> Verdict | None:
    """The same for a stream of HTTP/2 that was open all through the pause, whatever was sent after it.

    That may be another stream's request, or a PING by which the client learns of it.
    """
    segments = failed.connection.segments
    if segments is None or not shares_connection(failed.exchange) or failed.exchange.response is None:
        return None
    burst = burst_before(failed.connection, failed.connection.last_packet)
    if burst is None or burst.idle_ns < LONG_IDLE_NS or failed.request.start >= burst.start:
        return None
    carry = (segments.side == Side.CLIENT) & (segments.length > 0) & (segments.seq <= burst.start)
    rows = np.flatnonzero(carry & (segments.seq + segments.length > burst.start))
    if len(rows) < FEWEST_UNANSWERED:
        return None
    lasted = wording.span(int(segments.time_ns[rows[-1]]) - int(segments.time_ns[rows[0]]))
    return Verdict(
        code="nat-idle-drop",
        connection=failed.connection,
        exchanges=(failed.exchange.id,),
        fault="path",
        grounds=(Ground.GUESS,),
        facts=f"The connection had been idle for {wording.span(burst.idle_ns)} with this stream open. What "
        f"the client sent then, it sent {len(rows)} times in {lasted}, and not one packet came back: no "
        "acknowledgment, no reset.",
        evidence=tuple(
            Evidence(
                int(segments.number[row]), f"the client's data, transmission {count}, never acknowledged"
            )
            for count, row in enumerate(rows[:MOST_CITED], 1)
        ),
        runner_up="the server or its network is down: not excluded, no other connection to it shows "
        "whether it is",
        retry_safe=failed.idempotent,
        time_ns=failed.request.time_ns,
    )


def _dead_while_waiting(failed: FailedExchange) -> Verdict | None:
    """A verdict where the path forgot the connection while the response was being worked on.

    The request had been acknowledged; then nothing came any more, not even an acknowledgment of the client's
    FIN, however often that was sent, while the same address answered on another connection.
    """
    segments, response = failed.connection.segments, failed.exchange.response
    if segments is None or response is not None or not failed.request.complete:
        return None
    client = segments.side == Side.CLIENT
    rows = np.flatnonzero(client & (segments.flags & FIN != 0) & (segments.time_ns >= failed.request.last_ns))
    if len(rows) < FEWEST_UNANSWERED:
        return None
    first, last = int(segments.time_ns[rows[0]]), int(segments.time_ns[rows[-1]])
    back = (segments.side == Side.SERVER) & (segments.time_ns > failed.request.last_ns)
    known = np.flatnonzero(back & (segments.ack >= failed.request.end))
    heard_ns = int(segments.time_ns[known[0]]) if len(known) else 0
    if not len(known) or bool((back & (segments.time_ns > first)).any()) or first - heard_ns < LONG_IDLE_NS:
        return None
    others = _contact(failed, first, max(last, failed.connection.last_ns))
    if others is False:
        return None
    alive = isinstance(others, Evidence)
    meanwhile = ", while the same address answered on another connection" if alive else ""
    return Verdict(
        code="nat-idle-drop",
        connection=failed.connection,
        exchanges=(failed.exchange.id,),
        fault="path",
        grounds=(Ground.SILENCE,) if alive else (Ground.GUESS,),
        facts="The server acknowledged the request. After "
        f"{wording.span(first - heard_ns)} without a packet the client closed; its FIN was sent {len(rows)} "
        f"times in {wording.span(last - first)} and never acknowledged{meanwhile}: the connection was dead "
        "on the path by then, and a response would have been lost as well.",
        evidence=(
            Evidence(failed.request.packet, "the request"),
            Evidence(int(segments.number[known[0]]), "the server acknowledges all of it"),
            *(
                Evidence(int(segments.number[row]), "FIN from the client, not acknowledged")
                for row in rows[:MOST_CITED]
            ),
            *((others,) if isinstance(others, Evidence) else ()),
        ),
        runner_up="client-timeout-too-short: waiting longer would not have helped, the path was dead",
        retry_safe=failed.idempotent,
        time_ns=failed.request.time_ns,
        advice_client="Switch TCP keepalive on with a time below the path's idle limit (SO_KEEPALIVE, "
        "TCP_KEEPIDLE; botocore: tcp_keepalive=True), or ask for long work asynchronously.",
    )


def _unanswered_sendings(failed: FailedExchange) -> tuple[Segments, Int64s] | None:
    """The transmissions of the request's first byte, where nothing came back after the first of them."""
    segments = failed.connection.segments
    if segments is None:
        return None
    start, since = failed.request.start, failed.request.time_ns
    carry = (segments.side == Side.CLIENT) & (segments.length > 0) & (segments.seq <= start)
    rows = np.flatnonzero(carry & (segments.seq + segments.length > start) & (segments.time_ns >= since))
    if len(rows) < FEWEST_UNANSWERED:
        return None
    back = (segments.side == Side.SERVER) & (segments.time_ns > since)
    return None if back.any() else (segments, rows)


def _contact(failed: FailedExchange, since: int, until: int) -> Evidence | bool | None:
    """What shows that the server's address could be reached meanwhile.

    None where nothing else was tried; False where it was, and failed too.
    """
    tried = False
    for other in _meanwhile(failed, since, until):
        segments = other.segments
        if other is failed.connection or segments is None:
            continue
        within = (segments.time_ns >= since) & (segments.time_ns <= until)
        answers = np.flatnonzero(within & (segments.side == Side.SERVER))
        if len(answers):
            packet = int(segments.number[answers[0]])
            return Evidence(packet, f"the same address answers on connection {other.id}")
        tried = tried or bool((within & (segments.side == Side.CLIENT) & (segments.flags & SYN != 0)).any())
    return False if tried else None


def _meanwhile(failed: FailedExchange, since: int, until: int) -> Iterator[Connection]:
    """Connections to the server at that time: some that were opened then, and some that were open already."""
    same = failed.traffic.by_server.get(failed.connection.server, [])
    first, last = (bisect_left(same, at, key=_opened) for at in (since, until + 1))
    yield from same[first : min(last, first + _MOST_LOOKED_AT)]
    yield from islice(
        (c for c in reversed(same[max(0, first - _MOST_SKIPPED) : first]) if c.last_ns >= since),
        _MOST_LOOKED_AT,
    )


def _opened(connection: Connection) -> int:
    return connection.opened_ns
