"""Closes that met a request for a reason of the server's own: a count, an age, a restart, no announcement.

On the wire each is a keepalive-idle-race: the server's close acknowledges nothing of the request. What
made the server close just then, only its other closes can tell, so that these names are likely at most.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from msgspec.structs import replace

from plainwire.model import Evidence

from . import primitives, words
from .clock import fits
from .reuse import keepalive_idle_race

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .clock import IdleClose
    from .habits import Closes
    from .verdict import Scene, Verdict

_RACE = "keepalive-idle-race"
_MOST_CITED = 4


def server_max_requests_close(scene: Scene) -> Verdict | None:
    """A verdict where the server closes after the same number of requests on each connection."""
    met, facts = _surroundings(scene), scene.world.servers.get(scene.connection.server)
    if met is None or facts is None:
        return None
    own, closes = met
    if not own.at_once or own.announced or own.ordinal != facts.max_requests:
        return None
    return _named(
        scene,
        "server-max-requests-close",
        f"It closed {facts.max_requests_count} connections with the answer to request {own.ordinal} and "
        "carried no more on any: a limit of requests on a connection, which it did not announce here.",
        f"{_RACE}: refuted, the close came {words.span(own.idle_ns)} after a response, always the same one",
        closes.at_once,
    )


def server_max_age_close(scene: Scene) -> Verdict | None:
    """A verdict where the server closes its connections at one age, whatever they did before."""
    met, facts = _surroundings(scene), scene.world.servers.get(scene.connection.server)
    age = None if facts is None else facts.max_age
    if met is None or age is None:
        return None
    own, closes = met
    trip = primitives.shortest_rtt(scene.connection) or 0  # the SYN's way, and the close's
    if not fits(age, own.age_ns - trip):
        return None
    shortest, longest = closes.idle_range
    paused = f"which had been idle for {words.span(shortest)} to {words.span(longest)}"
    return _named(
        scene,
        "server-max-age-close",
        f"It closed {age.count} connections at an age, by its own count, of {words.span(age.low_ns)} to "
        f"{words.span(age.high_ns)}, {paused}: a limit of age.",
        f"an idle timeout: refuted by the connections, {paused}",
        closes.all,
    )


def server_reload_close(scene: Scene) -> Verdict | None:
    """A verdict where the server closed several connections, differently idle, in one moment."""
    met = _surroundings(scene)
    if met is None or met[0].close.kind == "rst":
        return None
    own, closes = met
    together = closes.together(own)
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
    met = _surroundings(scene)
    if met is None or not met[0].at_once or met[0].announced:
        return None
    return _named(
        scene,
        "close-unannounced-after-response",
        "That response kept the connection open by its words.",
        f"an idle timeout: refuted, the server had been idle for {words.span(met[0].idle_ns)} only",
        [],
    )


def idle_close_by_reset(scene: Scene) -> Verdict | None:
    """A verdict where a server ended an idle connection by RST, and a request met it."""
    met = _surroundings(scene)
    race = keepalive_idle_race(scene)
    if met is None or race is None or met[0].close.kind != "rst":
        return None
    own, closes = met
    resets = closes.resets_like(own)
    pattern = (
        f" It ended {len(resets)} idle connections like this, after "
        f"{words.span(resets[0].idle_ns)} to {words.span(resets[-1].idle_ns)}."
        if len(resets) > 1
        else ""
    )
    return replace(
        race,
        code="idle-close-by-reset",
        facts=race.facts + pattern,
        runner_up="lb-idle-reset: the reset has the marks of the server's other packets; a box that copies "
        "them cannot be excluded from here",
        evidence=_with(race, resets, own),
    )


def _surroundings(scene: Scene) -> tuple[IdleClose, Closes] | None:
    """The connection's own idle close, which the request met, and those of all at this server."""
    closes = scene.world.idle_closes.get(scene.connection.server)
    own = None if closes is None else closes.of.get(scene.connection.id)
    return None if closes is None or own is None else (own, closes)


def _named(scene: Scene, code: str, why: str, rival: str, others: Sequence[IdleClose]) -> Verdict | None:
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
        evidence=_with(
            race, others, scene.world.idle_closes[scene.connection.server].of[scene.connection.id]
        ),
        advice_client="",
    )


def _with(race: Verdict, closes: Sequence[IdleClose], own: IdleClose) -> tuple[Evidence, ...]:
    others = (close for close in closes if close is not own)
    cited = (
        Evidence(
            other.close.packet,
            f"{words.act(other.close)} from the server on connection {other.connection.id}",
        )
        for other in islice(others, _MOST_CITED)
    )
    return (*race.evidence, *cited)
