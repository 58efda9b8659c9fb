"""Rules h2-malformed-response and h2-header-compression-desync: the client says that the server broke a rule.

RST_STREAM, GOAWAY or CONNECTION_CLOSE of the client with a code that accuses the server. It ends the exchange
on the client's side, and looks like a client that gave up; but whoever is to look is the server, or whatever
wrote the response. What of the response breaks a rule is read here again, from the packets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from plainwire import plurals
from plainwire.diagnose import wording
from plainwire.diagnose.evidence.exchanges import BODILESS, ERROR_STATUS
from plainwire.diagnose.evidence.limits_announced import limits_announced
from plainwire.diagnose.evidence.stream_errors import GRPC_LIMIT, GRPC_MESSAGE
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import quoted, quoted_defects, stream_name, stream_verdict
from plainwire.model import Evidence, Side

from .goaway import beyond, frame_words, goaways, limit_words
from .h2_malformed_response import ENDED_EARLY
from .reset_family import reset_family

if TYPE_CHECKING:
    from plainwire.diagnose.verdict import FailedExchange, Verdict
    from plainwire.model import Fault, Response, StreamEvent

_OF_COMPRESSION = frozenset(("COMPRESSION_ERROR", "QPACK_DECOMPRESSION_FAILED", "QPACK_ENCODER_STREAM_ERROR"))
_UNDECODABLE = ("RFC 7541", "RFC 9204")
"""Stands in every defect of a header block's coding."""

_NO_CONTENT = 204
"""RFC 9110 section 15.3.5."""

_STRICT = (
    "Nothing to fix on the client: it may not take such a response (RFC 9113 section 8.1.1). Over HTTP/1.1 "
    "many clients are less strict: that helps until the server is fixed."
)
_CORRECT = (
    "Correct the field or frame that breaks the rule (the details quote it) where it is made: in the "
    "application, or in a proxy that passes fields of HTTP/1.1 on."
)
_HARMLESS = frozenset(("", "NO_ERROR", "H3_NO_ERROR"))
_GRPC_FIELDS = 8192
"""Bytes: the soft limit of metadata in gRPC's core; Java's limit is the same (GRPC_ARG_MAX_METADATA_SIZE)."""
_OVERHEAD = 32
"""What each field counts beside its text (RFC 9113 section 10.5.1)."""


def response_refused_by_client(failed: FailedExchange) -> Verdict | None:
    """A verdict where the client refused the response, or the connection, with an error code of its own."""
    event = failed.traffic.complaints(failed.connection).get(failed.exchange.id)
    response = failed.exchange.response
    reset = failed.exchange.reset
    if event is None or response is None or _is_error(failed, response):
        return None
    if reset is not None and reset.side == Side.SERVER and reset.time_ns <= event.time_ns:
        return None  # the server had given the stream up before
    if (
        not response.defects
        and response.complete
        and response.declared_size not in (None, response.body_size)
        and response.status not in BODILESS
    ):
        return None  # the size is what is wrong, and has words of its own
    return _by_code(failed, response, event)


def _is_error(failed: FailedExchange, response: Response) -> bool:
    """Whether a client of gRPC was answered by something else with a whole error page, which it refuses."""
    return (
        failed.exchange.outcome == "complete"
        and failed.exchange.grpc is not None
        and failed.exchange.grpc.status is None
        and response.status >= ERROR_STATUS
        and not response.defects
    )


def _by_code(failed: FailedExchange, response: Response, event: StreamEvent) -> Verdict:
    if event.name in _OF_COMPRESSION:
        return _undecodable(failed, response, event)
    if event.name == GRPC_LIMIT:
        return _too_large(failed, response, event)
    if not response.defects and (above := _above_announced(failed, response)):
        return _refused_for_size(failed, response, event, above)
    promise = _promise(failed, response, event)
    return _broken(failed, response, event) if promise is None else _left(failed, response, event, promise)


def _promise(failed: FailedExchange, response: Response, event: StreamEvent) -> StreamEvent | None:
    """The server's GOAWAY without an error that had left the refused stream in."""
    if response.defects or event.kind != "goaway":
        return None
    before = [e for e in goaways(failed) if e.time_ns <= event.time_ns]
    return before[-1] if before and before[-1].name in _HARMLESS and not beyond(failed, before[-1]) else None


