"""Failures that the kernel told the program of, and that left no packet of their own.

``stale-connection-reuse``: a connection was reset while it was idle, and the program's next write failed at
once. ``no-route``: connect() failed before a SYN left. ``client-own-error``: an HTTP/2 client failed over a
GOAWAY that left no request out, a program over the end of a WebSocket in order.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from plainwire import plurals
from plainwire.diagnose import wording
from plainwire.diagnose.causes.catalogue import CAUSES
from plainwire.diagnose.evidence.closes import client_first, first_close
from plainwire.diagnose.evidence.exchanges import finished_ns
from plainwire.diagnose.evidence.limits_announced import limits_announced
from plainwire.model import Evidence, Finding, Side

from .closed_in_order import closed_in_order
from .program_finding import finding_of_the_program, of_processes
from .wording import CLOSED, CROWDED, Wire

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from plainwire.model import (
        CloseEvent,
        Connection,
        ProgramEvents,
        SocketError,
        StreamEvent,
    )

    from .sayings import Said

_WRITES = frozenset(("send", "sendto", "sendmsg", "write", "writev", "sendfile"))
_READS = frozenset(("recv", "recvfrom", "recvmsg", "read", "readv"))
_MOST_CITED = 8
_MOST_NAMED = 3
_AT_ONE_INSTANT_NS = 50_000_000
"""Resets of one process that ends come within less (chosen)."""
_CRASHED = " Connections with requests under way were reset at the same instant: the server's process ended."

OVER = frozenset(
    (
        "GOAWAY received",
        "ConnectionState.CLOSED",
        "GOAWAY frame received",
        "a session after GOAWAY",
        "a session that is over",
    )
)
"""What clients say of a connection of HTTP/2 that the server ended in order: the JDK's, httpx, undici,
Node."""

_WHO = (
    "The JDK's client did so before release 24 (JDK-8335181), httpx (python-hyper's h2) and undici do, and "
    "programs that keep a session of Node's http2 for longer than it lasts."
)
_OVER_NS = 60_000_000_000
"""How long after a GOAWAY a program may speak of it: at its next request (chosen)."""
_CLOCK_SLACK_NS = 2_000_000
"""Times of the program and of the capture differ by less: one host, two readings (chosen)."""

_NOT_CONNECTED = frozenset((Wire.UNREACHABLE, Wire.REFUSED, Wire.NO_CONNECT))
"""What clients say alike of a connect that failed, whatever the kernel's answer was."""

_NO_WAY: dict[int, tuple[str, str]] = {
    errno.ENETUNREACH: (
        "its host has no route there",
        "Look at the routes of the client's host or container: ip route get ADDRESS.",
    ),
    errno.EHOSTUNREACH: (
        "nobody in the local network answered for the address or its gateway, or a route says so",
        "Look whether the address is right and its host is up (ip neigh; ip route get ADDRESS).",
    ),
    errno.ENETDOWN: ("the interface is down", "Bring the interface up."),
    errno.EPERM: (
        "a packet filter of its own host forbids it",
        "Look at the rules for outgoing packets (iptables, nft, a sandbox's policy).",
    ),
    errno.EACCES: (
        "its own host forbids it",
        "Look at the rules for outgoing packets, and whether the address is one of broadcast.",
    ),
}
"""What connect() says without a packet: in our words, and what to do."""


def without_packet(
    connections: Sequence[Connection], events: ProgramEvents, heard: Sequence[Said]
) -> list[Finding]:
    """A finding for each server address at which that happened. Pure."""
    return [
        *_resets(connections, events, heard),
        *_no_routes(connections, events, heard),
        *_goaways(connections, events, heard),
        *_crowded(connections, events, heard),
        *closed_in_order(connections, events, heard),
    ]


def explains(finding: Finding, said: Said) -> bool:
    """Whether a finding of this kind is what the program spoke of."""
    match finding.code:
        case "stale-connection-reuse":
            return bool(said.wire & {Wire.RESET, Wire.CUT_SENDING, Wire.CLOSE})
        case "no-route":
            return Wire.UNREACHABLE in said.wire
        case "client-own-error":
            return said.label in {*OVER, CLOSED, CROWDED}
    return finding.code.startswith("goaway-error") and Wire.GOAWAY in said.wire


def _goaways(
    connections: Sequence[Connection], events: ProgramEvents, heard: Sequence[Said]
) -> Iterator[Finding]:
    """The ends of connections, all in order, which the program's HTTP/2 library took for errors."""
    said = [s for s in heard if s.label in OVER]
    ends = [
        (connection, goaway)
        for connection in _spoken_of(connections, said)
        if (goaway := _in_order(connection)) is not None
        if any(s.untimed or 0 <= s.time_ns - goaway.time_ns + _CLOCK_SLACK_NS <= _OVER_NS for s in said)
    ]
    if not ends:
        return
    connection, goaway = ends[0]
    answered = plurals.count(len(connection.exchanges), "request")
    yield finding_of_the_program(
        "client-own-error",
        f"The server announced the end of connection {connection.id} with GOAWAY (NO_ERROR), after "
        f"{answered}, "
        "and answered all of them. The client failed all the same: it takes the announcement for an error, "
        "or "
        f"goes on with what is over. {_WHO}{_ends_words(len(ends))}",
        [
            Evidence(e.packet, f"GOAWAY (NO_ERROR) from the server, last stream {e.last_stream}")
            for _, e in ends[:_MOST_CITED]
        ],
        said,
        events,
        connections=[c for c, _ in ends],
        runner_up="goaway-race: refuted, the GOAWAY left none of the requests out",
        advice="Update the client's HTTP/2 library; until then catch the error and send the request again "
        "where "
        "its method is idempotent, or use HTTP/1.1.",
    )


