"""Rules goaway-error-...: the server ended the connection with a GOAWAY that names an error.

With COMPRESSION_ERROR the cause is h2-header-compression-desync, or header-growth-431 where nothing but the
header's size explains it; with SETTINGS_TIMEOUT it is h2-settings-timeout.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec.structs import replace

from plainwire import plurals
from plainwire.diagnose import wording
from plainwire.diagnose.evidence.defects import own_defects
from plainwire.diagnose.evidence.goaway_trigger import (
    COMPRESSION_ERROR,
    TOO_LARGE_SAID,
    goaway_trigger,
    undecodable,
)
from plainwire.diagnose.evidence.stream_errors import OWN_FAILURES
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict, quoted, quoted_defects, stage, stream_verdict
from plainwire.model import Evidence, Side

from .goaway import beyond, goaways, in_parentheses, limit_words
from .goaway_errors import GOAWAY_ERROR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plainwire.diagnose.evidence.goaway_trigger import GoawayTrigger
    from plainwire.diagnose.grounds import Grounds
    from plainwire.diagnose.traffic.answered import Answered, AnsweredExchanges
    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.diagnose.verdict import FailedExchange
    from plainwire.model import Connection, Fault, Quoted, Request, StreamEvent


_OF_A_LIMIT = re.compile(r"\b(idle|max[_ ]idle|max[_ ]age|max[_ ]connection[_ ]age)\b", re.IGNORECASE)
"""gRPC's words for it: "connection idle", "max_age", "max_idle"."""

_OF_OVERHEAD = re.compile(r"\boverhead\b", re.IGNORECASE)
"""Tomcat's words for it: "Too much overhead so the connection will be closed"."""

_TOO_LARGE = "header-growth-431"

_CODES = frozenset(
    (*(cause.code for cause in GOAWAY_ERROR.causes()), *GOAWAY_ERROR.elsewhere.values(), _TOO_LARGE)
)
_HARMLESS = frozenset(("NO_ERROR", "H3_NO_ERROR"))


def goaway_error(failed: FailedExchange) -> Verdict | None:
    """The server ended the connection with an error: whatever either side closed afterwards follows."""
    connection = failed.connection
    event = next((e for e in goaways(failed) if _is_error(e)), None)
    ends = [e.time_ns for e in (failed.exchange.reset, failed.first_close) if e is not None]
    if event is None:
        return None
    if ends and event.time_ns > min(ends) and failed.exchange.outcome != "refused":
        return None
    trigger = goaway_trigger(connection, event)
    wrong = _wrong_request(connection, event)
    verdict = stream_verdict(
        failed,
        _code(event, trigger),
        _fault(event, trigger) if wrong is None else "client",
        _grounds(event, trigger) if wrong is None else (Ground.SAID, Ground.INFERENCE),
        f"The server ended the connection with GOAWAY{in_parentheses(event)}, "
        f"{stage(failed, event.time_ns)}: {limit_words(failed, event)}, and this is stream "
        f"{failed.exchange.stream}.{_says(event)}{_checked(connection, event, trigger)}"
        f"{_trigger_words(trigger)}{_wrong_words(wrong)}",
        *_evidence(event, trigger, f", {limit_words(failed, event)}"),
        retry_safe=_retry_safe(failed, event, trigger) if wrong is None else False,
        runner_up="a client that gave up: refuted, the server's GOAWAY came first",
        sender=Side.SERVER,
        quotes=(*_quotes(event), *(() if wrong is None else quoted_defects(wrong))),
    )
    return _about_size(verdict) if verdict.code == _TOO_LARGE else verdict


def calls_ended_by_goaway(exchanges: AnsweredExchanges) -> list[Verdict]:
    """Calls of gRPC whose status tells, in trailers, what the GOAWAY beside them says."""
    return [
        _ended_call(case, event)
        for case in exchanges.calls
        if (event := _error_of(case.connection)) is not None
        and case.exchange.grpc is not None
        and case.exchange.grpc.status is not None
        and case.request.time_ns <= event.time_ns <= case.response.last_ns
    ]


