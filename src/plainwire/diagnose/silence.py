"""Rules nat-idle-drop and mtu-blackhole: packets that went out again and again and met with nothing.

Both show on a request that was never acknowledged, so that they come before the question who closed: a
client that gives up on a dead connection is not the cause.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import islice
from typing import TYPE_CHECKING

from plainwire.arrays import np
from plainwire.model import SYN, Evidence, Side

from . import sizes, words
from .injected import LONG_IDLE_NS
from .verdict import Scene, Verdict, idle_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainwire.model import Connection, Int64s, Segments

_FEWEST_SENDINGS = 3
_MOST_CITED = 5
_MOST_LOOKED_AT, _MOST_SKIPPED = 50, 2000
_HEADROOM = 300
"""Tunnels leave about so much room above ``sizes.BIG``."""

_LONG_ENOUGH_NS = 1_000_000_000
"""The server has repeated a lost segment several times by then (RFC 6298 section 5)."""

_FRAGMENTATION_NEEDED = ((3, 4), (2, 0))
"""Type and code of ICMP (RFC 1191) and, type only, of ICMPv6 (RFC 4443 section 3.2)."""


def nat_idle_drop(scene: Scene) -> Verdict | None:
    """A verdict where after a pause nothing that the client sent was acknowledged any more."""
    idle = scene.idle_ns
    if idle is None or idle < LONG_IDLE_NS or scene.survived(idle):
        return None
    sendings = _unanswered_sendings(scene)
    if sendings is None:
        return None
    segments, rows = sendings
    first, last = int(segments.time_ns[rows[0]]), int(segments.time_ns[rows[-1]])
    others = _contact(scene, first, max(last, scene.connection.last_ns))
    if others is False:
        return None
    alive = " Meanwhile the same address answered on another connection." if others is not None else ""
    return Verdict(
        code="nat-idle-drop",
        connection=scene.connection,
        exchanges=(scene.exchange.id,),
        fault="path",
        certainty="possible" if others is None else "likely",
        facts=f"After {words.span(idle)} of idleness the request was sent {len(rows)} times in "
        f"{words.span(last - first)}, and not one packet came back: no acknowledgment, no reset."
        f"{alive}{idle_words(scene)}",
        evidence=(
            *(
                Evidence(int(segments.number[row]), f"the request, sending {count}, never acknowledged")
                for count, row in enumerate(rows[:_MOST_CITED], 1)
            ),
            *(() if others is None else (others,)),
        ),
        runner_up="the server is down: refuted, its address answers on another connection"
        if others is not None
        else "the server or its network is down: no other connection to it at that time shows whether it is",
        retry_safe=scene.idempotent,
        time_ns=scene.request.time_ns,
    )


def mtu_blackhole(scene: Scene) -> Verdict | None:
    """A verdict where only large segments were lost, each time, while smaller ones had passed."""
    return _large_requests(scene) or _large_answers(scene)


def _large_requests(scene: Scene) -> Verdict | None:
    """The client's own large segments went out several times and were never acknowledged."""
    segments = scene.connection.segments
    lost = None if segments is None else _stuck(segments, scene.request.start)
    if segments is None or lost is None:
        return None
    rows, size = lost
    passed = scene.world.sizes(scene.connection.server).acknowledged
    if not 0 < passed < size:
        return None
    return _too_large(
        scene,
        f"A segment of {size} bytes was sent {len(rows)} times and never acknowledged; the largest that ever "
        f"was acknowledged here had {passed} bytes.",
        tuple(
            Evidence(int(segments.number[row]), f"{size} bytes, sending {count}, never acknowledged")
            for count, row in enumerate(rows[:_MOST_CITED], 1)
        ),
        sure=False,
    )


