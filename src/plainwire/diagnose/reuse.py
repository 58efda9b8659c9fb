"""Rules keepalive-idle-race and stale-connection-reuse: the server closed before it had any of the request.

Which of the two it is, the request's own segment tells: it acknowledges the server's close, or not.
Both are proved by acknowledgment numbers, wherever the packets were captured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.model import Evidence

from . import primitives, words
from .clock import AT_ONCE_NS, fits, said
from .verdict import Scene, Verdict, weaker

if TYPE_CHECKING:
    from plainwire.model import Certainty, CloseEvent

_SURELY_NOTICED_NS = 50_000_000
"""A busy machine keeps a program from running for tens of milliseconds between looking and sending."""

_SOON_NS = 200_000_000
"""A client that sends its next request within this time of a response was about to, when the close came."""

_LATE_ROUND_TRIPS = 2
_JITTER_NS = 20_000_000


def stale_connection_reuse(scene: Scene) -> Verdict | None:
    """A verdict where the client's stack had the close, and its program had time to notice."""
    close = _close_before_request(scene)
    if close is None:
        return None
    margin = scene.request.time_ns - close.time_ns
    seen = _client_had(scene, close)
    if seen is False or margin <= primitives.BLINDNESS_NS or _hardly_to_be_noticed(scene, close, margin):
        return None
    return Verdict(
        code="stale-connection-reuse",
        connection=scene.connection,
        exchanges=(scene.exchange.id,),
        fault="client",
        certainty="proved" if seen and margin > _SURELY_NOTICED_NS else "likely",
        facts=f"The server's {words.act(close)} had arrived {words.span(margin)} before the client sent its "
        f"request{_idle_words(scene, close)}.",
        evidence=_evidence(scene, close),
        runner_up=f"keepalive-idle-race: refuted, the close came {words.span(margin)} before the request"
        + (", which acknowledges it" if seen else ""),
        retry_safe=True,
        time_ns=scene.request.time_ns,
    )


def _hardly_to_be_noticed(scene: Scene, close: CloseEvent, margin: int) -> bool:
    """Whether the close came with a response after which the client went on at once.

    It may have looked at the connection before the close was there, and then been kept from sending; and
    clients that do look see only that something has come, a close_notify not being a FIN.
    """
    idle, rtt = _idle_ns(scene, close), primitives.shortest_rtt(scene.connection) or 0
    return idle is not None and idle < AT_ONCE_NS and margin < max(_SOON_NS, rtt)


def keepalive_idle_race(scene: Scene) -> Verdict | None:
    """A verdict where close and request crossed on the wire."""
    close = _close_before_request(scene)
    if close is None:
        return _race_in_the_kernel(scene)
    return Verdict(
        code="keepalive-idle-race",
        connection=scene.connection,
        exchanges=(scene.exchange.id,),
        fault="both",
        certainty=_race_certainty(scene, close),
        facts=_race_facts(scene, close),
        evidence=_evidence(scene, close),
        runner_up=f"{'reset' if close.kind == 'rst' else 'close'}-mid-request: refuted, the server's "
        f"{words.act(close)} acknowledges {words.number(close.ack or 0)}, the request begins at "
        f"{words.number(scene.request.start)}",
        retry_safe=True,
        advice_client=_client_advice(scene, close),
        time_ns=scene.request.time_ns,
    )


def _close_before_request(scene: Scene) -> CloseEvent | None:
    """The server's first close, where it acknowledges no byte of the request and no answer came."""
    close = scene.server_close
    if close is None or scene.exchange.response is not None:
        return None
    if close.ack is None or close.ack > scene.request.start:
        return None
    return close


def _client_had(scene: Scene, close: CloseEvent) -> bool | None:
    """Whether the client's stack had the close when it sent the request; None where no segment says."""
    ack = primitives.ack_at(scene.connection, scene.request.packet)
    return None if ack is None else ack > close.seq


def _race_certainty(scene: Scene, close: CloseEvent) -> Certainty:
    """Proved by the two acknowledgment numbers, unless the close is a bare RST or comes oddly late."""
    if close.kind == "rst":
        return "likely"
    certainty: Certainty = "proved"
    rtt = primitives.shortest_rtt(scene.connection)
    late = close.time_ns - scene.request.time_ns
    if rtt is not None and late > _LATE_ROUND_TRIPS * rtt + _JITTER_NS:
        certainty = weaker(certainty)
    return certainty