def _ended_call(case: Answered, event: StreamEvent) -> Verdict:
    trigger = goaway_trigger(case.connection, event)
    grpc = case.exchange.grpc
    status, message, packet = "", "", 0
    if grpc is not None:
        status, message, packet = f" (grpc-status {grpc.status})", grpc.message, grpc.status_packet
    return Verdict(
        code=GOAWAY_ERROR.code(event.name),
        sender=Side.SERVER,
        connection=case.connection,
        exchanges=(case.exchange.id,),
        fault=_fault(event, trigger),
        grounds=(Ground.SAID,),
        facts=f"The server ended the connection with GOAWAY{in_parentheses(event)}, "
        f"{wording.span(event.time_ns - case.connection.opened_ns)} after it began, and with it this call"
        f"{status}.{_says(event)}{_trigger_words(trigger)}",
        evidence=(Evidence(case.request.packet, "the call's request"), *_evidence(event, trigger)),
        runner_up="a failure of the call's own: refuted, it ended with its connection",
        time_ns=case.request.time_ns,
        quotes=(*_quotes(event), *quoted(packet, "grpc-message", message)),
    )


def goaway_between_streams(traffic: Traffic, verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Connections that the server ended so while no stream was left to fail of it."""
    told = {v.connection.id for v in verdicts if v.code in _CODES}
    found = ((c, _error_of(c)) for c in traffic.connections if c.events and c.id not in told)
    return [_between(connection, event) for connection, event in found if event is not None]


def _between(connection: Connection, event: StreamEvent) -> Verdict:
    trigger = goaway_trigger(connection, event)
    wrong = _wrong_request(connection, event)
    verdict = Verdict(
        code=_code(event, trigger),
        sender=Side.SERVER,
        connection=connection,
        exchanges=(),
        fault=_fault(event, trigger) if wrong is None else "client",
        grounds=_grounds(event, trigger) if wrong is None else (Ground.SAID, Ground.INFERENCE),
        facts=f"The server ended the connection with GOAWAY{in_parentheses(event)}, "
        f"{wording.span(event.time_ns - connection.opened_ns)} after it began; no stream was open that it "
        f"cut off.{_limit_words(event) or _says(event)}{_trigger_words(trigger)}"
        f"{_wrong_words(wrong)}",
        evidence=_evidence(event, trigger)
        if wrong is None
        else (Evidence(wrong.packet, "the request with the defect"), *_evidence(event, trigger)),
        runner_up="an orderly end: refuted, the frame names an error",
        time_ns=event.time_ns,
        quotes=(*_quotes(event), *(() if wrong is None else quoted_defects(wrong))),
        failure=None if any(e.outcome != "complete" for e in connection.exchanges) else False,
    )
    return _about_size(verdict) if verdict.code == _TOO_LARGE else verdict


def _wrong_request(connection: Connection, event: StreamEvent) -> Request | None:
    """The last request before a GOAWAY with PROTOCOL_ERROR, where it breaks rules itself."""
    requests = [e.request for e in connection.exchanges if e.request and e.request.packet <= event.packet]
    last = max(requests, key=lambda request: request.packet, default=None)
    if event.name != "PROTOCOL_ERROR" or last is None or not own_defects(last):
        return None
    return last


def _wrong_words(wrong: Request | None) -> str:
    if wrong is None:
        return ""
    ways = plurals.count(len(own_defects(wrong)), "way")
    return f" The last request before it, in packet {wrong.packet}, breaks the rules of HTTP in {ways}."


def _code(event: StreamEvent, trigger: GoawayTrigger | None) -> str:
    return _TOO_LARGE if _is_of_size(event, trigger) else GOAWAY_ERROR.code(event.name)


def _is_of_size(event: StreamEvent, trigger: GoawayTrigger | None) -> bool:
    return event.name in TOO_LARGE_SAID and trigger is not None and trigger.by_request


def _grounds(event: StreamEvent, trigger: GoawayTrigger | None) -> Grounds:
    return (Ground.SAID, Ground.INFERENCE) if _is_of_size(event, trigger) else (Ground.SAID,)


def _about_size(verdict: Verdict) -> Verdict:
    return replace(
        verdict,
        runner_up="h2-header-compression-desync: refuted, all header blocks of the client decode here",
        advice_server="Raise the limit, if such headers are meant (HAProxy: tune.bufsize, tune.http.maxhdr; "
        "Go: http.Server.MaxHeaderBytes; Caddy: max_header_size; Jetty: requestHeaderSize; Undertow: "
        "MAX_HEADER_SIZE).",
    )


def _limit_words(event: StreamEvent) -> str:
    """A limit of idleness or age, which gRPC's C core announces with INTERNAL_ERROR."""
    if _OF_A_LIMIT.search(event.said) is None:
        return ""
    return " By its debug data that is a limit of the connection's idleness or age, whatever the code says."


def _is_error(event: StreamEvent) -> bool:
    return event.kind == "goaway" and event.side == Side.SERVER and event.name not in ("", *_HARMLESS)


def _error_of(connection: Connection) -> StreamEvent | None:
    return next((event for event in connection.events if _is_error(event)), None)


def _fault(event: StreamEvent, trigger: GoawayTrigger | None) -> Fault:
    if trigger is not None:
        return "client"
    if _OF_OVERHEAD.search(event.said):
        return "both"
    said = GOAWAY_ERROR.said(event.name, Side.SERVER)
    return "unknown" if said is None else said.fault


def _quotes(event: StreamEvent) -> tuple[Quoted, ...]:
    return quoted(event.packet, "the GOAWAY's debug data", event.said)


def _says(goaway: StreamEvent) -> str:
    """What the code means, where it has no cause of its own."""
    said = GOAWAY_ERROR.said(goaway.name, Side.SERVER)
    if said is None or goaway.name in GOAWAY_ERROR.elsewhere:
        return ""
    return f" By this code it says that {said.means}.{_OVERHEAD if _OF_OVERHEAD.search(goaway.said) else ''}"


_OVERHEAD = (
    " By its debug data it counts frames that carry little, as Tomcat does: DATA and WINDOW_UPDATE of few "
    "bytes, SETTINGS, PINGs, resets. Write bodies in larger pieces; raise overheadDataThreshold, "
    "overheadWindowUpdateThreshold or overheadCountFactor where such frames are meant."
)


def _trigger_words(trigger: GoawayTrigger | None) -> str:
    if trigger is None:
        return ""
    again = " The same request would provoke it again." if trigger.by_request else ""
    return f" {trigger.says}{again}"


def _evidence(event: StreamEvent, trigger: GoawayTrigger | None, more: str = "") -> tuple[Evidence, ...]:
    said = Evidence(event.packet, f"GOAWAY{in_parentheses(event)} from the server{more}")
    return (*(trigger.evidence if trigger is not None else ()), said)


def _retry_safe(failed: FailedExchange, event: StreamEvent, trigger: GoawayTrigger | None) -> bool | None:
    """Not where the same request must fail again: "safe" would be misleading."""
    by_request = trigger is not None and trigger.by_request
    if by_request or (failed.request.defects and event.name not in OWN_FAILURES):
        return None
    return True if beyond(failed, event) else failed.idempotent


def _checked(connection: Connection, goaway: StreamEvent, trigger: GoawayTrigger | None) -> str:
    """What can be said here of the accusation that header blocks cannot be decoded (RFC 9113 section 4.3)."""
    if goaway.name != COMPRESSION_ERROR or connection.mid_stream or connection.gaps or trigger is not None:
        return ""
    wrong = undecodable(connection)
    if wrong is None:
        requests = sum(e.request is not None for e in connection.exchanges)
        return f" The header blocks of the client's {plurals.count(requests, 'request')} do decode here."
    return f" The header block of the request in packet {wrong.packet} does not decode here either."
