"""Responses that began and did not end: how far they came, and how sure their end is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.evidence.ends import on_one_host
from plainwire.model import Evidence, Side

if TYPE_CHECKING:
    from plainwire.diagnose.verdict import FailedExchange
    from plainwire.model import Certainty, CloseEvent, Response


def has_begun(response: Response) -> bool:
    """Whether an HTTP response began and did not end. Status 0: what came back was no HTTP."""
    return response.status > 0 and not response.complete


def certainty_of_end(failed: FailedExchange, close: CloseEvent) -> Certainty:
    """An alert is authenticated; a FIN is bare TCP, unless nothing sits between the two ends."""
    if close.kind in ("close_notify", "alert") and failed.connection.tls is not None:
        return "proved"
    return "proved" if on_one_host(failed.connection) else "likely"


def progress_words(response: Response) -> str:
    """How much of the body had come."""
    if response.framing == "content-length" and response.declared_size is not None:
        return f"{response.body_size} of the {response.declared_size} bytes of the body had come"
    if response.framing == "chunked":
        return f"{response.body_size} bytes of the body had come, and no last chunk,"
    return f"{response.body_size} bytes of the body had come, and no end of the message,"


def response_evidence(response: Response, close: CloseEvent) -> tuple[Evidence, ...]:
    """The response as far as it came, and the close."""
    number = "" if close.ack is None else f", Ack={wording.number(close.ack)}"
    side = "server" if close.side == Side.SERVER else "client"
    begin = f"the response begins, status {response.status}"
    last = f"the last of the response, {response.body_size} bytes of body so far"
    if response.packet == response.last_packet:
        begin, last = f"all of the response that came, status {response.status}", ""
    return (
        Evidence(response.packet, begin),
        *((Evidence(response.last_packet, last),) if last else ()),
        Evidence(close.packet, f"{wording.act(close)} from the {side}{number}"),
    )
