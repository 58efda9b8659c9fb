"""One direction of an HTTP/1.x connection: plain text in, messages out.

Theory of operation. A reader is in one of these states:

    HEAD -> BODY (n bytes) | CHUNK_SIZE <-> CHUNK -> TRAILERS | UNTIL_CLOSE -> HEAD ...
    HELD      a request that may change the protocol was sent: what follows waits for its answer
    TUNNEL    the connection is no longer HTTP (RFC 9110 sections 7.8, 9.3.6)
    DEAD      what follows cannot be framed: bytes are missing, or it is not HTTP

A state's method returns the position that it got to in the text; without progress the rest is carried over
to the next piece. A message is listed in ``fresh`` when its head is read, in ``finished`` when it is over.
It knows where in the TCP stream it begins and ends: exactly in clear text, by whole records in TLS.
"""

from __future__ import annotations

import abc
import enum
import re
import zlib
from typing import TYPE_CHECKING, Generic, Literal, TypeVar

from plainwire.http.fields import (
    FieldParser,
    Framing,
    StatusLine,
    printable,
    request_line,
    status_line,
)
from plainwire.http.recognise import NOT_HTTP, STATUS_PREFIX, foreign, is_cut_request, may_answer
from plainwire.model import Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

LONGEST_HEAD = 1 << 20
MOST_BODY_KEPT = 64 << 20
MOST_DEFECTS = 20
_MOST_CACHED = 4096
_MOST_HELD = 1 << 20
_CHUNK_LINE = 4096
_HEAD_END = re.compile(rb"\n\r?\n").search
_CHUNK_SIZE = re.compile(rb"([0-9a-fA-F]{1,15})[ \t]*(?:;[^\r\n]*)?\r?\n").match
_INTERIM = range(100, 200)
_SWITCHING = 101
_BODILESS = frozenset((204, 304))

Ended = Literal["clean", "cut"]
"""How a byte stream ended: so that its end says that the message is over, or not."""

Text = tuple[bytes, int, int]
"""Plain text, and where in the TCP stream what carried it begins and ends."""

_Message = TypeVar("_Message", Request, Response)


class State(enum.IntEnum):
    """See the module's essay."""

    HEAD = 0
    BODY = 1
    CHUNK_SIZE = 2
    CHUNK = 3
    TRAILERS = 4
    UNTIL_CLOSE = 5
    HELD = 6
    TUNNEL = 7
    DEAD = 8


