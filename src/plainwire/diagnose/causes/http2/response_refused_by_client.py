"""Rules h2-malformed-response and h2-header-compression-desync: the client says that the server broke a rule.

RST_STREAM, GOAWAY or CONNECTION_CLOSE of the client with a code that accuses the server. It ends the exchange
on the client's side, and looks like a client that gave up; but whoever is to look is the server, or whatever
wrote the response. What of the response breaks a rule is read here again, from the packets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from plainwire import plurals
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import stream_name, stream_verdict
from plainwire.model import Evidence, Quoted, Side

from .goaway import frame_words
from .reset_family import reset_family

if TYPE_CHECKING:
    from plainwire.diagnose.verdict import FailedExchange, Verdict
    from plainwire.model import Fault, Response, StreamEvent

_OF_COMPRESSION = frozenset(("COMPRESSION_ERROR", "QPACK_DECOMPRESSION_FAILED", "QPACK_ENCODER_STREAM_ERROR"))
_UNDECODABLE = ("RFC 7541", "RFC 9204")
"""Stands in every defect of a header block's coding."""

_MOST_QUOTED = 3


def response_refused_by_client(failed: FailedExchange) -> Verdict | None:
    """A verdict where the client refused the response, or the connection, with an error code of its own."""
    event = failed.traffic.complaints(failed.connection).get(failed.exchange.id)
    response = failed.exchange.response
    reset = failed.exchange.reset
    if event is None or response is None:
        return None
    if reset is not None and reset.side == Side.SERVER and reset.time_ns <= event.time_ns:
        return None  # the server had given the stream up before
    if (
        not response.defects
        and response.complete
        and response.declared_size not in (None, response.body_size)
    ):
        return None  # the size is what is wrong, and has words of its own
    return (
        _undecodable(failed, response, event)
        if event.name in _OF_COMPRESSION
        else _broken(failed, response, event)
    )


def _undecodable(failed: FailedExchange, response: Response, event: StreamEvent) -> Verdict:
    here = any(mark in defect for mark in _UNDECODABLE for defect in response.defects)
    why = (
        " Its header block cannot be decoded here either: the server's encoder wrote it wrongly."
        if here
        else " Here the header blocks do decode: either the capture lacks something, or the client errs."
    )
    return _verdict(
        failed, "h2-header-compression-desync", event, response, "server" if here else "unknown", why
    )


def _broken(failed: FailedExchange, response: Response, event: StreamEvent) -> Verdict:
    if response.defects:
        count = len(response.defects)
        why = f" The response does break the rules of HTTP, in {plurals.count(count, 'way')}."
        return _verdict(failed, "h2-malformed-response", event, response, "server", why)
    said = reset_family(failed).said(event.name, event.side)
    why = " The client says that the server broke a rule"
    why += f": {said.means}." if said is not None else "."
    if event.name == "FRAME_SIZE_ERROR":
        why += (
            " A frame may have as many bytes as the receiver's SETTINGS_MAX_FRAME_SIZE allows, 16,384 unless "
            "it says otherwise."
        )
        return _verdict(failed, "h2-malformed-response", event, response, "server", why)
    return _verdict(
        failed, "h2-malformed-response", event, response, "unknown", why + " No defect shows here."
    )


def _verdict(
    failed: FailedExchange, code: str, event: StreamEvent, response: Response, fault: Fault, why: str
) -> Verdict:
    whole = "the response" if failed.exchange.outcome == "complete" else "what had come of the response"
    verdict = stream_verdict(
        failed,
        code,
        fault,
        (Ground.SAID,) if response.defects else (Ground.SAID, Ground.INFERENCE),
        f"The client refused {whole} on {stream_name(failed)} with {frame_words(event)}.{why}",
        Evidence(response.packet, "the response begins"),
        Evidence(event.packet, f"{frame_words(event)} from the client"),
        retry_safe=failed.idempotent,
        runner_up="a client that gave up: refuted, its code accuses the server",
    )
    wrong = [
        Quoted(response.packet, "what is wrong with it", text) for text in response.defects[:_MOST_QUOTED]
    ]
    reason = [Quoted(event.packet, "the client's reason", event.said)] if event.said else []
    return replace(verdict, quotes=(*wrong, *reason))
