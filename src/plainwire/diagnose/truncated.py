"""Rules about responses that began and did not end, by their framing or by their content."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.model import Evidence, Side

from . import origin, primitives, words
from .verdict import Scene, Verdict, weaker

if TYPE_CHECKING:
    from plainwire.model import Certainty, CloseEvent, Response


def reset_mid_response(scene: Scene) -> Verdict | None:
    """A verdict where a RST ended an incomplete response."""
    response, close = scene.exchange.response, scene.server_close
    if response is None or not _begun(response) or close is None or close.kind != "rst":
        return None
    source = origin.of_reset(scene.connection, close)
    missing = primitives.missing_before(scene.connection, close)
    lost = (
        f" {missing} bytes that came before the reset never reached the place of the capture."
        if missing
        else ""
    )
    return Verdict(
        code="reset-mid-response",
        connection=scene.connection,
        exchanges=(scene.exchange.id,),
        fault=source.fault,
        certainty=weaker(source.certainty) if missing else source.certainty,
        facts=f"{_progress(response)} when the connection was reset.{lost} {source.says}",
        evidence=(*_evidence(response, close), *source.evidence),
        runner_up="client-abort: refuted, no close from the client came before",
        retry_safe=scene.idempotent,
        time_ns=scene.request.time_ns,
    )


def response_truncated(scene: Scene) -> Verdict | None:
    """A verdict where an orderly close ended a response whose framing says that more was to come.

    A body that ends with the connection has no such framing: its end by FIN is no proof (RFC 9112
    section 9.8), and nobody is accused.
    """
    response, close = scene.exchange.response, scene.server_close
    if response is None or not _begun(response) or close is None or close.kind == "rst":
        return None
    if response.framing == "close":
        return None
    return Verdict(
        code="response-truncated",
        connection=scene.connection,
        exchanges=(scene.exchange.id,),
        fault="server",
        certainty=_certainty(scene, close),
        facts=f"{_progress(response)} when the server closed the connection ({words.act(close)}).",
        evidence=_evidence(response, close),
        runner_up="client-abort: refuted, no close from the client came before",
        retry_safe=scene.idempotent,
        time_ns=scene.request.time_ns,
    )


def truncated_eof_delimited(scene: Scene) -> Verdict | None:
    """A verdict where a body that ends with the connection was cut, or nobody can tell whether it was.

    A content coding (gzip and the like) shows that it was cut. Without one, and without a close_notify
    before the FIN, the message is not complete by RFC 9112 section 9.8, though every client takes it so:
    that is no failure that could be seen, and nothing more than possible.
    """
    response, close = scene.exchange.response, scene.server_close
    if response is None or response.framing != "close" or close is None or close.kind == "rst":
        return None
    if close.time_ns < response.last_ns:
        return None
    cut = response.content is not None and response.content.cut
    vouched = close.kind != "fin" or scene.connection.tls is None or not scene.connection.decrypted
    whole = response.content is not None and response.content.complete
    if not cut and (vouched or whole or not response.body_size):
        return None
    return Verdict(
        code="truncated-eof-delimited",
        connection=scene.connection,
        exchanges=(scene.exchange.id,),
        fault="server",
        certainty=_certainty(scene, close) if cut else "possible",
        facts=f"The body has no length and ends with the connection ({words.act(close)}), after "
        f"{response.body_size} bytes"
        + ("; its content coding says that more was to come." if cut else ".")
        + ("" if vouched else " No close_notify vouches for that end, and most clients report success.")
        + ("" if cut else " Whether all of it came, nobody can tell."),
        evidence=_evidence(response, close),
        runner_up="client-abort: refuted, no close from the client came before",
        retry_safe=scene.idempotent,
        time_ns=scene.request.time_ns,
        failure=cut,
    )


def _begun(response: Response) -> bool:
    """Whether an HTTP response began and did not end. Status 0: what came back was no HTTP."""
    return response.status > 0 and not response.complete


def _certainty(scene: Scene, close: CloseEvent) -> Certainty:
    """An alert is authenticated; a FIN is bare TCP, unless nothing sits between the two ends."""
    if close.kind in ("close_notify", "alert") and scene.connection.tls is not None:
        return "proved"
    return "proved" if primitives.on_one_host(scene.connection) else "likely"


def _progress(response: Response) -> str:
    if response.framing == "content-length" and response.declared_size is not None:
        return f"{response.body_size} of the {response.declared_size} bytes of the body had come"
    if response.framing == "chunked":
        return f"{response.body_size} bytes of the body had come, and no last chunk,"
    return f"{response.body_size} bytes of the body had come, and no end of the message,"


def _evidence(response: Response, close: CloseEvent) -> tuple[Evidence, ...]:
    number = "" if close.ack is None else f", Ack={words.number(close.ack)}"
    side = "server" if close.side == Side.SERVER else "client"
    begin = f"the response begins, status {response.status}"
    last = f"the last of the response, {response.body_size} bytes of body so far"
    if response.packet == response.last_packet:
        begin, last = f"all of the response that came, status {response.status}", ""
    return (
        Evidence(response.packet, begin),
        *((Evidence(response.last_packet, last),) if last else ()),
        Evidence(close.packet, f"{words.act(close)} from the {side}{number}"),
    )