class _Reader(abc.ABC, Generic[_Message]):
    """What requests and responses have in common. ``exact``: the text is clear, offsets are bytes."""

    def __init__(self, fields: FieldParser, *, exact: bool, keep_bodies: bool = False) -> None:
        self.state = State.HEAD
        self.current: _Message | None = None
        self.fresh: list[_Message] = []
        self.finished: list[_Message] = []
        self.foreign: str | None = None  # what it is instead of HTTP/1
        self.position = 0  # the stream offset reached
        self.lost = False  # bytes are missing, and what follows them could not be framed
        self._fields = fields
        self._exact = exact
        self._keep_bodies = keep_bodies
        self._carry = b""
        self._carry_start = 0
        self._left = 0  # of BODY or CHUNK
        self._started = False
        self._body: list[bytes] = []
        self._steps: list[Callable[[bytes, int], int]] = [  # in the order of State
            self._head,
            self._sized,
            self._chunk_size,
            self._sized,
            self._trailers,
            self._unsized,
            self._hold,
            self._ignore,
            self._ignore,
        ]
        self._from = 0  # of the text being read: where its carrier begins and ends
        self._to = 0
        self._carried = 0  # how much of the text came over from earlier carriers

    def feed(self, texts: Iterable[Text]) -> None:
        """Take more text, in order."""
        for piece, start, end in texts:
            text = piece
            self._carried = len(self._carry)
            self._from, self._to = start, end
            if self._carry:
                text, self._carry = self._carry + piece, b""
                if self._exact:
                    self._from = start - self._carried
            at, size = 0, len(text)
            while at < size:
                state = self.state
                reached = self._steps[state](text, at)
                if reached == at and self.state is state:
                    self._keep(text, at)
                    break
                at = reached
            self.position = end

    @property
    def lowest_needed(self) -> int:
        """The lowest stream offset that a message still to come, or not yet over, can refer to."""
        if not self._carry:
            return self.position - 1
        return self.position - len(self._carry) if self._exact else self._carry_start

    def _keep(self, text: bytes, at: int) -> None:
        """Carry over what could not be used yet."""
        if self._exact or at >= self._carried:
            self._carry_start = self._start_of(at)
        self._carry = text[at:]
        limit = _MOST_HELD if self.state is State.HELD else LONGEST_HEAD
        if len(self._carry) > limit:
            self._give_up("a head, or what waits for an answer, is too long")

    def _start_of(self, at: int) -> int:
        """The stream offset of what carried the text's byte ``at``."""
        if self._exact:
            return self._from + at
        return self._carry_start if at < self._carried else self._from

    def _end_of(self, at: int) -> int:
        return self._from + at if self._exact else self._to

    def _give_up(self, why: str) -> None:
        self._defect(why)
        self.state = State.DEAD
        self._carry = b""

    def _defect(self, text: str) -> None:
        if self.current is None or len(self.current.defects) >= MOST_DEFECTS:
            return
        self.current.defects.append(text)  # a list of its own: never a cached line's

    def gap(self, offset: int, length: int) -> None:
        """Bytes are missing. A body of known size goes on behind them (in clear text); all else ends."""
        if self.state is State.TUNNEL:
            return
        if self._exact and self.state in (State.BODY, State.CHUNK) and length <= self._left:
            self._left -= length
            if self.current is not None:
                self.current.body_size += length
                self.current.end = offset + length
                self._defect(f"{length} bytes of the body are not in the capture")
            self.position = offset + length
            if self._left == 0:
                self._end_sized()
            return
        self.position = offset
        self.lost = True
        self._give_up("bytes are missing from the capture")

    # --- states -------------------------------------------------------------------------------------

    @abc.abstractmethod
    def _head(self, text: bytes, at: int) -> int:
        """Read a start line and its header fields."""

    def _begin_body(self, message: _Message, framing: Framing) -> None:
        """After the head, by RFC 9112 section 6.3: chunked, or so many bytes, or none."""
        if framing.chunked:
            message.framing, self.state = "chunked", State.CHUNK_SIZE
        elif framing.content_length:
            message.framing = "content-length"
            message.declared_size = self._left = framing.content_length
            self.state = State.BODY
        else:
            if framing.content_length == 0:
                message.framing, message.declared_size = "content-length", 0
            self._finish()

    def _finish(self) -> None:
        message = self.current
        if message is not None:
            message.complete = True
            if self._body:
                message.body = b"".join(self._body)
                self._body = []
            self.finished.append(message)
        self.current = None
        self.state = State.HEAD

    def _take_body(self, part: bytes) -> None:
        message = self.current
        if message is None:
            return
        message.body_size += len(part)
        if type(message) is Request:
            message.body_digest = zlib.crc32(part, message.body_digest or 0)
        if self._keep_bodies and message.body_size <= MOST_BODY_KEPT:
            self._body.append(part)

    def _sized(self, text: bytes, at: int) -> int:
        part = text[at : at + self._left] if at or self._left < len(text) else text
        self._take_body(part)
        self._left -= len(part)
        at += len(part)
        if self.current is not None:
            self.current.end = self._end_of(at)
        if self._left == 0:
            self._end_sized()
        return at

    def _end_sized(self) -> None:
        if self.state is State.BODY:
            self._finish()
        else:
            self.state = State.CHUNK_SIZE

    def _chunk_size(self, text: bytes, at: int) -> int:
        """chunk-size [ chunk-ext ] CRLF (RFC 9112 section 7.1), and the CRLF that ends the chunk before."""
        begin = at
        if text.startswith(b"\r\n", at):
            begin += 2
        elif text.startswith(b"\n", at):
            begin += 1
        match = _CHUNK_SIZE(text, begin)
        if match is None:
            if len(text) - at < _CHUNK_LINE and b"\n" not in text[begin:]:
                return at
            line = text[begin:].split(b"\n", 1)[0]
            self._give_up(f"bad chunk size: {printable(line)} (RFC 9112 section 7.1)")
            return len(text)
        self._left = int(match[1], 16)
        self.state = State.CHUNK if self._left else State.TRAILERS
        if self.current is not None:
            self.current.end = self._end_of(match.end())
        return match.end()

    def _trailers(self, text: bytes, at: int) -> int:
        """Field lines, and the empty line that ends them (RFC 9112 section 7.1.2)."""
        if text.startswith(b"\r\n", at):
            end = at + 2
        elif text.startswith(b"\n", at):
            end = at + 1
        else:
            match = _HEAD_END(text, at)
            if match is None:
                return at
            if self.current is not None:
                self.current.trailers = self._fields.parse(text[at : match.start()])[0]
            end = match.end()
        if self.current is not None:
            self.current.end = self._end_of(end)
        self._finish()
        return end

    def _unsized(self, text: bytes, at: int) -> int:
        self._take_body(text[at:])
        if self.current is not None:
            self.current.end = self._end_of(len(text))
        return len(text)

    def _hold(self, text: bytes, at: int) -> int:
        del text
        return at

    def _ignore(self, text: bytes, at: int) -> int:
        del at
        return len(text)


