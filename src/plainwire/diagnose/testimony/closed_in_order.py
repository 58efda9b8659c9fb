"""``client-own-error``: a program that failed over a WebSocket that the server had closed in order.

Either it says so, or the server's Close frames themselves show a limit of silence: their reason names it, or
they say "going away" after the same silence each time. Tomcat, Jetty and Undertow end idle WebSockets so.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire.diagnose import wording
from plainwire.diagnose.certainty import SURE
from plainwire.diagnose.evidence.timers import same_time
from plainwire.diagnose.evidence.websocket_end import ORDINARY_CODES, frames_before
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.thresholds import LONG_NS
from plainwire.diagnose.verdict import quoted
from plainwire.model import Evidence, Side

from .program_finding import finding_of_the_program, of_processes
from .wording import CLOSED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from plainwire.model import Connection, Exchange, Finding, ProgramEvents, WebSocket, WebSocketClose

    from .sayings import Said

NO_CODE, GOING_AWAY = 1005, 1001
"""RFC 6455 section 7.4.1."""
_CLOSE = 8
"""The opcode of a Close frame (RFC 6455 section 5.2)."""
_MOST_CITED = 8
_BEHIND_NS = 500_000_000
"""A program that ends sooner than this after a close may end for it (chosen: interpreters end slowly)."""

_CLOSED_OK = re.compile(r"\bConnectionClosedOK\b|\breceived 1000 \(OK\)")
"""What websockets says of one with that."""
_IDLE = re.compile(r"\bidle\b|\binactiv|\btime[d ]?-?out\b", re.IGNORECASE)
"""A reason by which servers name their limit of silence (Tomcat, Jetty)."""

_ACCEPT = (
    "Take a close with 1000 or 1001 for the end of the messages, and connect again where more are expected."
)
_PINGS = (
    "Send PINGs, or messages, more often than the limit; take a close with 1001 for the end, and connect "
    "again where more messages are expected."
)
_RAISE = (
    "Raise the limit of idle WebSockets (setMaxIdleTimeout, idleTimeout), or send PINGs more often than it."
)


class _Close(Struct, frozen=True):
    connection: Connection
    exchange: int
    frame: WebSocketClose
    quiet_ns: int | None
    """Since the last frame before it; None where that was not kept."""
    age_ns: int
    """Since the WebSocket was granted."""


def closed_in_order(
    connections: Sequence[Connection], events: ProgramEvents, heard: Sequence[Said]
) -> Iterator[Finding]:
    """A finding for WebSockets that the program, which failed, had gone on with. Pure."""
    if not events.exit_status:
        return
    said = [s for s in heard if s.label == CLOSED]
    pids = {s.pid for s in said} | {w.pid for w in events.words if _CLOSED_OK.search(w.text)}
    ends = list(_closes(of_processes(connections, pids)))
    idle = _one_limit(ends or list(_closes(c for c in connections if c.program is not None)))
    ends = ends or idle
    if not ends:
        return
    reason = "The program waited for more, or had more to send, and takes the end for an error."
    yield _finding(ends, idle, reason, said, events)


def ended_behind_close(
    connections: Sequence[Connection], findings: Sequence[Finding], events: ProgramEvents
) -> Iterator[Finding]:
    """A finding, no more than possible, where nothing failed but the program, right behind such a close.

    Pure. The program says nothing that is known: Node's ``ws`` tells a close without a code (Granian, whose
    application raised) by a number, and programs print what they like.
    """
    if not events.exit_status or events.ended_ns is None or any(f.failure for f in findings):
        return
    own = [c for c in connections if c.program is not None]
    ends = list(_closes(iter(own)))
    last = max((each.frame.time_ns for each in ends), default=None)
    if last is None or not 0 <= events.ended_ns - last <= _BEHIND_NS:
        return
    if any(e.request is not None and e.request.time_ns > last for c in own for e in c.exchanges):
        return
    reason = (
        f"The program ended with status {events.exit_status}, {wording.span(events.ended_ns - last)} later, "
        "and nothing else failed: it may have waited for more."
    )
    finding = _finding(ends, [], reason, (), events)
    finding.certainty, finding.fault = SURE[Ground.GUESS], "unknown"
    yield finding


def _finding(
    ends: Sequence[_Close], idle: Sequence[_Close], reason: str, said: Sequence[Said], events: ProgramEvents
) -> Finding:
    first = ends[0]
    code = "without a code" if first.frame.code == NO_CODE else f"with code {first.frame.code}"
    more = "" if len(ends) == 1 else f" {len(ends)} connections ended so."
    finding = finding_of_the_program(
        "client-own-error",
        f"The server closed the WebSocket of connection {first.connection.id} in order, with a Close frame "
        f"{code}: it was done, or goes away. {reason}{more}{_limit_words(idle) or _age_words(ends)}",
        [Evidence(each.frame.packet, "the server's Close frame") for each in ends[:_MOST_CITED]],
        said,
        events,
        fault="both",
        connections=[each.connection for each in ends],
        exchanges=[each.exchange for each in ends],
        runner_up="websocket-abnormal-close: refuted, there is a Close frame",
        advice=_PINGS if idle else _ACCEPT,
    )
    finding.quotes = list(quoted(first.frame.packet, "the Close frame's reason", first.frame.reason))
    if idle:
        finding.advice_server = _RAISE
    return finding


def _closes(connections: Iterator[Connection]) -> Iterator[_Close]:
    """The server's Close frames that came first and have an ordinary code."""
    for connection in connections:
        for exchange in connection.exchanges:
            own = _orderly_close(exchange)
            if own is not None and exchange.websocket is not None:
                age = own.time_ns - (exchange.response.last_ns if exchange.response else own.time_ns)
                yield _Close(connection, exchange.id, own, _quiet(exchange.websocket, own), age)