def _spoken_of(connections: Sequence[Connection], said: Sequence[Said]) -> Iterator[Connection]:
    """The connections of the processes that said it."""
    return of_processes(connections, {each.pid for each in said})


def _crowded(
    connections: Sequence[Connection], events: ProgramEvents, heard: Sequence[Said]
) -> Iterator[Finding]:
    """Requests that the client itself refused because the server's limit of streams was reached."""
    said = [s for s in heard if s.label == CROWDED]
    allowed = next(
        (
            (connection, event, limit)
            for connection in _spoken_of(connections, said)
            for event, limit in limits_announced(connection.events, Side.SERVER, "MAX_CONCURRENT_STREAMS")
        ),
        None,
    )
    if allowed is None:
        return
    connection, event, limit = allowed
    yield finding_of_the_program(
        "client-own-error",
        f"The client refused {plurals.count(len(said), 'request')} itself: the server of connection "
        f"{connection.id} allows {plurals.count(limit, 'stream')} at a time, and so many were in use. Other "
        "clients "
        "wait for one that becomes free; the JDK's does not.",
        [Evidence(event.packet, f"the server's SETTINGS: {plurals.count(limit, 'stream')} at a time")],
        said,
        events,
        connections=[connection],
        runner_up="h2-stream-refused: refuted, the server refused none of these, as they never left",
        advice=f"Have at most {plurals.count(limit, 'request')} under way at a time to this server, or use "
        "HTTP/1.1.",
    )


def _ends_words(number: int) -> str:
    return "" if number == 1 else f" {number} connections ended so."


def _in_order(connection: Connection) -> StreamEvent | None:
    """The server's GOAWAY without an error, where every request was answered."""
    if connection.application != "h2" or any(e.outcome != "complete" for e in connection.exchanges):
        return None
    said = [e for e in connection.events if e.kind == "goaway" and e.side == Side.SERVER]
    return said[0] if said and all(e.name in ("", "NO_ERROR") for e in said) else None


def _resets(
    connections: Sequence[Connection], events: ProgramEvents, heard: Sequence[Said]
) -> Iterator[Finding]:
    errors: dict[str, list[SocketError]] = {}
    for error in events.errors:
        if error.error in (errno.ECONNRESET, errno.EPIPE) and error.call in _WRITES | _READS:
            errors.setdefault(error.local, []).append(error)
    met: dict[str, list[tuple[Connection, CloseEvent, SocketError]]] = {}
    for connection in connections if errors else ():
        reset = _reset_while_idle(connection)
        if reset is None:
            continue
        own = errors.get(str(connection.client), ())
        told = next((error for error in own if error.time_ns >= reset.time_ns), None)
        if told is not None and (told.call in _WRITES or _spoken(told, heard)):
            met.setdefault(str(connection.server), []).append((connection, reset, told))
    for server, cases in met.items():
        yield _of_resets(server, cases, events, heard, crashed=_fell_with_others(cases[0], connections))


def _reset_while_idle(connection: Connection) -> CloseEvent | None:
    """The server's RST behind the last exchange, where all were complete and the client had not closed.

    Behind an exchange that was to be the last a client writes no request, only the end of TLS; and what it
    writes of an upload that was answered early belongs to that.
    """
    if not connection.exchanges or any(e.outcome != "complete" for e in connection.exchanges):
        return None
    if connection.exchanges[-1].websocket is not None:
        return None  # over with its Close frames: no request follows on it
    request, response = connection.exchanges[-1].request, connection.exchanges[-1].response
    if request is None or not request.complete:
        return None
    if any(message is not None and message.close_announced for message in (request, response)):
        return None
    reset = first_close(connection, Side.SERVER)
    if reset is None or reset.kind != "rst" or client_first(connection) is not None:
        return None
    return reset if reset.time_ns > finished_ns(connection.exchanges[-1]) else None


def _spoken(error: SocketError, heard: Sequence[Said]) -> bool:
    """Whether the program spoke of it: to read an idle connection and find it reset is no failure."""
    return any(
        said.pid == error.pid and said.time_ns >= error.time_ns and Wire.RESET in said.wire for said in heard
    )