class RequestReader(_Reader[Request]):
    """Reads requests. ``special`` tells the responses' reader of HEAD and CONNECT, by ordinal from 0;
    ``changing`` is the ordinal of the request that may change the protocol and has no answer yet.
    """

    def __init__(self, fields: FieldParser, *, exact: bool, keep_bodies: bool = False) -> None:
        super().__init__(fields, exact=exact, keep_bodies=keep_bodies)
        self.special: dict[int, str] = {}
        self.changing: int | None = None
        self.count = 0

    def _head(self, text: bytes, at: int) -> int:
        while at < len(text) and text[at] in b"\r\n":  # RFC 9112 section 2.2
            at += 1
        if not self._started and at < len(text):
            self.foreign = foreign(text, at)
            if self.foreign is not None:
                self.state = State.DEAD
                return len(text)
            self._started = b"\n" in text[at:]
        match = _HEAD_END(text, at)
        if match is None:
            return at
        cut = text.index(b"\n", at)
        line = request_line(text[at:cut].rstrip(b"\r"))
        headers, framing = (
            self._fields.parse(text[cut + 1 : match.start()]) if cut < match.start() else ([], _NO_FRAMING)
        )
        request = Request(
            line.method,
            line.target,
            line.version,
            headers,
            self._start_of(at),
            self._end_of(match.end()),
            close_announced=framing.close,
            defects=line.defects + framing.defects if line.defects or framing.defects else [],
        )
        self.current = request
        self.fresh.append(request)
        if line.method in ("HEAD", "CONNECT"):
            self.special[self.count] = line.method
        if framing.upgrade or line.method == "CONNECT":
            self.changing = self.count
        self.count += 1
        self._begin_body(request, framing)
        return match.end()

    @property
    def begun(self) -> int | None:
        """Where a request begins whose head is not complete yet."""
        return self._carry_start if self.state is State.HEAD and self._carry else None

    def _finish(self) -> None:
        super()._finish()
        if self.changing is not None:
            self.state = State.HELD

    def answer(self, *, tunnel: bool) -> None:
        """Take note of the final response to the request that is ``changing``: does it stay HTTP."""
        self.changing = None
        if tunnel:
            self.state, self._carry = State.TUNNEL, b""
        elif self.state is State.HELD:
            self.state = State.HEAD
            held, self._carry = self._carry, b""
            if held:
                start = self.position - len(held) if self._exact else self._carry_start
                self.feed([(held, start, self.position)])

    def close(self) -> None:
        """The stream is over. Half a head is a request too."""
        if self.state is not State.HEAD or not self._carry:
            return
        if not self._started and not is_cut_request(self._carry):
            self.foreign, self._carry = NOT_HTTP, b""
        else:
            line = request_line(self._carry.split(b"\n", 1)[0].rstrip(b"\r"))
            self.current = Request(
                line.method, line.target, line.version, [], self._carry_start, self.position
            )
            self.current.defects = ["the head is not complete"]
            self.fresh.append(self.current)
            self._carry = b""