def _orderly_close(exchange: Exchange) -> WebSocketClose | None:
    closes = exchange.websocket.closes if exchange.websocket is not None else (None, None)
    own, theirs = closes[Side.SERVER], closes[Side.CLIENT]
    first = own is not None and (theirs is None or own.time_ns <= theirs.time_ns)
    return own if own is not None and first and own.code in ORDINARY_CODES else None


def _quiet(websocket: WebSocket, close: WebSocketClose) -> int | None:
    """How long no frame had come before it; of long ones the frames in between are not kept."""
    if sum(websocket.counts) > len(websocket.frames) and websocket.frames:
        return None
    frames = (*websocket.frames, *frames_before(websocket, close.time_ns))
    times = [f.time_ns for f in frames if f.opcode != _CLOSE and f.time_ns <= close.time_ns]
    return close.time_ns - max(times) if times else None


def _one_limit(ends: Sequence[_Close]) -> list[_Close]:
    """Those that one limit of silence ended: by their reason, or by the silence before them."""
    named = [e for e in ends if e.frame.code != NO_CODE and _IDLE.search(e.frame.reason)]
    if named:
        return named
    going = [e for e in ends if e.frame.code == GOING_AWAY and (e.quiet_ns or 0) >= LONG_NS]
    first = going[0].quiet_ns if going else None
    same = [e for e in going if first is not None and same_time(first, e.quiet_ns or 0, server=True)]
    return same if len(same) > 1 and len(same) == len(going) else []


def _age_words(ends: Sequence[_Close]) -> str:
    """Whether the WebSockets were of one age then (Daphne's ``--websocket_timeout``)."""
    ages = [each.age_ns for each in ends]
    if len(ages) < 2 or min(ages) < LONG_NS or not same_time(min(ages), max(ages), server=True):
        return ""
    return (
        f" Each was {wording.span(min(ages))} to {wording.span(max(ages))} old then: a limit of their age, "
        "or the time that the server's work takes."
    )


def _limit_words(idle: Sequence[_Close]) -> str:
    quiet = [each.quiet_ns for each in idle if each.quiet_ns is not None]
    if not quiet:
        return ""
    spread = wording.span(min(quiet))
    if len(quiet) > 1:
        spread += f" to {wording.span(max(quiet))}"
    return f" No frame had passed for {spread} before: the server's limit of silence."
