"""A ``text/event-stream`` (WHATWG HTML section 9.2): takes decoded bytes; counts events, tells how it ended.

Streams of lines that are JSON (``application/x-ndjson``, as of Ollama) are read alike, each line an event.

Status and framing do not show what goes wrong in the middle of such a stream. Its own protocol does, with
events that report errors, and with a closing event if it has one. ``_DIALECTS`` has the protocols whose
closing event is known. The contents of events are not kept, except the words of the first error.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import msgspec

from plainwire.model import EventStream

MOST_KEPT = 8192
"""Bytes of an event that are examined, and of a line that is carried over."""

_MOST_SAID = 300
_LONGEST_NAME = 64
_HEARTBEATS = frozenset((b"ping", b"heartbeat", b"keepalive", b"keep-alive"))
_FAILURES = frozenset(
    (b"error", b"exception", b"response.failed", b"thread.run.failed", b"run_error", b"run.failed")
)
"""Event names, and values of a ``type`` member, that report a failure."""

_LINES = ("application/x-ndjson", "application/ndjson", "application/jsonl")
TYPES = ("text/event-stream", *_LINES)
"""Types of contents, in lower case and without parameters, that ``reader_of`` has a reader for."""

_OF_ERRORS = frozenset(("error", "status", "code", "message", "type", "detail"))
"""Members of a line that is an error. Lines of data may have a member of that name among others."""

_DONE = b"[DONE]"


class _Dialect(NamedTuple):
    """A protocol in event streams: what its events look like, and its closing event.

    Both are searched for in the event's name, a line feed, and its data.
    """

    name: str
    spoken: re.Pattern[bytes]
    closing: re.Pattern[bytes]


def _typed(names: str) -> bytes:
    """One of the names, as the event's name or as the ``type`` member of its data."""
    return rb"^(?:%s)\n|\"(?:type|event_type|event)\"\s*:\s*\"(?:%s)\"" % (names.encode(), names.encode())


def _dialect(name: str, spoken: bytes, closing: bytes) -> _Dialect:
    return _Dialect(name, re.compile(spoken), re.compile(closing))


_DIALECTS = (
    _dialect(
        "OpenAI chat completions",
        rb'"object"\s*:\s*"(?:chat\.completion\.chunk|text_completion)"|"choices"\s*:\s*\[\s*\{',
        rb'"finish_reason"\s*:\s*"',
    ),
    _dialect(
        "OpenAI responses",
        _typed(r"response\.created"),
        _typed(r"response\.(?:completed|incomplete|failed|cancelled)"),
    ),
    _dialect("OpenAI assistants", _typed(r"thread\.(?:run\.)?created"), _typed("done")),
    _dialect("Anthropic messages", _typed("message_start"), _typed("message_stop")),
    _dialect("Gemini", rb'"candidates"\s*:\s*\[', rb'"(?:finishReason|blockReason)"\s*:\s*"'),
    _dialect("Cohere chat", _typed("(?:message|stream)-start"), _typed("(?:message|stream)-end")),
    _dialect("AG-UI", _typed("RUN_STARTED"), _typed("RUN_(?:FINISHED|ERROR)")),
    _dialect("AI SDK", rb'^\n?\{"type"\s*:\s*"start"', rb'"type"\s*:\s*"(?:finish|abort)"'),
    _dialect("Ollama", rb'^\n\{"model".*"done"\s*:\s*(?:true|false)', rb'"done"\s*:\s*true'),
    _dialect("GraphQL over SSE", rb'^next\n\s*\{.*"(?:data|errors)"', rb"^complete\n"),
)


