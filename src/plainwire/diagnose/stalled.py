"""Rules for streams that broke the rules of HTTP/2 and HTTP/3, or that nothing moved any more.

They come before those about who gave a stream up: a client that cancels a stream because its response
contradicts itself, or because nothing comes any more, is not the cause.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.arrays import distinct, np
from plainwire.model import Evidence, Side

from . import words
from .stream_scene import stage, stream_name, stream_verdict

if TYPE_CHECKING:
    from plainwire.model import Response, StreamEvent

    from .verdict import Scene, Verdict

_BODILESS = frozenset((204, 304))
_LONG_ENOUGH_NS = 1_000_000_000
"""A stall of a second is no accident of timing; a lost segment has been repeated by then (RFC 6298)."""

_EXHAUSTED, _NEVER = "window exhausted", "never opened again"


def h2_malformed_response(scene: Scene) -> Verdict | None:
    """A verdict where the response ended with another size than it had announced (RFC 9113 section 8.1.1)."""
    response = scene.exchange.response
    if response is None or not response.complete or not _contradicts(scene, response):
        return None
    return stream_verdict(
        scene,
        "h2-malformed-response",
        "server",
        "proved",
        f"The response on {stream_name(scene)} announced {response.declared_size} bytes (content-length) and "
        f"ended after {response.body_size}.",
        Evidence(response.packet, f"the response begins, with a content-length of {response.declared_size}"),
        Evidence(response.last_packet, f"it ends (END_STREAM) after {response.body_size} bytes"),
        retry_safe=scene.idempotent,
        runner_up="bytes that the capture lacks: refuted, the stream's frames are all there",
    )


def _contradicts(scene: Scene, response: Response) -> bool:
    if response.declared_size is None or response.declared_size == response.body_size:
        return False
    bodiless = scene.request.method == "HEAD" or response.status in _BODILESS
    return not (bodiless or scene.connection.gaps or any("not in the capture" in d for d in response.defects))


def h2_flow_control_stall(scene: Scene) -> Verdict | None:
    """A verdict where a sender had used its window up and was never given more (RFC 9113 section 5.2)."""
    if scene.exchange.protocol == "h3":
        return None
    stalled = next((e for e in scene.connection.events if _holds(scene, e)), None)
    if stalled is None:
        return None
    sender = stalled.side
    waited = _end_ns(scene) - stalled.time_ns
    if waited < _LONG_ENOUGH_NS:
        return None
    sent, asked = ("server", "client") if sender == Side.SERVER else ("client", "server")
    which = "the connection" if stalled.stream is None else stream_name(scene)
    return stream_verdict(
        scene,
        "h2-flow-control-stall",
        "client" if sender == Side.SERVER else "server",
        "proved",
        f"The {sent} had sent all that the window of {which} allowed, and the {asked} gave it no more "
        f"(WINDOW_UPDATE) for {words.span(waited)}, to the end.",
        Evidence(stalled.packet, f"DATA from the {sent} that uses up the window of {which}"),
        retry_safe=scene.idempotent,
        runner_up=f"a {sent} that had nothing to send: refuted, its stream had not ended and its "
        f"window was 0",
    )


def _holds(scene: Scene, event: StreamEvent) -> bool:
    """Whether the event is about a window that kept this exchange from going on until it was over."""
    if event.kind != _EXHAUSTED or _NEVER not in event.detail:
        return False
    if event.stream not in (None, scene.exchange.stream):
        return False
    response = scene.exchange.response
    if event.side == Side.SERVER:
        return response is not None and not response.complete and event.time_ns >= response.time_ns
    return not scene.request.complete and event.time_ns >= scene.request.time_ns


def _end_ns(scene: Scene) -> int:
    """When the exchange was given up: by a reset of its stream, else by the end of the connection."""
    reset = scene.exchange.reset
    if reset is not None:
        return reset.time_ns
    closes = scene.connection.closes
    return closes[0].time_ns if closes else scene.connection.last_ns


def h2_dead_connection(scene: Scene) -> Verdict | None:
    """A verdict where not one packet of the server's came any more, though ours were sent again."""
    segments = scene.connection.segments
    if segments is None or scene.exchange.protocol == "h3" or scene.exchange.response is not None:
        return None
    since = scene.request.time_ns
    if ((segments.side == Side.SERVER) & (segments.time_ns > since)).any():
        return None
    ours = np.flatnonzero(
        (segments.side == Side.CLIENT) & (segments.time_ns >= since) & (segments.length > 0)
    )
    if len(ours) < 2:
        return None
    seqs = segments.seq[ours]
    repeated = len(ours) - len(distinct(seqs))
    lasted = int(segments.time_ns[ours[-1]]) - since
    if not repeated or lasted < _LONG_ENOUGH_NS // 2:
        return None
    heard = np.flatnonzero(segments.side == Side.SERVER)
    before = (
        ()
        if not len(heard)
        else (Evidence(int(segments.number[heard[-1]]), "the last packet that came from the server"),)
    )
    return stream_verdict(
        scene,
        "h2-dead-connection",
        "unknown",
        "likely",
        f"After the request on {stream_name(scene)} no packet came from the server any more, not even an "
        f"acknowledgment, while the client sent {repeated} of its segments again in {words.span(lasted)}. "
        "Which end or which part of the path is dead cannot be told from here.",
        *before,
        Evidence(int(segments.number[ours[-1]]), "the client's data again, not acknowledged"),
        retry_safe=scene.idempotent,
        runner_up="a server that is slow to answer: refuted, its host would have acknowledged the request",
    )


