"""Responses that began and did not end: how far they came, and how sure their end is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire import plurals
from plainwire.diagnose import wording
from plainwire.diagnose.evidence.cuts import cut_of
from plainwire.model import Evidence, Side

if TYPE_CHECKING:
    from plainwire.diagnose.verdict import FailedExchange
    from plainwire.model import CloseEvent, Response


def has_begun(response: Response) -> bool:
    """Whether an HTTP response began and did not end. Status 0: what came back was no HTTP."""
    return response.status > 0 and not response.complete


def progress_words(response: Response) -> str:
    """How much of the body had come."""
    if response.framing == "content-length" and response.declared_size is not None:
        declared = plurals.count(response.declared_size, "byte of the body")
        return f"{response.body_size} of the {declared} had come"
    if response.framing == "chunked":
        return f"{plurals.count(response.body_size, 'byte of the body')} had come, and no last chunk,"
    return f"{plurals.count(response.body_size, 'byte of the body')} had come, and no end of the message,"


def when_words(failed: FailedExchange) -> str:
    """How long after the last byte it was cut, and whether that is a limit of the whole response's time."""
    cut = cut_of(failed.connection, failed.exchange)
    if cut is None:
        return ""
    cuts = failed.traffic.silent_cuts[failed.connection.server]
    ages = cuts.same_age(cut)
    silence = f" That was {wording.span(cut.silence_ns)} after its last byte."
    alike = cuts.at_one_byte(cut)
    if alike:
        return (
            f"{silence} {alike} responses to such requests ended at this byte: they announce more than is "
            "written, or their writer fails there; a limit of idle connections may have ended them."
        )
    if not ages:
        return silence
    spread = f"{wording.span(min(ages))} to {wording.span(max(ages))}"
    return (
        f"{silence} {len(ages)} responses were cut the same time after their requests, {spread}: a limit "
        "of a response's time in all, perhaps."
    )


def advice_for_streams(response: Response) -> str:
    """What a client can do where neither a length nor a range helps; "" elsewhere."""
    if response.event_stream is None and response.declared_size is not None:
        return ""
    return (
        "Take the end of the connection before the last chunk, or without the stream's closing event, for an "
        "error; reconnect, with Last-Event-ID where events have ids, or retry the request if its method is "
        "idempotent."
    )


def response_evidence(response: Response, close: CloseEvent) -> tuple[Evidence, ...]:
    """The response as far as it came, and the close."""
    number = "" if close.ack is None else f", Ack={wording.number(close.ack)}"
    side = "server" if close.side == Side.SERVER else "client"
    begin = f"the response begins, status {response.status}"
    last = f"the last of the response, {plurals.count(response.body_size, 'byte of body')} so far"
    if response.packet == response.last_packet:
        begin, last = f"all of the response that came, status {response.status}", ""
    return (
        Evidence(response.packet, begin),
        *((Evidence(response.last_packet, last),) if last else ()),
        Evidence(close.packet, f"{wording.act(close)} from the {side}{number}"),
    )