def _fell_with_others(
    case: tuple[Connection, CloseEvent, SocketError], connections: Sequence[Connection]
) -> bool:
    """Whether connections with an exchange under way were reset at the same instant: a process that ended."""
    connection, reset, _ = case
    for other in connections:
        close = first_close(other, Side.SERVER) if other.server == connection.server else None
        if other is connection or close is None or close.kind != "rst":
            continue
        if abs(close.time_ns - reset.time_ns) <= _AT_ONE_INSTANT_NS and any(
            e.outcome != "complete" for e in other.exchanges
        ):
            return True
    return False


def _of_resets(
    server: str,
    cases: list[tuple[Connection, CloseEvent, SocketError]],
    events: ProgramEvents,
    heard: Sequence[Said],
    *,
    crashed: bool,
) -> Finding:
    connection, reset, error = cases[0]
    idle = reset.time_ns - finished_ns(connection.exchanges[-1])
    times = "" if len(cases) == 1 else f" {len(cases)} connections ended so."
    evidence = [
        Evidence(r.packet, f"{wording.act(r)} from the server, on an idle connection")
        for _, r, _ in cases[:_MOST_CITED]
    ]
    return finding_of_the_program(
        "stale-connection-reuse",
        f"At {server}: {CAUSES['stale-connection-reuse'].title}. The server reset connection {connection.id} "
        f"after {wording.span(idle)} without a request, and {wording.span(error.time_ns - reset.time_ns)} "
        f"later the program's {error.call}() on it failed with {errno.errorcode[error.error]}: the request "
        f"never left, so that no packet shows it.{times}{_CRASHED if crashed else ''}",
        evidence,
        [s for s in heard if Wire.RESET in s.wire and s.pid == error.pid],
        events,
        connections=[c for c, _, _ in cases],
        fault="server" if crashed else "client",
        runner_up="reset-mid-request: refuted, no byte of a request left after the reset",
    )


def _no_routes(
    connections: Sequence[Connection], events: ProgramEvents, heard: Sequence[Said]
) -> Iterator[Finding]:
    seen = {(c.client.port, str(c.server)) for c in connections}
    peers = dict(events.by_sockets.keys())
    places: dict[tuple[int, str], list[SocketError]] = {}
    for error in events.errors:
        peer = error.peer or peers.get(error.local)
        if error.error not in _NO_WAY or error.call not in ("connect", "getsockopt") or peer is None:
            continue
        if (_port(error.local), peer) not in seen:
            places.setdefault((error.error, peer), []).append(error)
    said = [s for s in heard if Wire.UNREACHABLE in s.wire]
    none_made = events.witnessed and not events.by_sockets  # by the kernel's word, whatever was captured
    enough = _NOT_CONNECTED if none_made else {Wire.UNREACHABLE}
    only = [s for s in said if s.wire <= enough]
    if only and not places and not connections:
        yield _by_word_alone(only, events)
    if not said and not _ended_by_it(connections, events, places):
        return  # one address of several, and another worked
    for number in dict.fromkeys(number for number, _ in places):
        own = {peer: errors for (found, peer), errors in places.items() if found == number}
        yield _of_no_route(number, own, said, events)


def _ended_by_it(
    connections: Sequence[Connection],
    events: ProgramEvents,
    places: dict[tuple[int, str], list[SocketError]],
) -> bool:
    """Whether the program failed, and no connection was established after the last of these errors."""
    last_ns = max((error.time_ns for errors in places.values() for error in errors), default=None)
    if last_ns is None or not events.exit_status:
        return False
    return not any(c.established and c.last_ns >= last_ns for c in connections)


def _of_no_route(
    number: int, places: dict[str, list[SocketError]], said: list[Said], events: ProgramEvents
) -> Finding:
    total = sum(map(len, places.values()))
    named = ", ".join(list(places)[:_MOST_NAMED])
    more = f" and {len(places) - _MOST_NAMED} more" if len(places) > _MOST_NAMED else ""
    why, advice = _NO_WAY[number]
    how_often = "once" if total == 1 else f"{total} times"
    return finding_of_the_program(
        "no-route",
        f"connect() to {named}{more} failed {how_often} with {errno.errorcode[number]}, before a packet "
        f"left: {why}.",
        [],
        said,
        events,
        runner_up="a server that refuses or is silent: refuted, no SYN left",
        advice=advice,
    )


def _by_word_alone(said: list[Said], events: ProgramEvents) -> Finding:
    """Of programs whose calls on sockets are not seen: Go makes them without the C library, PHP loads libcurl
    in a way that nobody stands before it. A connect that was refused, or not answered, leaves a SYN.
    """
    told = (
        "that the network or the host cannot be reached"
        if all(s.wire == {Wire.UNREACHABLE} for s in said)
        else "that it could not connect"
    )
    return finding_of_the_program(
        "no-route",
        f"The program said {told}, and no packet of its own is in the capture, not even a SYN: its host has "
        "no route there, or a rule forbids it.",
        [],
        said,
        events,
        runner_up="a server that refuses or is silent: refuted, no SYN left",
        advice="Look at the routes of the client's host or container: ip route get ADDRESS.",
    )


def _port(address: str) -> int:
    port = address.rpartition(":")[2]
    return int(port) if port.isdecimal() else 0