def quic_idle_timeout_reuse(scene: Scene) -> Verdict | None:
    """A verdict where the request left after the idle timeout that both agreed on (RFC 9000, 10.1)."""
    quic, idle = scene.connection.quic, scene.exchange.idle_before_ns
    if quic is None or quic.idle_timeout_ns is None or idle is None or scene.exchange.response is not None:
        return None
    if idle <= quic.idle_timeout_ns:
        return None
    return stream_verdict(
        scene,
        "quic-idle-timeout-reuse",
        "client",
        "likely",
        f"The request left after {words.span(idle)} of idleness; both ends had agreed to forget the "
        f"connection "
        f"after {words.span(quic.idle_timeout_ns)}. The exchange got no answer, "
        f"{stage(scene, scene.connection.last_ns)}.",
        retry_safe=scene.idempotent,
        runner_up="a path that lost the request: less likely, the agreed time had passed",
    )


def quic_nat_rebinding(scene: Scene) -> Verdict | None:
    """A verdict where the client's packets came from another address, and got no answer from then on.

    Only a capture behind the NAT, as a rule at the server, shows the change. A client that moves on purpose
    (RFC 9000 section 9) looks the same.
    """
    quic, exchange = scene.connection.quic, scene.exchange
    if quic is None or exchange.response is not None:
        return None
    moves = [e for e in scene.connection.events if e.kind == "migration" and e.side == Side.CLIENT]
    moved = next((e for e in reversed(moves) if e.packet <= scene.request.last_packet), None)
    if moved is None or any(time_ns > moved.time_ns for time_ns, *_ in quic.acknowledged[Side.SERVER]):
        return None
    quiet = words.span(_end_ns(scene) - moved.time_ns)
    return stream_verdict(
        scene,
        "quic-nat-rebinding",
        "path",
        "likely",
        f"With packet {moved.packet} the client's address changed ({len(quic.paths)} addresses in all), as "
        "when a NAT has forgotten the connection. The server acknowledged nothing that came from the new "
        f"one, for {quiet}: it did not take the new path.",
        Evidence(moved.packet, "the first packet from the client's new address"),
        retry_safe=scene.idempotent,
        runner_up="a path that went dead at the same moment: its next packets would not be here either",
    )
