"""What goes from one segment on into the next: connections that are still open, with their secrets.

A segment is read without those before it, some of which are gone. So what the program said of a connection
(its sockets, its client random) and the secrets of it are handed on as long as it is open: until its end was
seen, or nothing of it for ``LONGEST_IDLE``. What came in the segment itself is handed on too: its first
packets may be the next segment's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from plainwire.model import Connection

MOST_OPEN = 20_000
"""Connections that are handed on; beyond, those are forgotten of which nothing was seen for longest."""
LONGEST_IDLE = 86_400.0
"""Seconds; beyond, what comes of a connection is not read."""
_MOST_ABOUT = 2_000
"""Lines about processes; the first say what was started."""
_FIRST_ABOUT = 10
_MOST_KEYS = 5 * MOST_OPEN
_ABOUT = frozenset({"start", "process", "runtime", "note", "unreached"})
_SOCKETS = frozenset({"connect", "tls"})
_OPEN = "open"

Ends = frozenset[str]


class Lines(NamedTuple):
    """Of events, and of key logs."""

    events: Sequence[bytes]
    keys: Sequence[bytes]


def onward(before: Lines, fresh: Lines, connections: Iterable[Connection], now: float) -> Lines:
    """What the next segment needs.

    ``before`` was handed on to this segment, ``fresh`` came in it; ``connections`` are what was seen in it
    and in the one before, ``now`` is when it ended.
    """
    open_now = _open_before(before.events)
    over: set[Ends] = set()
    for connection in connections:
        ends = frozenset((str(connection.client), str(connection.server)))
        open_now.pop(ends, None)
        over.discard(ends)
        if _is_over(connection):
            over.add(ends)
        else:
            open_now[ends] = _opened(connection)
    latest = sorted(open_now.values(), key=lambda each: float(each["seen"]))[-MOST_OPEN:]
    latest = [each for each in latest if float(each["seen"]) >= now - LONGEST_IDLE]
    known = {frozenset(each["ends"]) for each in latest}
    randoms = {str(each["client_random"]) for each in latest}
    events = [orjson.dumps(each) for each in latest]
    about: dict[bytes, None] = {}
    sockets: dict[bytes, None] = {}
    for lines, is_fresh in ((before.events, False), (fresh.events, True)):
        for line in lines:
            event = parsed(line)
            if event.get("event") in _ABOUT:
                about[line] = None
            elif event.get("event") in _SOCKETS:
                ends = _ends(event)
                if ends in known or event.get("client_random") in randoms or (is_fresh and ends not in over):
                    sockets[line] = None
    old = [line for line in before.keys if _random(line) in randoms]
    keys = list(dict.fromkeys([*old, *fresh.keys]))[-_MOST_KEYS:]
    told = list(about)
    if len(told) > _MOST_ABOUT:
        told[_FIRST_ABOUT : -_MOST_ABOUT + _FIRST_ABOUT] = []
    return Lines([*told, *list(sockets)[-2 * MOST_OPEN :], *events], keys)


def quic_ends(events: Iterable[bytes]) -> set[Ends]:
    """The ends of QUIC connections that were handed on: their packets do not tell what they are."""
    return {frozenset(each["ends"]) for each in _open_before(events).values() if each.get("quic")}


def of_program(events: Iterable[bytes]) -> list[bytes]:
    """The lines that are the program's events: what else is handed on is for the recorder alone."""
    return [line for line in events if parsed(line).get("event") != _OPEN]


def parsed(line: bytes) -> dict[str, Any]:
    """An event; an empty one where the line is none."""
    try:
        event = orjson.loads(line)
    except orjson.JSONDecodeError:
        return {}
    return event if isinstance(event, dict) else {}


def _open_before(events: Iterable[bytes]) -> dict[Ends, dict[str, Any]]:
    found = (parsed(line) for line in events if b'"open"' in line)
    return {frozenset(each["ends"]): each for each in found if each.get("event") == _OPEN}


def _opened(connection: Connection) -> dict[str, Any]:
    random = connection.tls.client_random.hex() if connection.tls is not None else ""
    return {
        "event": _OPEN,
        "ends": [str(connection.client), str(connection.server)],
        "client_random": random or None,
        "quic": connection.quic is not None,
        "seen": connection.last_ns / 1e9,
    }


def _is_over(connection: Connection) -> bool:
    """A reset, or a FIN of each side (RFC 9293 section 3.6)."""
    kinds = {(close.kind, close.side) for close in connection.closes}
    return any(kind == "rst" for kind, _ in kinds) or {("fin", 0), ("fin", 1)} <= kinds


def _ends(event: dict[str, Any]) -> Ends:
    return frozenset((str(event.get("local")), str(event.get("peer"))))


def _random(line: bytes) -> str:
    words = line.split()
    return words[1].decode("ascii", "replace").lower() if len(words) > 1 else ""
