"""Resets in the server's name from something nearer: a filter, a NAT or load balancer that forgot.

Also the reset for a connection that its sender no longer knew, where nothing says who the sender was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.model import Evidence, Side

from . import origin, primitives, words
from .clock import AT_ONCE_NS
from .verdict import Scene, Verdict, idle_words

if TYPE_CHECKING:
    from plainwire.model import CloseEvent

LONG_IDLE_NS = 500_000_000
"""Boxes that forget connections do so after seconds at the least; below this nothing is called idle."""

_LONG_SILENCE_NS = 1_000_000_000


def nat_idle_reset(scene: Scene) -> Verdict | None:
    """A verdict where the first packet after a pause was answered by a RST from nearer than the server."""
    close = _reset_after_request(scene)
    if close is None or not _unknown_to_sender(scene, close):
        return None
    source = origin.of_reset(scene.connection, close)
    idle = scene.idle_ns
    if source.fault != "path" or idle is None or idle < LONG_IDLE_NS or scene.survived(idle):
        return None
    return Verdict(
        code="nat-idle-reset",
        connection=scene.connection,
        exchanges=(scene.exchange.id,),
        fault="path",
        certainty=source.certainty,
        facts=f"The connection had been idle for {words.span(idle)}. The first packet after that was "
        f"answered by a RST without ACK {words.span(close.time_ns - scene.request.last_ns)} later. "
        f"{source.says}{idle_words(scene)}",
        evidence=_evidence(scene, close, source),
        runner_up="half-open-connection: refuted, the reset does not look like the server's other packets",
        retry_safe=True,
        time_ns=scene.request.time_ns,
    )


def lb_idle_reset(scene: Scene) -> Verdict | None:
    """A verdict where a reset with foreign marks came unasked, after nothing had been sent for long."""
    close = scene.server_close
    if close is None or close.kind != "rst" or close.ack is None:
        return None
    source = origin.of_reset(scene.connection, close)
    quiet = primitives.quiet_before(scene.connection, close, scene.request)
    if source.fault != "path" or quiet is None or quiet < _LONG_SILENCE_NS:
        return None
    crossed = close.ack <= scene.request.start
    return Verdict(
        code="lb-idle-reset",
        connection=scene.connection,
        exchanges=(scene.exchange.id,),
        fault="path",
        certainty=source.certainty,
        facts=f"Nothing had passed on the connection for {words.span(quiet)} when a reset came that answers "
        f"no packet{'' if crossed else ', while the request waited for its answer'}. {source.says}",
        evidence=_evidence(scene, close, source),
        runner_up="a time limit of the server's own: refuted, the reset does not look like its other packets",
        retry_safe=crossed or scene.idempotent,
        time_ns=scene.request.time_ns,
    )


def middlebox_injected_reset(scene: Scene) -> Verdict | None:
    """A verdict where the server's first act of closing is a RST with foreign marks."""
    close = _reset_after_request(scene)
    if close is None:
        return None
    source = origin.of_reset(scene.connection, close)
    if source.fault != "path":
        return None
    return Verdict(
        code="middlebox-injected-reset",
        connection=scene.connection,
        exchanges=(scene.exchange.id,),
        fault="path",
        certainty=source.certainty,
        facts=f"A reset ended the connection {words.span(close.time_ns - scene.request.last_ns)} after the "
        f"request{_stage(scene)}. {source.says}{_pause_words(scene)}",
        evidence=_evidence(scene, close, source),
        runner_up="a reset by the server: refuted, its own stack sends with one TTL, no sooner than a round "
        "trip allows, and nothing after a reset",
        retry_safe=scene.idempotent,
        time_ns=scene.request.time_ns,
    )


def half_open_connection(scene: Scene) -> Verdict | None:
    """A verdict where the first request after a pause met an end that did not know the connection."""
    close = _reset_after_request(scene)
    idle = scene.idle_ns
    if close is None or not _unknown_to_sender(scene, close) or idle is None or idle < AT_ONCE_NS:
        return None
    return Verdict(
        code="half-open-connection",
        connection=scene.connection,
        exchanges=(scene.exchange.id,),
        fault="unknown",
        certainty="likely",
        facts=f"After {words.span(idle)} of idleness the request was answered by a RST without ACK: whatever "
        f"ends TCP at {words.address(scene.connection)} did not know the connection any more, and had not "
        f"said so.{idle_words(scene)}",
        evidence=_evidence(scene, close, None),
        runner_up="nat-idle-reset: not excluded; the reset looks like the server's other packets and came no "
        "sooner, but a load balancer at the same place would look so too",
        retry_safe=True,
        time_ns=scene.request.time_ns,
    )


def _reset_after_request(scene: Scene) -> CloseEvent | None:
    close = scene.server_close
    if close is None or close.kind != "rst" or close.time_ns < scene.request.time_ns:
        return None
    return close


def _unknown_to_sender(scene: Scene, close: CloseEvent) -> bool:
    """Whether the reset answers the request as a packet of an unknown connection."""
    if not primitives.is_reactive(close) or scene.exchange.response is not None:
        return False
    acknowledged = primitives.last_ack(scene.connection, Side.SERVER, close)
    return acknowledged is None or acknowledged <= scene.request.start


def _stage(scene: Scene) -> str:
    return " before any response" if scene.exchange.response is None else " in the middle of the response"


def _pause_words(scene: Scene) -> str:
    """A NAT or firewall that forgets idle connections strikes at the first packet after a pause."""
    idle = scene.idle_ns
    if idle is None or idle < AT_ONCE_NS:
        return ""
    return f" The connection had been idle for {words.span(idle)} before the request."


def _evidence(scene: Scene, close: CloseEvent, source: origin.Origin | None) -> tuple[Evidence, ...]:
    number = f"Seq={words.number(close.seq)}" + (
        "" if close.ack is None else f", Ack={words.number(close.ack)}"
    )
    return (
        Evidence(scene.request.packet, f"the request, {words.run(scene.request)}"),
        Evidence(close.packet, f"{words.act(close)} in the server's name, {number}"),
        *(source.evidence if source is not None else ()),
    )