def _large_answers(scene: Scene) -> Verdict | None:
    """The server's numbers went on although not one segment with the bytes between ever came."""
    own = sizes.never_came(scene.connection, scene.request.end)
    if own is None:
        return None
    packet, missing, waited = own
    known = scene.world.sizes(scene.connection.server)
    largest, same = known.from_server, known.never_came
    if missing < sizes.BIG or waited < _LONG_ENOUGH_NS or not 0 < largest < sizes.BIG + _HEADROOM:
        return None
    return _too_large(
        scene,
        f"The server had the request, and its numbers went on by {missing} bytes in {words.span(waited)} "
        f"of which not one came; the largest segment that ever came from it had {largest} bytes."
        + (f" So it was on {same} connections." if same > 1 else ""),
        (
            Evidence(scene.request.packet, f"the request, {words.run(scene.request)}"),
            Evidence(packet, f"a small segment of the server's, {missing} bytes beyond what came"),
        ),
        sure=same > 1,
    )


def _too_large(scene: Scene, facts: str, cited: tuple[Evidence, ...], *, sure: bool) -> Verdict:
    said = [
        error
        for error in scene.connection.icmp_errors
        if error.mtu is not None or (error.type, error.code) in _FRAGMENTATION_NEEDED
    ]
    return Verdict(
        code="mtu-blackhole",
        connection=scene.connection,
        exchanges=(scene.exchange.id,),
        fault="path",
        certainty="likely" if said or sure else "possible",
        facts=facts + (" A router said that packets were too large for its next link." if said else ""),
        evidence=(
            *cited,
            *(Evidence(error.packet, "an ICMP error: the packet was too large") for error in said[:1]),
        ),
        runner_up="loss at random: "
        + (
            "it would have struck small segments too"
            if said or sure
            else "not excluded, but it strikes small ones"
        ),
        retry_safe=scene.idempotent,
        time_ns=scene.request.time_ns,
    )


def _unanswered_sendings(scene: Scene) -> tuple[Segments, Int64s] | None:
    """The sendings of the request's first byte, where nothing came back after the first of them."""
    segments = scene.connection.segments
    if segments is None:
        return None
    start, since = scene.request.start, scene.request.time_ns
    carry = (segments.side == Side.CLIENT) & (segments.length > 0) & (segments.seq <= start)
    rows = np.flatnonzero(carry & (segments.seq + segments.length > start) & (segments.time_ns >= since))
    if len(rows) < _FEWEST_SENDINGS:
        return None
    back = (segments.side == Side.SERVER) & (segments.time_ns > since)
    return None if back.any() else (segments, rows)


def _contact(scene: Scene, since: int, until: int) -> Evidence | bool | None:
    """What shows that the server's address could be reached meanwhile.

    None where nothing else was tried; False where it was, and failed too.
    """
    tried = False
    for other in _meanwhile(scene, since, until):
        segments = other.segments
        if other is scene.connection or segments is None:
            continue
        within = (segments.time_ns >= since) & (segments.time_ns <= until)
        answers = np.flatnonzero(within & (segments.side == Side.SERVER))
        if len(answers):
            packet = int(segments.number[answers[0]])
            return Evidence(packet, f"the same address answers on connection {other.id}")
        tried = tried or bool((within & (segments.side == Side.CLIENT) & (segments.flags & SYN != 0)).any())
    return False if tried else None


def _meanwhile(scene: Scene, since: int, until: int) -> Iterator[Connection]:
    """Connections to the server at that time: some that were opened then, and some that were open already."""
    same = scene.world.by_server.get(scene.connection.server, [])
    first, last = (bisect_left(same, at, key=_opened) for at in (since, until + 1))
    yield from same[first : min(last, first + _MOST_LOOKED_AT)]
    yield from islice(
        (c for c in reversed(same[max(0, first - _MOST_SKIPPED) : first]) if c.last_ns >= since),
        _MOST_LOOKED_AT,
    )


def _opened(connection: Connection) -> int:
    return connection.opened_ns


def _stuck(segments: Segments, start: int) -> tuple[Int64s, int] | None:
    """The sendings of a large segment, and its size, that the server never acknowledged."""
    acks = segments.ack[(segments.side == Side.SERVER) & (segments.ack >= 0)]
    if not len(acks):
        return None
    known = int(acks.max())
    known = max(known, start)
    waiting = (segments.side == Side.CLIENT) & (segments.length > 0) & (segments.seq == known)
    rows = np.flatnonzero(waiting)
    if len(rows) < _FEWEST_SENDINGS:
        return None
    size = int(segments.length[rows].min())
    return (rows, size) if size >= sizes.BIG else None
