"""Rule client-abort: the client's side ended the connection first."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from plainwire import plurals
from plainwire.diagnose import wording
from plainwire.diagnose.evidence.acknowledgments import first_ack, last_ack
from plainwire.diagnose.evidence.captured import is_damaged
from plainwire.diagnose.evidence.closes import client_first, is_reactive
from plainwire.diagnose.evidence.exchanges import SUCCESS
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.thresholds import PATIENCE_NS
from plainwire.diagnose.traffic.copies import value
from plainwire.diagnose.traffic.given_up import last_heard_ns
from plainwire.diagnose.verdict import Verdict, one_decision
from plainwire.model import Evidence, Side

if TYPE_CHECKING:
    from plainwire.diagnose.grounds import Grounds
    from plainwire.diagnose.verdict import FailedExchange
    from plainwire.model import CloseEvent, Fault, Response


_OK, _PARTIAL = 200, 206
"""RFC 9110 sections 15.3.1 and 15.3.7."""
_ASKED = re.compile(r"\s*bytes\s*=\s*(\d{1,18})\s*-")
_GIVEN = re.compile(r"\s*bytes\s+(\d{1,18})\s*-")


def client_abort(failed: FailedExchange) -> Verdict | None:
    """A verdict where the client's close came while the exchange was open, ahead of any from the server."""
    close = client_first(failed.connection)
    if close is None or close.time_ns < failed.request.time_ns:
        return None
    waited = close.time_ns - failed.request.last_ns
    stage, fault, safe = _stage(failed, close, waited)
    together = one_decision(failed)
    return Verdict(
        code="client-abort",
        connection=failed.connection,
        exchanges=(failed.exchange.id,),
        fault="client" if together else fault,
        grounds=_grounds(failed, close),
        facts=f"The client's side ended the connection ({wording.act(close)}) {stage}, before any close from "
        f"the server.{_late_words(failed, close)}{_range_words(failed)}{together}",
        evidence=_evidence(failed, close),
        runner_up=_rival(failed, close),
        retry_safe=safe,
        time_ns=failed.request.time_ns,
    )


def upload_abandoned(failed: FailedExchange) -> Verdict | None:
    """A verdict where the client has a whole success, and left before it had sent what it had declared.

    A server may answer early (RFC 9112 section 9.3), and a client stop then. But a success to a part of the
    body is one for what the server took for the whole, or for what it did not look at.
    """
    request, response = failed.request, failed.exchange.response
    close = client_first(failed.connection)
    if (
        close is None
        or response is None
        or request.complete
        or is_damaged(failed.connection, failed.exchange)
    ):
        return None
    if response.status not in SUCCESS or not response.complete or close.time_ns < response.last_ns:
        return None
    if request.declared_size is None and request.framing != "chunked":
        return None
    if not request.body_size and value(request, "expect") is not None:
        return None  # it had asked whether to send it, and was answered (RFC 9110 section 10.1.1)
    sent = _sent_words(failed) or " (the last chunk had not left)"
    return Verdict(
        code="client-abort",
        connection=failed.connection,
        exchanges=(failed.exchange.id,),
        fault="client",
        grounds=(Ground.NUMBERS, Ground.INFERENCE),
        facts=f"The client's side ended the connection ({wording.act(close)}) in the middle of sending the "
        f"request{sent}, {wording.span(close.time_ns - response.last_ns)} after a complete response (status "
        f"{response.status}): whatever the server did, it did with a part.",
        evidence=(
            Evidence(request.packet, "the request begins"),
            Evidence(response.packet, f"the response, status {response.status}"),
            Evidence(close.packet, f"{wording.act(close)} from the client"),
        ),
        runner_up="a server that refuses the rest: refuted, it said that all is well and did not close",
        advice_client="Do not take an answer that comes before the body has left for a success of all of it: "
        "send the rest, or ask again.",
        advice_server="Read the whole body before saying that all went well.",
        retry_safe=failed.idempotent,
        time_ns=request.time_ns,
    )


def _sent_words(failed: FailedExchange) -> str:
    """How much of its body had left: libraries end a connection over a length that does not come true."""
    request = failed.request
    if request.declared_size is None or request.body_size >= request.declared_size:
        return ""
    declared = plurals.count(request.declared_size, "byte")
    return f" ({request.body_size} of the {declared} of its body that it had declared)"


