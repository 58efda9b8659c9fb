"""HTTP Archive 1.2 (http://www.softwareishard.com/blog/har-12-spec/), as network panels of browsers open it.

Chrome's importer (DevTools, ``models/har``) demands numbers for all sizes and times, and takes fields that
begin with an underscore. An exchange without a response has status 0 and our code as ``_error``, as Chrome
writes failed requests. Bodies are included only if they were kept and are text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import orjson

from plainwire.export import told
from plainwire.export.timing import phases
from plainwire.report import redact
from plainwire.report.coverage import shortfalls
from plainwire.report.escape import printable_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from plainwire.export.timing import Phases
    from plainwire.model import (
        Connection,
        Exchange,
        Report,
        Request,
        Response,
        WebSocketFrame,
        WebSocketMessage,
    )

_NOT_KNOWN = -1
_MOST_BODY = 1 << 20
_TEXT_MESSAGE, _CONTROL = 1, 8
"""Opcodes of a WebSocket: a message of text, and from where on frames are control frames (RFC 6455 section
11.8).
"""
_TEXT = (
    "text/",
    "application/json",
    "application/xml",
    "application/x-www-form-urlencoded",
    "application/javascript",
)

Json = dict[str, Any]


def encoded(report: Report, version: str) -> Iterator[bytes]:
    """The archive in parts; ``version`` is that of plainwire."""
    known = told.Told(report)
    log = {
        "version": "1.2",
        "creator": {"name": "plainwire", "version": version},
        "pages": [],
        "comment": " ".join(shortfalls(report)),
    }
    yield b'{"log":' + printable_json(orjson.dumps(log))[:-1] + b',"entries":['
    first = True
    for exchange in report.exchanges:
        entry = _entry(exchange, known)
        if entry is not None:
            yield (b"" if first else b",\n") + printable_json(orjson.dumps(entry))
            first = False
    yield b"]}}\n"


def _entry(exchange: Exchange, known: told.Told) -> Json | None:
    """None for a response without a request: the format has no place for it."""
    connection = known.connection(exchange)
    request, response, times = exchange.request, exchange.response, phases(exchange, connection)
    if request is None or times is None:
        return None
    entry: Json = {
        "startedDateTime": told.moment(times.begin_ns),
        "time": _milliseconds(times.total),
        "request": _request(exchange, request, connection),
        "response": _no_response(exchange, known) if response is None else _response(response),
        "cache": {},
        "timings": _timings(times),
        "serverIPAddress": connection.server.address,
        "connection": str(connection.id),
        "comment": _comment(exchange, known),
        "_exchange": exchange.id,
        "_connectionId": connection.id,
        "_outcome": exchange.outcome,
        "_packets": {
            "request": [request.packet, request.last_packet],
            "response": None if response is None else [response.packet, response.last_packet],
        },
        "_findings": [finding.code for finding in known.findings(exchange)],
        "_resourceType": "websocket" if exchange.websocket is not None else "fetch",
    }
    error = known.error(exchange)
    if error is not None:
        entry["_error"] = error
    if exchange.websocket is not None:
        entry["_webSocketMessages"] = _frames(exchange)
    return entry


def _comment(exchange: Exchange, known: told.Told) -> str:
    return " ".join(f"{finding.code}: {finding.claim}" for finding in known.findings(exchange))


def _request(exchange: Exchange, request: Request, connection: Connection) -> Json:
    url = told.url(exchange, connection)
    fields: Json = {
        "method": request.method,
        "url": url,
        "httpVersion": request.version,
        "cookies": _cookies(request.headers, "cookie"),
        "headers": _headers(request.headers),
        "queryString": [
            {"name": name, "value": value}
            for name, value in parse_qsl(url.partition("?")[2].partition("#")[0], keep_blank_values=True)
        ],
        "headersSize": _head_size(request.headers, f"{request.method} {request.target} {request.version}"),
        "bodySize": request.body_size,
    }
    if request.body_size:
        kind = _value(request.headers, "content-type")
        fields["postData"] = {"mimeType": kind, "params": [], "text": _text(request, kind)}
    return fields


def _response(response: Response) -> Json:
    kind, content = _value(response.headers, "content-type"), response.content
    size = response.body_size if content is None else content.decoded_size
    shown: Json = {"size": size, "mimeType": kind or "x-unknown"}
    if content is not None:
        shown["compression"] = size - response.body_size
    if response.body:
        shown["text"] = _text(response, kind)
    return {
        "status": response.status,
        "statusText": redact.line(response.reason),
        "httpVersion": response.version,
        "cookies": _cookies(response.headers, "set-cookie"),
        "headers": _headers(response.headers),
        "content": shown,
        "redirectURL": redact.target(_value(response.headers, "location")),
        "headersSize": _head_size(
            response.headers, f"{response.version} {response.status} {response.reason}"
        ),
        "bodySize": response.body_size,
        "_transferSize": response.body_size,
    }


def _no_response(exchange: Exchange, known: told.Told) -> Json:
    """What browsers write if no response came."""
    return {
        "status": 0,
        "statusText": known.error(exchange) or exchange.outcome,
        "httpVersion": "",
        "cookies": [],
        "headers": [],
        "content": {"size": 0, "mimeType": "x-unknown"},
        "redirectURL": "",
        "headersSize": _NOT_KNOWN,
        "bodySize": _NOT_KNOWN,
        "_transferSize": 0,
        "_error": known.error(exchange) or exchange.outcome,
    }


def _timings(times: Phases) -> Json:
    """In ms; -1: does not apply. ``connect`` includes ``ssl``, as the format demands."""
    connect = None if times.connect is None and times.tls is None else (times.connect or 0) + (times.tls or 0)
    return {
        "blocked": _milliseconds(times.blocked),
        "dns": _NOT_KNOWN,
        "connect": _milliseconds(connect),
        "ssl": _milliseconds(times.tls),
        "send": _milliseconds(times.send),
        "wait": _milliseconds(times.wait),
        "receive": _milliseconds(times.receive),
    }


def _milliseconds(nanoseconds: int | None) -> float:
    return _NOT_KNOWN if nanoseconds is None else nanoseconds / 1e6


def _headers(fields: list[tuple[str, str]]) -> list[Json]:
    return [{"name": name, "value": value} for name, value in redact.headers(fields)]


def _cookies(fields: list[tuple[str, str]], kind: str) -> list[Json]:
    """Names only; for Set-Cookie without the attributes."""
    pairs = [
        pair
        for name, value in fields
        if name.lower() == kind
        for pair in (value.split(";") if kind == "cookie" else value.split(";")[:1])
    ]
    return [{"name": redact.line(pair.partition("=")[0].strip()), "value": redact.HIDDEN} for pair in pairs]


def _value(fields: list[tuple[str, str]], wanted: str) -> str:
    return next((redact.field(name, value) for name, value in fields if name.lower() == wanted), "")


def _head_size(fields: list[tuple[str, str]], start: str) -> int:
    """Bytes up to the empty line; unknown if the head was compressed (HTTP/2, HTTP/3)."""
    if fields and fields[0][0].startswith(":"):
        return _NOT_KNOWN
    return len(start) + 2 + sum(len(name) + len(value) + 4 for name, value in fields) + 2


def _text(message: Request | Response, kind: str) -> str:
    """A body as text, secrets hidden; "" if it was not kept or is not text."""
    if not message.body or not kind.lower().startswith(_TEXT):
        return ""
    return redact.body(message.body[:_MOST_BODY].decode("utf-8", "replace"))


def _frames(exchange: Exchange) -> list[Json]:
    """The messages of a WebSocket and its control frames, in order of time, where bodies were kept.

    Elsewhere its frames, without what was in them. Of messages that are no text nothing is shown.
    """
    if exchange.websocket is None:
        return []
    frames, kept = exchange.websocket.frames, exchange.websocket.kept
    if kept:
        frames = [frame for frame in frames if frame.opcode >= _CONTROL]
        both = [*map(_message, kept), *_without_data(frames)]
        return sorted(both, key=lambda told: (told["time"], told["_packet"]))
    return _without_data(frames)


def _message(message: WebSocketMessage) -> Json:
    is_text = message.opcode == _TEXT_MESSAGE
    return {
        "type": "receive" if message.side else "send",
        "time": message.time_ns / 1e9,
        "opcode": message.opcode,
        "data": redact.body(message.data[:_MOST_BODY].decode("utf-8", "replace")) if is_text else "",
        "_size": len(message.data),
        "_packet": message.packet,
    }


def _without_data(frames: Iterable[WebSocketFrame]) -> list[Json]:
    return [
        {
            "type": "receive" if frame.side else "send",
            "time": frame.time_ns / 1e9,
            "opcode": frame.opcode,
            "data": "",
            "_size": frame.size,
            "_packet": frame.packet,
        }
        for frame in frames
    ]
