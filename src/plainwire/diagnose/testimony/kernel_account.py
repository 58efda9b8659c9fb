"""What the kernel of the program's host knew: why it sent a reset, and how much its peer had acknowledged.

It holds where the capture has holes; where it has none, the two agree.
"""

from __future__ import annotations

import errno
from collections import defaultdict
from itertools import islice
from typing import TYPE_CHECKING

from plainwire.model import Evidence, Side, SocketError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plainwire.model import (
        Connection,
        Finding,
        KernelReset,
        ProgramEvents,
        SocketClose,
    )

    from .wire_facts import Fate

REASONS = {
    "NO_SOCKET": "no socket was there for what came",
    "TCP_INVALID_ACK_SEQUENCE": "what came acknowledged a number that is none of this connection",
    "TCP_RFC7323_PAWS": "a timestamp was older than the last one",
    "TCP_TOO_OLD_ACK": "what came acknowledged a number that is too old",
    "TCP_ACK_UNSENT_DATA": "what came acknowledged bytes that had not been sent",
    "TCP_FLAGS": "the flags of what came do not fit the socket's state",
    "TCP_OLD_ACK": "what came acknowledged an old number",
    "TCP_ABORT_ON_DATA": "data came for a socket that its program had closed",
    "TCP_TIMEWAIT_SOCKET": "a segment came for a connection that had ended (TIME-WAIT)",
    "INVALID_SYN": "a SYN came in the middle of the connection",
    "TCP_ABORT_ON_CLOSE": "its program closed the socket with bytes in it that it had not read",
    "TCP_ABORT_ON_LINGER": "its program had closed the socket, with TCP_LINGER2 below 0",
    "TCP_ABORT_ON_MEMORY": "there was no memory left for sockets without a program",
    "TCP_STATE": "its program ended the connection at once, as by SO_LINGER with no time to linger",
    "TCP_KEEPALIVE_TIMEOUT": "its keepalive probes were not answered",
    "TCP_DISCONNECT_WITH_DATA": "its program disconnected the socket before all was sent",
    "ERROR": "an error of the kernel's own",
}
"""The kernel's names in our words: include/net/rstreason.h and its uses in net/ipv4 (Linux 6.18)."""
_NONE_GIVEN = frozenset(("", "NOT_SPECIFIED"))
_SAME_NS = 100_000_000
"""A reset of the kernel's account and one of the capture that are as near as this are one."""
_MOST_CITED = 8


def add_reasons(
    connections: Sequence[Connection], findings: Sequence[Finding], events: ProgramEvents
) -> None:
    """Give findings the kernel's reasons for the resets of their connections, as evidence."""
    by_ends: defaultdict[tuple[str, str], list[KernelReset]] = defaultdict(list)
    for reset in events.resets:
        if reset.reason not in _NONE_GIVEN:
            by_ends[reset.local, reset.peer].append(reset)
    if not by_ends:
        return
    by_id = {connection.id: connection for connection in connections}
    until = _begun_again(connections)
    for finding in findings:
        found = (
            each
            for connection in (by_id[number] for number in finding.connections if number in by_id)
            for each in (
                *_of_connection(connection, by_ends),
                *(_not_captured(connection, by_ends, until.get(connection.id)) if finding.failure else ()),
            )
        )
        finding.evidence += islice(found, _MOST_CITED)


def _of_connection(
    connection: Connection, by_ends: dict[tuple[str, str], list[KernelReset]]
) -> list[Evidence]:
    ends = {Side.CLIENT: str(connection.client), Side.SERVER: str(connection.server)}
    found: list[Evidence] = []
    told: set[tuple[Side, str]] = set()
    for close in connection.closes:
        if close.kind != "rst":
            continue
        sent = by_ends.get((ends[close.side], ends[close.side.peer]), [])
        reset = min(sent, key=lambda each: abs(each.time_ns - close.time_ns), default=None)
        if reset is None or abs(reset.time_ns - close.time_ns) > _SAME_NS:
            continue
        if (close.side, reset.reason) not in told:
            told.add((close.side, reset.reason))
            found.append(Evidence(close.packet, _reason(close.side, reset)))
    return found


def _begun_again(connections: Sequence[Connection]) -> dict[int, int]:
    """By connection: when the next one with the same ends began, ns."""
    found: dict[int, int] = {}
    newest: dict[tuple[str, str], Connection] = {}
    for connection in sorted(connections, key=lambda each: each.opened_ns):
        ends = str(connection.client), str(connection.server)
        if ends in newest:
            found[newest[ends].id] = connection.opened_ns
        newest[ends] = connection
    return found


def _not_captured(
    connection: Connection, by_ends: dict[tuple[str, str], list[KernelReset]], until_ns: int | None
) -> list[Evidence]:
    """The first reset of each side of whose resets the capture holds none."""
    ends = {Side.CLIENT: str(connection.client), Side.SERVER: str(connection.server)}
    captured = {close.side for close in connection.closes if close.kind == "rst"}
    found = []
    for side in Side:
        if side in captured:
            continue
        sent = [
            reset
            for reset in by_ends.get((ends[side], ends[side.peer]), [])
            if connection.opened_ns - _SAME_NS <= reset.time_ns
            and (until_ns is None or reset.time_ns < until_ns)
        ]
        if sent:
            says = f"{_reason(side, sent[0])}; the capture does not hold that reset, which came behind this"
            found.append(Evidence(connection.last_packet, says))
    return found


def _reason(side: Side, reset: KernelReset) -> str:
    name = "client" if side == Side.CLIENT else "server"
    meaning = REASONS.get(reset.reason)
    known = reset.reason if reset.reason.replace("_", "").isalnum() else "a reason without a name"
    return f"the {name}'s kernel says why it reset: {known}" + (f", {meaning}" if meaning else "")


def acknowledged(fate: Fate, told: SocketError | SocketClose | None) -> str:
    """How much of the request the server's kernel had acknowledged when the program met its end."""
    request = None if fate.exchange is None else fate.exchange.request
    if told is None or told.acked is None or request is None or told.local != str(fate.connection.client):
        return ""
    if fate.exchange is None or fate.exchange.protocol == "h3" or request.end <= request.start:
        return ""
    had = told.acked - 1  # the SYN is one of them
    size = request.end - request.start
    if had <= request.start:
        part = "no byte of the request"
    elif had >= request.end:
        part = "the whole request"
    else:
        part = f"{had - request.start} of {size} bytes of the request"
    reset = isinstance(told, SocketError) and told.error == errno.ECONNRESET and had < request.end
    besides = " What a reset acknowledges is not counted there." if reset else ""
    return f"When it called {told.call}(), its peer had acknowledged {part} (TCP_INFO).{besides}"