class EventReader:
    """Reads one stream and notes what it finds in ``facts``.

    The position of an error or of the closing event is not known here: ``feed`` says that one has come, and
    the caller gives it to ``place``.
    """

    def __init__(self, *, lines: bool = False) -> None:
        """``lines``: each line is an event."""
        self.facts = EventStream()
        self._lines = lines
        self._carry = b""
        self._cr = False  # the last byte was a carriage return
        self._begun = False
        self._name = b""
        self._data = b""
        self._fields = False  # the block has a line that is not a comment
        self._comment = False
        self._dialect: _Dialect | None = None
        self._closed = False
        self._failed = False

    def feed(self, part: bytes) -> bool:
        """Take decoded bytes; True if ``place`` must be called with their position."""
        if self._cr and part.startswith(b"\n"):
            part = part[1:]
        if not part:
            return False
        self._cr = part.endswith(b"\r")
        *lines, rest = (self._carry + part).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        self._carry = rest[:MOST_KEPT]
        for line in lines:
            self._line(line)
        return True

    def place(self, packet: int, time_ns: int) -> None:
        """The packet and time of the bytes that were fed last."""
        facts = self.facts
        if facts.last_ns:
            facts.longest_pause_ns = max(facts.longest_pause_ns, time_ns - facts.last_ns)
        facts.last_ns = time_ns
        if self._closed and facts.closing_packet is None:
            facts.closing_packet, facts.closing_ns = packet, time_ns
        if self._failed and facts.error_packet is None:
            facts.error_packet, facts.error_ns = packet, time_ns

    def _line(self, line: bytes) -> None:
        if not self._begun:
            self._begun = True
            line = line.removeprefix(b"\xef\xbb\xbf")
        if self._lines:
            if line.strip():
                self._fields, self._data = True, line[:MOST_KEPT]
                self._dispatch()
        elif not line:
            self._dispatch()
        elif line.startswith(b":"):
            self._comment = True
        else:
            self._fields = True
            name, _, value = line.partition(b":")
            self._field(name, value.removeprefix(b" "))

    def _field(self, name: bytes, value: bytes) -> None:
        if name == b"event":
            self._name = value[:_LONGEST_NAME]
        elif name == b"data" and len(self._data) < MOST_KEPT:
            self._data += (b"\n" if self._data else b"") + value[:MOST_KEPT]

    def _dispatch(self) -> None:
        """An empty line ends an event."""
        if self._fields:
            self.facts.events += 1
            self._judge(self._name, self._data)
        elif self._comment:
            self.facts.heartbeats += 1
        self._name = self._data = b""
        self._fields = self._comment = False

    def _judge(self, name: bytes, data: bytes) -> None:
        if name.lower() in _HEARTBEATS:
            self.facts.heartbeats += 1
            return
        event = name + b"\n" + data
        if self._dialect is None:
            self._dialect = next((d for d in _DIALECTS if d.spoken.search(event)), None)
            self.facts.dialect = self._dialect.name if self._dialect else ""
        if data.strip() == _DONE or (self._dialect is not None and self._dialect.closing.search(event)):
            self._closed = True
        if not self._failed and (_is_an_error(data) if self._lines else _reports_failure(name, data)):
            self._failed = True
            self.facts.error = data[:_MOST_SAID].decode("utf-8", "replace")


def reader_of(content_type: str) -> EventReader | None:
    """A reader where contents of this type are a stream of events."""
    kind = content_type.partition(";")[0].strip().lower()
    return EventReader(lines=kind in _LINES) if kind in TYPES else None


def _is_an_error(line: bytes) -> bool:
    """Whether a line of JSON says nothing but that something failed."""
    if not line.startswith(b"{") or b'"error"' not in line:
        return False
    try:
        members = msgspec.json.decode(line)
    except (msgspec.DecodeError, RecursionError):
        return False
    return bool(members.get("error")) and _OF_ERRORS.issuperset(members)


def _reports_failure(name: bytes, data: bytes) -> bool:
    """Whether the event reports a failure: by its name, its ``type``, or an ``error`` member."""
    if name.lower() in _FAILURES:
        return True
    if not data.startswith(b"{") or not (b'"error"' in data or b'"type"' in data):
        return False
    try:
        members = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError):
        return False
    kind = members.get("type")
    return bool(members.get("error")) or (
        isinstance(kind, str) and kind.lower().encode("utf-8", "replace") in _FAILURES
    )
