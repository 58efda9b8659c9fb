"""Rules close-mid-request and reset-mid-request: the server had the request and hung up without an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.model import Evidence, Side

from . import origin, primitives, words
from .verdict import Scene, Verdict

if TYPE_CHECKING:
    from plainwire.model import CloseEvent, Fault

_QUIET_UPLOAD_NS = 1_000_000_000


def close_mid_request(scene: Scene) -> Verdict | None:
    """A verdict where an orderly close (close_notify, alert, FIN) came with the request acknowledged."""
    close = scene.server_close
    if close is None or close.kind == "rst" or not _had_some(scene, close):
        return None
    whole = _had(scene, close) >= scene.request.end
    reset = primitives.reset_after(scene.connection, close)
    return Verdict(
        code="close-mid-request",
        connection=scene.connection,
        exchanges=(scene.exchange.id,),
        fault=_closing_fault(scene, close, whole=whole),
        certainty="proved" if whole else "likely",
        facts=f"{_arrival(scene, close)}. It closed ({words.act(close)}) without a byte of response"
        f"{_delay(scene, close)}.{_reset_words(close, reset)}{_defect_words(scene)}",
        evidence=(*_evidence(scene, close), *_reset_evidence(reset)),
        runner_up=_rival(scene, close),
        retry_safe=scene.idempotent,
        time_ns=scene.request.time_ns,
    )


def reset_mid_request(scene: Scene) -> Verdict | None:
    """A verdict where the server's first act of closing is a RST, with the request acknowledged."""
    close = scene.server_close
    if close is None or close.kind != "rst" or not _had_some(scene, close):
        return None
    whole = _had(scene, close) >= scene.request.end
    source = origin.of_reset(scene.connection, close)
    fault = _closing_fault(scene, close, whole=whole) if source.fault == "server" else source.fault
    return Verdict(
        code="reset-mid-request",
        connection=scene.connection,
        exchanges=(scene.exchange.id,),
        fault=fault,
        certainty=source.certainty if whole or source.certainty != "proved" else "likely",
        facts=f"{_arrival(scene, close)}. Then the connection was reset without a byte of response"
        f"{_delay(scene, close)}. {source.says}{_defect_words(scene)}",
        evidence=(*_evidence(scene, close), *source.evidence),
        runner_up=_rival(scene, close),
        retry_safe=scene.idempotent,
        time_ns=scene.request.time_ns,
    )


def _reset_words(close: CloseEvent, reset: CloseEvent | None) -> str:
    """Programs report whichever of the two they notice: the exception's text is no guide."""
    if reset is None:
        return ""
    later = words.span(reset.time_ns - close.time_ns)
    return f" A reset followed {later} later, which the program may report in its place."


def _reset_evidence(reset: CloseEvent | None) -> tuple[Evidence, ...]:
    return () if reset is None else (Evidence(reset.packet, f"{words.act(reset)} from the server"),)


def _had(scene: Scene, close: CloseEvent) -> int:
    """The offset up to which the server's stack had the client's bytes when it closed."""
    if close.ack is not None:
        return close.ack
    return primitives.last_ack(scene.connection, Side.SERVER, close) or 0


def _had_some(scene: Scene, close: CloseEvent) -> bool:
    return scene.exchange.response is None and _had(scene, close) > scene.request.start


def _arrival(scene: Scene, close: CloseEvent) -> str:
    had, request = _had(scene, close), scene.request
    if had >= request.end:
        return (
            f"The server had acknowledged the whole request ({words.run(request)}, Ack={words.number(had)})"
        )
    part = had - request.start
    return (
        f"The server had received only the first {part} of {request.end - request.start} bytes of the request"
    )


def _upload_fault(scene: Scene, close: CloseEvent) -> Fault:
    """Who is at fault where part of the request was missing: nobody, if the client had stopped sending."""
    return "unknown" if close.time_ns - scene.request.last_ns > _QUIET_UPLOAD_NS else "server"


def _closing_fault(scene: Scene, close: CloseEvent, *, whole: bool) -> Fault:
    """An alert is a complaint about the peer, except internal_error (RFC 8446 section 6.2).

    A server may refuse to answer what is no proper request.
    """
    if close.kind == "alert":
        return "server" if "internal_error" in close.detail else "unknown"
    if scene.request.defects:
        return "unknown"
    return "server" if whole else _upload_fault(scene, close)


def _defect_words(scene: Scene) -> str:
    if not scene.request.defects:
        return ""
    return " The request breaks the rules of HTTP (plainwire show tells how): that may be why."


def _delay(scene: Scene, close: CloseEvent) -> str:
    acknowledged = primitives.first_ack(scene.connection, Side.SERVER, scene.request.end)
    if acknowledged is None or acknowledged[1] > close.time_ns:
        return ""
    if acknowledged[0] == close.packet:
        delay = close.time_ns - scene.request.last_ns
        return f", {words.span(delay)} after the request left" if delay >= 0 else ""
    return f", {words.span(close.time_ns - acknowledged[1])} after acknowledging it"


def _rival(scene: Scene, close: CloseEvent) -> str:
    begin = words.number(scene.request.start)
    had = words.number(_had(scene, close))
    return (
        f"keepalive-idle-race: refuted, the server had received up to {had} and the request begins at {begin}"
    )


def _evidence(scene: Scene, close: CloseEvent) -> tuple[Evidence, ...]:
    request = scene.request
    found = [Evidence(request.packet, f"the request, {words.run(request)}")]
    if request.last_packet != request.packet:
        found.append(Evidence(request.last_packet, "the last byte of the request"))
    acknowledged = primitives.first_ack(scene.connection, Side.SERVER, request.end)
    if acknowledged is not None and acknowledged[0] != close.packet and acknowledged[1] <= close.time_ns:
        found.append(
            Evidence(
                acknowledged[0], f"the server acknowledges all of it (Ack >= {words.number(request.end)})"
            )
        )
    number = "" if close.ack is None else f", Ack={words.number(close.ack)}"
    found.append(
        Evidence(close.packet, f"{words.act(close)} from the server{number}; no response byte before it")
    )
    return tuple(found)
