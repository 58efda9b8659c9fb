"""Closes that met a request for a reason of the server's own: a count, an age, a restart, no announcement.

On the wire each is a keepalive-idle-race: the server's close acknowledges nothing of the request. What
made the server close just then, only its other closes can tell, so that these names are likely at most.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from plainwire.model import Evidence

from . import primitives, words
from .clock import fits
from .habits import closed_together, same_timer
from .reuse import keepalive_idle_race

if TYPE_CHECKING:
    from plainwire.model import Connection

    from .clock import IdleClose
    from .verdict import Scene, Verdict

_RACE = "keepalive-idle-race"
_MOST_CITED = 4


def server_max_requests_close(scene: Scene) -> Verdict | None:
    """A verdict where the server closes after the same number of requests on each connection."""
    own, closes, _ = _surroundings(scene)
    facts = scene.world.servers.get(scene.connection.server)
    if own is None or facts is None or not own.at_once or own.announced or own.ordinal != facts.max_requests:
        return None
    return _named(
        scene,
        "server-max-requests-close",
        f"It closed {facts.max_requests_count} connections with the answer to request {own.ordinal} and "
        "carried no more on any: a limit of requests on a connection, which it did not announce here.",
        f"{_RACE}: refuted, the close came {words.span(own.idle_ns)} after a response, always the same one",
        [close for close in closes if close.at_once],
    )


def server_max_age_close(scene: Scene) -> Verdict | None:
    """A verdict where the server closes its connections at one age, whatever they did before."""
    own, closes, _ = _surroundings(scene)
    facts = scene.world.servers.get(scene.connection.server)
    age = None if facts is None else facts.max_age
    trip = primitives.shortest_rtt(scene.connection) or 0  # the SYN's way, and the close's
    if own is None or age is None or not fits(age, own.age_ns - trip):
        return None
    idle = [close.idle_ns for close in closes]
    paused = f"which had been idle for {words.span(min(idle))} to {words.span(max(idle))}"
    return _named(
        scene,
        "server-max-age-close",
        f"It closed {age.count} connections at an age, by its own count, of {words.span(age.low_ns)} to "
        f"{words.span(age.high_ns)}, {paused}: a limit of age.",
        f"an idle timeout: refuted by the connections, {paused}",
        closes,
    )


def server_reload_close(scene: Scene) -> Verdict | None:
    """A verdict where the server closed several connections, differently idle, in one moment."""
    own, closes, connections = _surroundings(scene)
    if own is None or own.close.kind == "rst" or own.announced:
        return None
    together = closed_together(own, closes, connections)
    if not together:
        return None
    times = [close.close.time_ns for close in together]
    return _named(
        scene,
        "server-reload-close",
        f"It closed {len(together)} connections within {words.span(max(times) - min(times))}, which had been "
        f"idle for {words.span(min(c.idle_ns for c in together))} to "
        f"{words.span(max(c.idle_ns for c in together))}: a reload or a restart.",
        "an idle timeout: refuted, the connections had been idle for different times",
        together,
    )


def close_unannounced_after_response(scene: Scene) -> Verdict | None:
    """A verdict where the close came with the last response, which did not announce it."""
    own, _, _ = _surroundings(scene)
    if own is None or not own.at_once or own.announced:
        return None
    return _named(
        scene,
        "close-unannounced-after-response",
        "That response kept the connection open by its words.",
        f"an idle timeout: refuted, the server had been idle for {words.span(own.idle_ns)} only",
        [],
    )


def idle_close_by_reset(scene: Scene) -> Verdict | None:
    """A verdict where a server ended an idle connection by RST, and a request met it."""
    own, closes, _ = _surroundings(scene)
    race = keepalive_idle_race(scene)
    if own is None or race is None or own.close.kind != "rst":
        return None
    resets = [c for c in closes if c.close.kind == "rst" and same_timer(c.idle_ns, own.idle_ns)]
    pattern = (
        f" It ended {len(resets)} idle connections like this, after "
        f"{words.span(min(c.idle_ns for c in resets))} to {words.span(max(c.idle_ns for c in resets))}."
        if len(resets) > 1
        else ""
    )
    return replace(
        race,
        code="idle-close-by-reset",
        facts=race.facts + pattern,
        runner_up="lb-idle-reset: the reset has the marks of the server's other packets; a box that copies "
        "them cannot be excluded from here",
        evidence=_with(race, [c for c in resets if c is not own]),
    )


def _surroundings(scene: Scene) -> tuple[IdleClose | None, list[IdleClose], list[Connection]]:
    """The connection's own idle close, if the request met one, and those of all at this server."""
    server = scene.connection.server
    closes = scene.world.idle_closes.get(server, [])
    own = next((close for close in closes if close.connection is scene.connection), None)
    return own, closes, scene.world.by_server.get(server, [])


def _named(scene: Scene, code: str, why: str, rival: str, others: list[IdleClose]) -> Verdict | None:
    race = keepalive_idle_race(scene)
    if race is None:
        return None
    return replace(
        race,
        code=code,
        fault="server",
        certainty="likely" if race.certainty == "proved" else race.certainty,
        facts=f"{race.facts} {why}",
        runner_up=rival,
        evidence=_with(race, [c for c in others if c.connection is not scene.connection]),
        advice_client="",
    )


def _with(race: Verdict, others: list[IdleClose]) -> tuple[Evidence, ...]:
    cited = (
        Evidence(
            other.close.packet,
            f"{words.act(other.close)} from the server on connection {other.connection.id}",
        )
        for other in others[:_MOST_CITED]
    )
    return (*race.evidence, *cited)