def _stage(failed: FailedExchange, close: CloseEvent, waited: int) -> tuple[str, Fault, bool | None]:
    """How far the exchange had come, whose fault that makes it, and whether a retry is safe."""
    if not failed.request.complete:
        return f"in the middle of sending the request{_sent_words(failed)}", "client", failed.idempotent
    response = failed.exchange.response
    if response is not None:
        return (*_stage_of_response(failed, response, close), failed.idempotent)
    acknowledged = last_ack(failed.connection, Side.SERVER, close)
    says = f"{wording.span(waited)} after the request"
    if acknowledged is not None and acknowledged < failed.request.end:
        says += ", of which the server had not acknowledged everything"
    elif acknowledged is not None:
        says += ", which the server had acknowledged but not answered"
    return says, "client" if waited < PATIENCE_NS else "unknown", failed.idempotent


def _stage_of_response(failed: FailedExchange, response: Response, close: CloseEvent) -> tuple[str, Fault]:
    if failed.late is not None:
        return "in the middle of the response", "client"
    heard = last_heard_ns(failed.connection, response, close.time_ns) or failed.request.last_ns
    quiet = close.time_ns - heard
    stage = f"in the middle of the response, {wording.span(quiet)} after its last byte"
    if response.last_ns > close.time_ns:
        stage = f"in the middle of the response, {wording.span(quiet)} after the last byte of it until then"
    if response.defects:
        return f"{stage} (the response breaks the rules of HTTP: that may be why)", "unknown"
    if _endless(response):
        stage += " (no length was announced: it may have been complete)"
    return stage, "client" if quiet < PATIENCE_NS else "unknown"


def _endless(response: Response) -> bool:
    """Whether only the end of the connection could have marked the end of the body."""
    return response.framing in ("close", "unknown")


def _late_words(failed: FailedExchange, close: CloseEvent) -> str:
    """A response that came afterwards shows that the server was slow, not silent."""
    if failed.late is None:
        return ""
    behind = wording.span(failed.late.last_ns - close.time_ns)
    return (
        f" The server's response (status {failed.late.status}) was complete {behind} later, when nobody was "
        "there to read it."
    )


def _range_words(failed: FailedExchange) -> str:
    """A client that asked for a part and gets the whole, or another part, leaves for that."""
    response = failed.exchange.response
    asked = _ASKED.match(value(failed.request, "range") or "")
    if response is None or asked is None or asked[1] == "0":
        return ""
    if response.status == _OK:
        return (
            f" It had asked for a part (Range: from byte {asked[1]} on) and was given the whole (status 200, "
            "no Content-Range), as a server may (RFC 9110 section 14.2): a client that resumes a download "
            "leaves then."
        )
    given = _GIVEN.match(value(response, "content-range") or "")
    if response.status == _PARTIAL and given is not None and given[1] != asked[1]:
        return (
            f" It had asked for a part from byte {asked[1]} on and was given one from byte {given[1]} on: "
            "that may be why."
        )
    return ""


def _grounds(failed: FailedExchange, close: CloseEvent) -> Grounds:
    """A RST without ACK from our side may be its host's own, sent in the program's place."""
    if failed.exchange.response is not None and _endless(failed.exchange.response):
        return (Ground.GUESS,)
    return (Ground.NUMBERS, Ground.FLAG) if is_reactive(close) else (Ground.NUMBERS,)


def _rival(failed: FailedExchange, close: CloseEvent) -> str:
    server = failed.server_close
    if server is None:
        return "a close by the server: refuted, none is in the capture"
    behind = wording.span(server.time_ns - close.time_ns)
    return f"a close by the server: refuted, its {wording.act(server)} came {behind} after the client's"


def _evidence(failed: FailedExchange, close: CloseEvent) -> tuple[Evidence, ...]:
    found = [Evidence(failed.request.packet, f"the request, {wording.run(failed.request)}")]
    acknowledged = first_ack(failed.connection, Side.SERVER, failed.request.end)
    if acknowledged is not None and acknowledged[1] <= close.time_ns:
        found.append(
            Evidence(
                acknowledged[0],
                "the server acknowledges the whole request"
                if failed.request.complete
                else "the server acknowledges all that was sent of the request",
            )
        )
    if failed.exchange.response is not None and failed.late is None:
        found.append(
            Evidence(failed.exchange.response.last_packet, "the last byte of the response that was seen")
        )
    found.append(Evidence(close.packet, f"{wording.act(close)} from the client"))
    if failed.late is not None:
        found.append(Evidence(failed.late.last_packet, "the end of the server's response, too late"))
    return tuple(found)