def _race_facts(scene: Scene, close: CloseEvent) -> str:
    margin = scene.request.time_ns - close.time_ns
    rtt = primitives.shortest_rtt(scene.connection)
    trip = "" if rtt is None else f" (one round trip is {words.span(rtt)})"
    if margin > 0:
        order = f"came only {words.span(margin)} before the request left, too little to notice"
    else:
        order = f"came {words.span(-margin)} after the request had left{trip}"
    return (
        f"The server's {words.act(close)} {order}, and acknowledges no byte of the request: the server had "
        f"closed before it could know of it{_idle_words(scene, close)}."
    )


def _idle_words(scene: Scene, close: CloseEvent) -> str:
    idle = _idle_ns(scene, close)
    if scene.previous is None:
        return "; the connection had carried no exchange yet"
    if idle is None:
        return ""
    if idle < AT_ONCE_NS:
        return f"; it closed {words.span(idle)} after its last response, without announcing it"
    known = scene.idle_timeout
    if known is not None and fits(known, idle):
        return f"; it had been idle for {words.span(idle)}, the server's idle timeout ({said(known)})"
    return f"; it had been idle for {words.span(idle)}"


def _idle_ns(scene: Scene, close: CloseEvent) -> int | None:
    if scene.previous is None:
        return None
    idle = close.time_ns - primitives.finished_ns(scene.previous)
    return idle if idle >= 0 else None


def _client_advice(scene: Scene, close: CloseEvent) -> str:
    idle, rtt = _idle_ns(scene, close), primitives.shortest_rtt(scene.connection)
    if idle is None or rtt is None or idle < AT_ONCE_NS or idle <= 4 * rtt:
        return ""
    limit = words.span((scene.idle_timeout.low_ns if scene.idle_timeout else idle) - 2 * rtt)
    return (
        f"Do not use a connection again that was idle for more than {limit}, and repeat such a request once "
        "on a new connection: the server did not receive it."
    )


def _race_in_the_kernel(scene: Scene) -> Verdict | None:
    """The server's stack took the request in while its program was closing for idleness.

    The close then acknowledges the request, in the very segment, at the very age of idleness at which
    this server closes its other connections. It only looks like close-mid-request.
    """
    close, known = scene.server_close, scene.idle_timeout
    if close is None or known is None or scene.previous is None or scene.exchange.response is not None:
        return None
    first = primitives.first_ack(scene.connection, close.side, scene.request.end)
    idle = close.time_ns - primitives.finished_ns(scene.previous)
    if first is None or first[0] != close.packet or not fits(known, idle):
        return None
    return Verdict(
        code="keepalive-idle-race",
        connection=scene.connection,
        exchanges=(scene.exchange.id,),
        fault="both",
        certainty="likely",
        facts=f"The request reached the server's stack in the moment of its {words.act(close)}, after "
        f"{words.span(idle)} of idleness, its idle timeout ({said(known)}).",
        evidence=_evidence(scene, close),
        runner_up="close-mid-request: the close does acknowledge the request, but in the same segment and "
        "just when the idle timer fires",
        retry_safe=scene.idempotent,
        time_ns=scene.request.time_ns,
    )


def _evidence(scene: Scene, close: CloseEvent) -> tuple[Evidence, ...]:
    found = []
    if scene.previous is not None and scene.previous.response is not None:
        found.append(
            Evidence(
                scene.previous.response.last_packet, "last byte of the previous response; idle from here"
            )
        )
    found.append(
        Evidence(close.packet, f"{words.act(close)} from the server, Ack={words.number(close.ack or 0)}")
    )
    seen = primitives.ack_at(scene.connection, scene.request.packet)
    said = "" if seen is None else f", Ack={words.number(seen)}: the close at {words.number(close.seq)} was "
    had = (
        ""
        if seen is None
        else "known to the client's stack"
        if seen > close.seq
        else "not known to the client"
    )
    found.append(Evidence(scene.request.packet, f"the request, {words.run(scene.request)}{said}{had}"))
    reset = primitives.reactive_reset(scene.connection, close)
    if reset is not None:
        says = (
            f"RST without ACK, Seq={words.number(reset.seq)}: the answer to a request for a closed connection"
        )
        found.append(Evidence(reset.packet, says))
    return tuple(found)
