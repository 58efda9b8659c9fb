"""OpenTelemetry's OTLP in JSON (``ExportTraceServiceRequest``): a client span for every attempt, by the
semantic conventions for HTTP, and spans of the connections that they are linked to.

If a request carries a ``traceparent``, its span is a child of the one named there and so appears in the
program's own trace. Other ids are derived from the capture: the same export gives the same ids.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

import orjson

from plainwire.export import told
from plainwire.export.timing import phases, setup_steps
from plainwire.model import Side
from plainwire.report import redact
from plainwire.report.escape import printable_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainwire.model import Connection, Exchange, Report, Request

_CLIENT, _INTERNAL = 3, 1  # SPAN_KIND_CLIENT, SPAN_KIND_INTERNAL
_ERROR = 2  # STATUS_CODE_ERROR
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}.*", re.DOTALL)
_ERROR_STATUS = 400
_METHODS = frozenset(
    {"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"}
)
_PROTOCOLS = {"h2": "2", "h3": "3"}

Json = dict[str, Any]


def encode(report: Report, version: str) -> bytes:
    """Encode the request that an OTLP/HTTP receiver accepts at ``/v1/traces``."""
    known = told.Told(report)
    resent = {after.id: before for before, after in known.retried()}
    spans = [*_connections(report), *_attempts(known, resent)]
    scope = {"scope": {"name": "plainwire", "version": version}, "spans": spans}
    whole = {
        "resourceSpans": [{"resource": {"attributes": _attributes(_resource(report))}, "scopeSpans": [scope]}]
    }
    return printable_json(orjson.dumps(whole, option=orjson.OPT_APPEND_NEWLINE))


def _resource(report: Report) -> Json:
    testimony = report.testimony
    command = testimony.command[0].rpartition("/")[2] if testimony is not None and testimony.command else None
    return {"service.name": command or "unknown_service", "telemetry.sdk.name": "plainwire"}


# --- attempts ---------------------------------------------------------------------------------------------


def _attempts(known: told.Told, resent: dict[int, Exchange]) -> Iterator[Json]:
    counts: dict[int, int] = {}
    for exchange in known.report.exchanges:
        if exchange.request is None:
            continue
        before = resent.get(exchange.id)
        counts[exchange.id] = 0 if before is None else counts.get(before.id, 0) + 1
        yield _attempt(exchange, exchange.request, known, counts[exchange.id], before)


def _attempt(
    exchange: Exchange, request: Request, known: told.Told, resend_count: int, before: Exchange | None
) -> Json:
    connection = known.connection(exchange)
    times = phases(exchange, connection)
    end = request.last_ns if times is None else times.begin_ns + times.total
    trace, parent = _context(request, connection)
    error = known.error(exchange)
    status = exchange.response.status if exchange.response is not None else 0
    if error is None and status >= _ERROR_STATUS:
        error = str(status)
    span: Json = {
        "traceId": trace,
        "spanId": _id("exchange", connection, exchange.id)[:16],
        "parentSpanId": parent,
        "name": request.method if request.method in _METHODS else "HTTP",
        "kind": _CLIENT,
        "startTimeUnixNano": str(request.time_ns),
        "endTimeUnixNano": str(max(end, request.time_ns)),
        "attributes": _attributes(
            {
                **_of_request(exchange, request, connection),
                "http.response.status_code": status or None,
                "error.type": error,
                "http.request.resend_count": resend_count or None,
                "plainwire.exchange": exchange.id,
                "plainwire.outcome": exchange.outcome,
                "plainwire.packet": request.packet,
                "plainwire.findings": [finding.code for finding in known.findings(exchange)] or None,
            }
        ),
        "links": [_link(connection, "connection", connection.id)],
    }
    if before is not None:
        span["links"].append(_link(known.connection(before), "exchange", before.id, before))
    if error is not None:
        claims = [finding.claim for finding in known.findings(exchange) if finding.failure]
        span["status"] = {"code": _ERROR, "message": claims[0] if claims else error}
    return span


def _of_request(exchange: Exchange, request: Request, connection: Connection) -> Json:
    """Names as in the semantic conventions 1.23 and later (stable)."""
    host, _, port = redact.authority(request.authority or "").rpartition(":")
    named = host if port.isdigit() else redact.authority(request.authority or "")
    return {
        "http.request.method": request.method if request.method in _METHODS else "_OTHER",
        "http.request.method_original": None if request.method in _METHODS else request.method,
        "url.full": told.url(exchange, connection),
        "server.address": named.strip("[]") or connection.server.address,
        "server.port": int(port) if port.isdigit() and host else connection.server.port,
        "network.peer.address": connection.server.address,
        "network.peer.port": connection.server.port,
        "network.protocol.name": "http",
        "network.protocol.version": _PROTOCOLS.get(exchange.protocol) or request.version.rpartition("/")[2],
        "network.transport": connection.transport,
        "http.request.body.size": request.body_size or None,
        "http.response.body.size": exchange.response.body_size if exchange.response is not None else None,
        "user_agent.original": next(
            (redact.field(name, value) for name, value in request.headers if name.lower() == "user-agent"),
            None,
        ),
    }


def _context(request: Request, connection: Connection) -> tuple[str, str]:
    """The trace, and the span that the program made for this request (W3C Trace Context)."""
    for name, value in request.headers:
        found = _TRACEPARENT.fullmatch(value) if name.lower() == "traceparent" else None
        if found is not None and set(found[1]) != {"0"}:
            return found[1], found[2]
    return _trace(connection), ""


# --- connections ------------------------------------------------------------------------------------------


def _connections(report: Report) -> Iterator[Json]:
    for connection in report.connections:
        yield _connection(connection)
        yield from _setup(connection)


def _connection(connection: Connection) -> Json:
    tls = connection.tls
    owner = connection.program
    return {
        "traceId": _trace(connection),
        "spanId": _id("connection", connection, connection.id)[:16],
        "parentSpanId": "",
        "name": "connection",
        "kind": _INTERNAL,
        "startTimeUnixNano": str(connection.opened_ns),
        "endTimeUnixNano": str(max(connection.last_ns, connection.opened_ns)),
        "attributes": _attributes(
            {
                "network.transport": connection.transport,
                "network.local.address": connection.client.address,
                "network.local.port": connection.client.port,
                "network.peer.address": connection.server.address,
                "network.peer.port": connection.server.port,
                "server.address": tls.server_name if tls is not None else None,
                "tls.protocol.version": (tls.version or "").removeprefix("TLS ") or None
                if tls is not None
                else None,
                "tls.cipher": tls.cipher_suite if tls is not None else None,
                "tls.resumed": tls.resumed if tls is not None else None,
                "process.pid": owner.pid if owner is not None else None,
                "plainwire.connection": connection.id,
                "plainwire.closed_by": None
                if connection.closed_by is None
                else Side(connection.closed_by).name.lower(),
                "plainwire.close": connection.close,
                "plainwire.requests": len(connection.exchanges),
            }
        ),
        "events": [
            {
                "timeUnixNano": str(close.time_ns),
                "name": f"{close.kind} from the {close.side.name.lower()}",
                "attributes": _attributes({"plainwire.packet": close.packet}),
            }
            for close in connection.closes
        ],
    }


def _setup(connection: Connection) -> Iterator[Json]:
    """Spans for the TCP and the TLS handshake, if their begin and end were seen."""
    for name, begin, end in setup_steps(connection):
        if begin is not None and end is not None:
            yield {
                "traceId": _trace(connection),
                "spanId": _id(name, connection, connection.id)[:16],
                "parentSpanId": _id("connection", connection, connection.id)[:16],
                "name": name,
                "kind": _INTERNAL,
                "startTimeUnixNano": str(begin),
                "endTimeUnixNano": str(max(begin, end)),
            }


def _link(connection: Connection, kind: str, number: int, exchange: Exchange | None = None) -> Json:
    trace = _trace(connection)
    if exchange is not None and exchange.request is not None:
        trace = _context(exchange.request, connection)[0]
    return {"traceId": trace, "spanId": _id(kind, connection, number)[:16]}


def _trace(connection: Connection) -> str:
    return _id("trace", connection, 0)


def _id(kind: str, connection: Connection, number: int) -> str:
    """32 hexadecimal digits."""
    told_by = f"{kind} {connection.client} {connection.server} {connection.opened_ns} {number}"
    return hashlib.sha256(told_by.encode()).hexdigest()[:32]


def _attributes(values: Json) -> list[Json]:
    return [{"key": key, "value": _any(value)} for key, value in values.items() if value is not None]


def _any(value: object) -> Json:
    """AnyValue; 64-bit numbers are strings in OTLP's JSON."""
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, list):
        return {"arrayValue": {"values": [_any(item) for item in value]}}
    return {"stringValue": str(value)}