def _left(failed: FailedExchange, response: Response, event: StreamEvent, promise: StreamEvent) -> Verdict:
    """A client for which a GOAWAY ends the connection takes what comes behind it for an error."""
    before = wording.span(event.time_ns - promise.time_ns)
    why = (
        f" The server's {frame_words(promise)}, {before} before, had announced the end of the connection, "
        f"and counted this stream among those that it would still answer: {limit_words(failed, promise)}. "
        "No defect shows in the response: the client refuses what it should go on to read (RFC 9113 section "
        "6.8)."
    )
    verdict = _verdict(failed, "client-abort", event, response, "client", why)
    said = Evidence(promise.packet, f"{frame_words(promise)} from the server, {limit_words(failed, promise)}")
    rival = "a response that breaks a rule, as the client's code says: no defect shows here"
    return replace(verdict, evidence=(*verdict.evidence, said), runner_up=rival)


def _above_announced(failed: FailedExchange, response: Response) -> tuple[int, int, StreamEvent] | None:
    """The largest header block, where it is above what the client's SETTINGS allow (RFC 9113, 6.5.2)."""
    size = max(
        sum(len(name) + len(text) + _OVERHEAD for name, text in block)
        for block in (response.headers, response.trailers)
    )
    settings = failed.traffic.events(failed.connection, "settings")
    for event, limit in limits_announced(settings, Side.CLIENT, "MAX_HEADER_LIST_SIZE"):
        if limit < size:
            return size, limit, event
    return None


def _refused_for_size(
    failed: FailedExchange, response: Response, event: StreamEvent, above: tuple[int, int, StreamEvent]
) -> Verdict:
    size, limit, settings = above
    why = (
        f" Header fields or trailers of the response come to {plurals.count(size, 'byte')}, and the client "
        f"had said that it takes no more than {plurals.count(limit, 'byte')} (SETTINGS_MAX_HEADER_LIST_SIZE)."
    )
    verdict = _verdict(failed, "client-abort", event, response, "both", why)
    said = Evidence(settings.packet, "the client's SETTINGS, with its limit")
    rival = (
        "a response that breaks a rule, as the client's code says: its size is what the client does not take"
    )
    return replace(verdict, evidence=(*verdict.evidence, said), runner_up=rival)


def _too_large(failed: FailedExchange, response: Response, event: StreamEvent) -> Verdict:
    grpc = failed.exchange.grpc
    largest = 0 if grpc is None else grpc.largest[Side.SERVER]
    fields = [len(name) + len(text) + _OVERHEAD for name, text in (*response.headers, *response.trailers)]
    why = " By this code gRPC's libraries end a call of which they say RESOURCE_EXHAUSTED themselves: "
    if largest > GRPC_MESSAGE:
        why += (
            f"the response's largest message has {plurals.count(largest, 'byte')}, and a client takes no "
            f"more than {GRPC_MESSAGE} (4 MB) unless it is told to."
        )
    elif sum(fields) > _GRPC_FIELDS:
        why += (
            f"the response's header fields and trailers come to {plurals.count(sum(fields), 'byte')}, the "
            f"largest to {max(fields)}, and a client takes no more than {_GRPC_FIELDS} to {2 * _GRPC_FIELDS} "
            "unless it is told to."
        )
    else:
        why += "the response is above a limit that the client has set."
    verdict = _verdict(failed, "client-abort", event, response, "both", why)
    rival = "a client that gave up after a time: refuted, its code names a limit"
    return replace(verdict, runner_up=rival, retry_safe=None)


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
        short = response.complete and response.body_size < (response.declared_size or 0)
        if short:
            why += (
                f" It ended (END_STREAM) after {response.body_size} of the {response.declared_size} bytes "
                "that it had announced."
            )
        verdict = _verdict(failed, "h2-malformed-response", event, response, "server", why)
        return replace(verdict, advice_client=_STRICT, advice_server=ENDED_EARLY if short else _CORRECT)
    if response.status == _NO_CONTENT and response.declared_size is not None:
        why = " A response with status 204 must not have a content-length (RFC 9110 section 8.6)."
        verdict = _verdict(failed, "h2-malformed-response", event, response, "server", why)
        return replace(verdict, advice_server="Leave content-length out of responses with status 204.")
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
    reason = quoted(event.packet, "the client's reason", event.said)
    return replace(verdict, quotes=(*quoted_defects(response), *reason))