class ResponseReader(_Reader[Response]):
    """Reads responses; needs to know what was asked (``requests``) where that decides the framing."""

    def __init__(
        self, fields: FieldParser, requests: RequestReader, *, exact: bool, keep_bodies: bool = False
    ) -> None:
        super().__init__(fields, exact=exact, keep_bodies=keep_bodies)
        self._requests = requests
        self._count = 0  # of final responses
        self._lines: dict[bytes, StatusLine] = {}
        self._junk = b""
        self._junk_size = 0
        self._junk_start = 0

    def _head(self, text: bytes, at: int) -> int:
        other = self._requests.foreign
        if other is not None and not self._started and not (other == NOT_HTTP and may_answer(text, at)):
            self.state = State.DEAD
            return len(text)
        if not text.startswith(STATUS_PREFIX, at):
            return self._no_status_line(text, at)
        self._started = True
        match = _HEAD_END(text, at)
        if match is None:
            return at
        cut = text.index(b"\n", at)
        line = self._status_line(text[at:cut].rstrip(b"\r"))
        headers, framing = (
            self._fields.parse(text[cut + 1 : match.start()]) if cut < match.start() else ([], _NO_FRAMING)
        )
        response = Response(
            line.status,
            line.reason,
            line.version,
            headers,
            self._start_of(at),
            self._end_of(match.end()),
            close_announced=framing.close or (line.version == "HTTP/1.0" and not framing.keep_alive),
            defects=line.defects + framing.defects if line.defects or framing.defects else [],
        )
        if self._junk_size:
            note = f"{self._junk_size} bytes before the status line belong to no message: "
            response.defects = [note + printable(self._junk), *response.defects]
            self._junk, self._junk_size = b"", 0
        self.current = response
        self.fresh.append(response)
        self._frame(response, framing)
        return match.end()

    def _status_line(self, data: bytes) -> StatusLine:
        line = self._lines.get(data)
        if line is None:
            line = status_line(data)
            if len(self._lines) >= _MOST_CACHED:
                self._lines.clear()
            self._lines[data] = line
        return line

    def _no_status_line(self, text: bytes, at: int) -> int:
        """Bytes where a status line should be: pass over them to the next one, and say so."""
        while not self._junk_size and at < len(text) and text[at] in b"\r\n":
            at += 1
        found = text.find(STATUS_PREFIX, at)
        if found < 0:
            found = next(
                (n for n in range(max(at, len(text) - 4), len(text)) if STATUS_PREFIX.startswith(text[n:])),
                len(text),
            )
        if found > at:
            if not self._junk_size:
                self._junk_start = self._start_of(at)
            self._junk = (self._junk + text[at:found])[:80]
            self._junk_size += found - at
        return found

    def _frame(self, response: Response, framing: Framing) -> None:
        """RFC 9112 section 6.3, in its order."""
        status = response.status
        if status in _INTERIM and status != _SWITCHING:
            self._finish()
            return
        method = self._requests.special.pop(self._count, "") if self._requests.special else ""
        self._count += 1
        tunnel = status == _SWITCHING or (method == "CONNECT" and 200 <= status < 300)
        if tunnel:
            response.framing = "tunnel"
            self._finish()
            self.state = State.TUNNEL
        elif method == "HEAD" or status in _BODILESS:
            self._finish()
        elif framing.transfer_encoding or framing.content_length is not None:
            if framing.transfer_encoding and not framing.chunked:
                response.framing, self.state = "close", State.UNTIL_CLOSE
            else:
                self._begin_body(response, framing)
        else:
            response.framing, self.state = "close", State.UNTIL_CLOSE
        changing = self._requests.changing
        if tunnel or (changing is not None and self._count > changing):
            self._requests.answer(tunnel=tunnel)

    def close(self, ended: Ended) -> None:
        """The stream is over: by its regular end, or cut."""
        if self.state is State.UNTIL_CLOSE:
            if ended == "clean":
                self._finish()
        elif self.state is State.HEAD and self._started and self._carry.startswith(STATUS_PREFIX):
            line = status_line(self._carry.split(b"\n", 1)[0].rstrip(b"\r"))
            self._cut_head(line, ["the head is not complete"], self._carry_start)
        elif self.state is State.HEAD and (self._junk_size or self._carry) and self._requests.count:
            junk = (self._junk + self._carry)[:80]
            size = self._junk_size + len(self._carry)
            start = self._junk_start if self._junk_size else self._carry_start
            self._cut_head(
                StatusLine("", 0, "", []), [f"{size} bytes that are no response: {printable(junk)}"], start
            )

    def _cut_head(self, line: StatusLine, defects: list[str], start: int) -> None:
        self.current = Response(line.status, line.reason, line.version, [], start, self.position)
        self.current.defects = defects
        self.current.framing = "unknown"
        self.fresh.append(self.current)
        self._carry, self._junk_size = b"", 0


_NO_FRAMING = Framing()
