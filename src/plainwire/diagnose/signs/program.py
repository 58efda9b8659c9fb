"""Signs of the watched program: how it ended, what it told of, and which of its calls on sockets failed.

They come last: what the wire shows has had its findings by then, and the program's words their places.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from plainwire.diagnose.evidence.exchanges import ERROR_STATUS, MISREAD

from .kinds import STOPPED, sign

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from plainwire.model import (
        Connection,
        Finding,
        ProgramEvents,
        Saying,
        Sign,
        SocketError,
        Testimony,
    )

_OF_THE_NETWORK = frozenset(
    (
        errno.ECONNRESET,
        errno.EPIPE,
        errno.ECONNABORTED,
        errno.ETIMEDOUT,
        errno.ECONNREFUSED,
        errno.EHOSTUNREACH,
        errno.ENETUNREACH,
        errno.ENETDOWN,
        errno.EADDRNOTAVAIL,
        errno.ENOBUFS,
    )
)
"""Answers of the kernel that are about the network (connect(2), send(2)); others are about the call."""
_SECOND_ADDRESS_NS = 2_000_000_000
"""RFC 8305 section 5 lets the next address be tried after 250 ms, or at most 2 s."""
_MOST_KEPT = 100
"""Signs of one kind: a program may say the same a thousand times."""


def signs(
    connections: Sequence[Connection],
    findings: Sequence[Finding],
    events: ProgramEvents,
    testimony: Testimony,
    *,
    stopped: str,
) -> list[Sign]:
    """The program's signs, each with what accounts for it. ``stopped``: what stopped the program, if it was.

    Pure: reads no clock, file or environment.
    """
    failures = [f for f in findings if (f.failure and f.code != "capture-artifact") or f.code in MISREAD]
    found = [*_exit(connections, failures, events, testimony, stopped=stopped)]
    found += list(_words(testimony.sayings))[:_MOST_KEPT]
    return found + list(_errors(connections, failures, events))[:_MOST_KEPT]


def _exit(
    connections: Sequence[Connection],
    failures: Sequence[Finding],
    events: ProgramEvents,
    testimony: Testimony,
    *,
    stopped: str,
) -> Iterator[Sign]:
    if not events.exit_status:
        return
    reason = ""
    if stopped:
        reason = f"the program, or what it had started, was stopped by {stopped}"
    elif any(saying.own for saying in testimony.sayings):
        reason = "the program told of an error of its own"
    elif any(_is_error(connection) for connection in connections):
        reason = "an error status was its answer, for which a program may end so"
    told = sign(
        "exit-status", None, harmless=reason, says=f"the program ended with status {events.exit_status}"
    )
    if failures:
        told.claimed_by = failures[0].code
    yield told


def _is_error(connection: Connection) -> bool:
    return any(e.response is not None and e.response.status >= ERROR_STATUS for e in connection.exchanges)


def _words(sayings: Sequence[Saying]) -> Iterator[Sign]:
    for saying in sayings:
        reason = ""
        if saying.own:
            reason = "an error of the program's own: it names nothing of the network"
        elif saying.weak and saying.code is None:
            reason = "its words need not be about a failure"
        elif saying.code is None and saying.exchange is not None:
            reason = "it is about a response that the program got"
        says = f"the program said {saying.label}"
        told = sign("program-error", None, exchange=saying.exchange, harmless=reason, says=says)
        told.claimed_by = saying.code or told.claimed_by
        yield told


def _errors(
    connections: Sequence[Connection], failures: Sequence[Finding], events: ProgramEvents
) -> Iterator[Sign]:
    """Failed calls, one sign for each connection, call and answer of the kernel."""
    by_client = {str(connection.client): connection for connection in connections}
    by_port = {(c.client.port, str(c.server)): c for c in connections}
    peers = dict(events.by_sockets.keys())
    seen: set[tuple[object, ...]] = set()
    for error in events.errors:
        if error.error not in _OF_THE_NETWORK:
            continue
        port = error.local.rpartition(":")[2]
        connection = by_client.get(error.local)
        if connection is None and port.isdecimal():
            connection = by_port.get((int(port), error.peer or ""))
        place = error.local if connection is None else connection.id
        if (place, error.call, error.error) not in seen:
            seen.add((place, error.call, error.error))
            yield _error(error, error.peer or peers.get(error.local, ""), connection, connections, failures)


def _error(
    error: SocketError,
    peer: str,
    connection: Connection | None,
    connections: Sequence[Connection],
    failures: Sequence[Finding],
) -> Sign:
    says = f"{error.call}() failed with {errno.errorcode.get(error.error, str(error.error))}"
    number = None if connection is None else connection.id
    reason = _why_harmless(error, peer, connection, connections)
    told = sign("socket-error", number, harmless=reason, says=says)
    codes = [
        finding.code
        for finding in failures
        if (number in finding.connections if number is not None else not finding.exchanges)
    ]
    told.claimed_by = codes[0] if codes else told.claimed_by
    return told


def _why_harmless(
    error: SocketError, peer: str, connection: Connection | None, connections: Sequence[Connection]
) -> str:
    if connection is not None and connection.established:
        answered = all(e.outcome == "complete" for e in connection.exchanges)
        if connection.exchanges and answered:
            return "all that was asked on the connection was answered completely"
        if any(exchange.stopped for exchange in connection.exchanges):
            return STOPPED
        return ""
    port = peer.rpartition(":")[2] or (str(connection.server.port) if connection else "")
    reached = any(
        other.established
        and str(other.server.port) == port
        and abs(other.opened_ns - error.time_ns) <= _SECOND_ADDRESS_NS
        for other in connections
    )
    return "the program reached the same port at another address, or at once again" if reached else ""
