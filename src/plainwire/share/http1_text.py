"""HTTP/1.x without secrets: start lines and header fields as reports show them, bodies as marks.

Where messages begin and end is ``http.http1``'s to say. What lies between them stays hidden.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from plainwire.http.budget import Budget, CaptureBudget
from plainwire.http.content import ContentDecoder, codings
from plainwire.http.http1_reader import HEAD_END
from plainwire.share import event_text, stand_ins

if TYPE_CHECKING:
    from collections.abc import Iterable

    from plainwire.model import Exchange, Request, Response
    from plainwire.share.hiding import Hider
    from plainwire.share.wire_text import WireText

    Message = Request | Response

_LINE = re.compile(rb"([^\r\n]*)(\r*\n|\r*\Z)")
_FIELD = re.compile(rb"([^:]*)(:[ \t]*)(.*?)([ \t]*)", re.DOTALL)
_CHUNK = re.compile(rb"(?:\r?\n)?([0-9a-fA-F]{1,15})[ \t]*(;[^\r\n]*)?\r?\n")
_BAD_SIZE = re.compile(rb"[0-9a-fA-Fx;+\s-]{1,20}")
"""As much of what is no chunk size as can hold no text: it shows what is wrong."""
_LINE_ENDS = re.compile(rb"[\r\n]+")
_PARTIAL = 206


def rewrite(exchanges: Iterable[Exchange], client: WireText, server: WireText, hider: Hider) -> None:
    """Put what may stay of these messages into both sides' ``made``."""
    for wire in (client, server):
        _keep_line_ends(wire)
    for exchange in exchanges:
        if exchange.request is not None:
            _message(exchange.request, client, hider)
        for response in (*exchange.interim, exchange.response):
            if response is not None:
                _message(response, server, hider)


def _keep_line_ends(wire: WireText) -> None:
    """Between messages there may be empty lines (RFC 9112 section 2.2); bodies are put over theirs."""
    for match in _LINE_ENDS.finditer(wire.data):
        wire.keep(*match.span())


def _message(message: Message, wire: WireText, hider: Hider) -> None:
    if message.framing == "unknown" and not message.headers and not message.version:
        return  # bytes that are no response
    found = HEAD_END(wire.data, message.start)
    end = min(found.end(), message.end) if found is not None else message.end
    _head(wire, message.start, end, hider)
    if message.framing == "chunked":
        _chunks(message, wire, end, hider)
    elif message.framing != "tunnel":
        _body(message, wire, [(end, message.end)], hider)


def _head(wire: WireText, start: int, end: int, hider: Hider) -> None:
    at, first = start, True
    while at < end:
        line = _LINE.match(wire.data, at, end)
        if line is None or line.end() == at:
            return
        made = (_start_line if first else _field_line)(line[1], hider)
        wire.put(at, made)
        wire.keep(line.start(2), line.end(2))
        first = first and not line[1]  # empty lines may stand ahead
        at = line.end()


def _start_line(line: bytes, hider: Hider) -> bytes:
    if line.startswith(b"HTTP/"):
        version, space, rest = line.partition(b" ")
        status, second, reason = rest.partition(b" ")
        return version + space + status + second + hider.line(reason)
    method, space, rest = line.partition(b" ")
    target, second, version = rest.rpartition(b" ")
    if not second:
        target, version = rest, b""
    return method + space + hider.target(target) + second + version


def _field_line(line: bytes, hider: Hider) -> bytes:
    match = _FIELD.fullmatch(line)
    if match is None:
        return hider.whole(line) if line.strip() else line
    name, mark, value, after = match.groups()
    return name + mark + hider.field(name.decode("latin-1").strip(), value) + after


def _chunks(message: Message, wire: WireText, at: int, hider: Hider) -> None:
    """RFC 9112 section 7.1: sizes stay, extensions are hidden."""
    spans: list[tuple[int, int]] = []
    while at < message.end:
        size = _CHUNK.match(wire.data, at, message.end)
        if size is None:
            bad = _BAD_SIZE.match(wire.data, at, message.end)
            if bad is not None:
                wire.keep(*bad.span())
            break
        wire.keep(at, size.end())
        if size[2]:
            wire.put(size.start(2) + 1, hider.whole(size[2][1:]))
        at = size.end()
        length = int(size[1], 16)
        if length == 0:
            _trailers(message, wire, at, hider)
            break
        spans.append((at, min(at + length, message.end)))
        at += length
    else:
        wire.keep(at, message.end)
    rest = wire.data[at : at + 2]
    if rest in (b"\r\n", b"\r"):  # cut behind a chunk
        wire.keep(at, min(at + 2, message.end))
    _body(message, wire, spans, hider)


def _trailers(message: Message, wire: WireText, at: int, hider: Hider) -> None:
    while at < message.end:
        line = _LINE.match(wire.data, at, message.end)
        if line is None or line.end() == at:
            return
        wire.put(at, _field_line(line[1], hider))
        wire.keep(line.start(2), line.end(2))
        at = line.end()


def _body(message: Message, wire: WireText, spans: list[tuple[int, int]], hider: Hider) -> None:
    whole = b"".join(wire.data[start:end] for start, end in spans)
    if whole:
        made = body_of(message.headers, whole, hider, complete=message.complete, partial=is_partial(message))
        at = 0
        for start, end in spans:
            wire.put(start, made[at : at + end - start])
            at += end - start


def is_partial(message: Message) -> bool:
    """Whether the body is a part of one (RFC 9110 section 15.3.7): then its coding cannot be undone."""
    return getattr(message, "status", 0) == _PARTIAL


def body_of(
    headers: list[tuple[str, str]], whole: bytes, hider: Hider, *, complete: bool, partial: bool = False
) -> bytes:
    """What stands for a body, as long as it."""
    fields = [(name.lower(), value) for name, value in headers]
    named = codings(value for name, value in fields if name in ("content-encoding", "transfer-encoding"))
    coding = [name for name in named if name != "chunked"]
    if len(coding) == 1 and not partial:
        made = _coded(coding[0], whole, complete=complete)
        if made is not None:
            return made
    kind = next((value.lower() for name, value in fields if name == "content-type"), "")
    if kind.startswith("text/event-stream") and not coding:
        return event_text.rewritten(whole, hider)
    return hider.marks.body(whole)


def _coded(coding: str, whole: bytes, *, complete: bool) -> bytes | None:
    """What stands for a body in a coding: whole, cut or corrupt as it was."""
    decoder = ContentDecoder((coding,), Budget(CaptureBudget()))
    for _ in decoder.feed(whole):
        pass
    content = decoder.finish(complete=complete)
    if content.defect and not content.cut:
        return None
    return stand_ins.coded(coding, len(whole), complete=content.complete)
