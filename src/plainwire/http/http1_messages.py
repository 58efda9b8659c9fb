"""Readers of requests and of responses: how the two directions of HTTP/1.x differ (see ``http1_reader``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from plainwire import plurals
from plainwire.http.exchange_room import MOST_INTERIM
from plainwire.http.http1_fields import Framing, StatusLine, printable, request_line, status_line
from plainwire.http.http1_reader import HEAD_END, Reader, State
from plainwire.http.http1_recognise import (
    NOT_HTTP,
    REQUEST_START,
    STATUS_PREFIX,
    STATUS_START,
    foreign,
    is_cut_request,
    may_answer,
)
from plainwire.model import Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from plainwire._kernel import Heads, Whole
    from plainwire.http.exchange_room import ExchangeShare
    from plainwire.http.reading import Reading
    from plainwire.model import Gap, Text

_INTERIM = range(100, 200)
_SWITCHING = 101
_BODILESS = frozenset((204, 304))

Ended = Literal["clean", "cut"]
"""How a byte stream ended, which decides whether a message without a length is complete."""


class RequestReader(Reader[Request]):
    """Reads requests. ``special`` tells the reader of responses about HEAD and CONNECT, by ordinal from 0;
    ``changing`` is the ordinal of the request that may change the protocol and has no response yet.
    """

    __slots__ = ("_switches", "changing", "count", "special")

    def __init__(self, reading: Reading, share: ExchangeShare, *, exact: bool) -> None:
        super().__init__(reading, share, exact=exact)
        self.special: dict[int, str] = {}
        self.changing: int | None = None
        self.count = 0
        self._switches = False  # with the request that comes next

    def _head(self, text: bytes, at: int) -> int:
        while at < len(text) and text[at] in b"\r\n":  # RFC 9112 section 2.2
            at += 1
        if not self._started and at < len(text):
            self.foreign = foreign(text, at)
            if self.foreign is not None:
                if self.joined_late and self.foreign == NOT_HTTP:
                    self.foreign, self.state = None, State.LOST
                    return at
                self.state = State.DEAD
                return len(text)
            self._started = b"\n" in text[at:]
        match = HEAD_END(text, at)
        if match is None:
            return at
        cut = text.index(b"\n", at)
        line = request_line(text[at:cut].rstrip(b"\r"))
        headers, framing = self._fields(text, cut + 1, match.start())
        if not self._share.admits(headers, answered_later=True):
            self._leave_out(at)
            return match.end()
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
        if framing.upgrade:
            request.for_websocket = any(
                n.lower() == "upgrade" and "websocket" in v.lower() for n, v in headers
            )
        if framing.upgrade or line.method == "CONNECT":
            self.changing = self.count
        self.count += 1
        self._begin_body(request, framing)
        return match.end()

    @property
    def _is_plain(self) -> bool:
        return self.changing is None and not self._switches

    def _read_by(self, heads: Heads, texts: list[Text | Gap], at: int) -> Whole[Request]:
        return heads.requests(texts, at, self.locate)

    def _count(self, messages: int) -> None:
        self.count += messages

    def _starts(self, text: bytes, at: int) -> Iterable[int]:
        return (match.start() for match in REQUEST_START(text, at))

    @property
    def begun(self) -> int | None:
        """The offset of a request whose head is not complete yet."""
        return self._carry_start if self.state is State.HEAD and self._carry else None

    def _finish(self) -> None:
        super()._finish()
        if self._switches:
            self.state = State.TUNNEL
        elif self.changing is not None:
            self.state = State.HELD

    def answer(self, *, tunnel: bool) -> None:
        """Take the final response to the request that is ``changing``: whether the connection stays HTTP.

        If no request has come yet, this is the response to the next one.
        """
        self._switches = tunnel and not (self.count or self.joined_late or self.lost)
        if self._switches:
            return
        self.changing = None
        held = self._take_held() if self.state is State.HELD else []
        if tunnel:
            self.state = State.TUNNEL
            self.tunnelled += held
        elif self.state is State.HELD:
            self.state = State.HEAD
            self.feed(held)

    def close(self) -> None:
        """The stream is over."""
        if self.state is State.HEAD and self._carry:
            self._cut_head()
        if self.current is not None:
            self._end_content(self.current)

    def _cut_head(self) -> None:
        """Make a request of half a head."""
        if not self._started and not is_cut_request(self._carry):
            self.foreign, self._carry = NOT_HTTP, b""
        else:
            line = request_line(self._carry.split(b"\n", 1)[0].rstrip(b"\r"))
            self.current = Request(
                line.method, line.target, line.version, [], self._carry_start, self.position
            )
            self.current.defects = ["the head is not complete"]
            self.fresh.append(self.current)
            self.count += 1
            self._carry = b""


class ResponseReader(Reader[Response]):
    """Reads responses; needs the ``requests`` where the method decides the framing."""

    __slots__ = ("_finals", "_interim", "_junk", "_junk_size", "_junk_start", "_requests", "asked")

    def __init__(
        self, reading: Reading, share: ExchangeShare, requests: RequestReader, *, exact: bool
    ) -> None:
        super().__init__(reading, share, exact=exact)
        self._requests = requests
        self._finals = 0  # of final responses
        self._interim = 0  # responses since the last final one
        self._junk = b""
        self._junk_size = 0
        self._junk_start = 0
        self.asked: Callable[[int], str] | None = None
        """The method of the last request before the response that begins at an offset."""

    def _head(self, text: bytes, at: int) -> int:
        other = self._requests.foreign
        if other is not None and not self._started and not (other == NOT_HTTP and may_answer(text, at)):
            self.state = State.DEAD
            return len(text)
        if not text.startswith(STATUS_PREFIX, at):
            if self.joined_late and not self._started and not may_answer(text, at):
                self.state = State.LOST
                return at
            return self._no_status_line(text, at)
        self._started = True
        match = HEAD_END(text, at)
        if match is None:
            return at
        cut = text.index(b"\n", at)
        line = self._reading.status_line(text[at:cut].rstrip(b"\r"))
        headers, framing = self._fields(text, cut + 1, match.start())
        if not self._keeps(line.status, headers, at):
            return match.end()
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
            note = (
                f"{plurals.count(self._junk_size, 'byte')} before the status line "
                f"{plurals.agreeing(self._junk_size, 'belongs')} to no message: "
            )
            response.defects = [note + printable(self._junk), *response.defects]
            self._junk, self._junk_size = b"", 0
        self.current = response
        self.fresh.append(response)
        self._frame(response, framing)
        return match.end()

    def _keeps(self, status: int, headers: Sequence[tuple[str, str]], at: int) -> bool:
        """Whether there is room for the response that begins at byte ``at`` of the text."""
        self._interim = self._interim + 1 if status in _INTERIM and status != _SWITCHING else 0
        if self._interim > MOST_INTERIM:
            return False
        if not self._share.admits(headers):
            self._leave_out(at)
            self.lost = True
            return False
        return True

    @property
    def lowest_needed(self) -> int:
        """See the base: junk is noted with where it began."""
        return min(super().lowest_needed, self._junk_start) if self._junk_size else super().lowest_needed

    @property
    def _is_plain(self) -> bool:
        requests = self._requests
        if self._junk_size or requests.foreign is not None or requests.resumed_at:
            return False
        return requests.changing is None and not requests.special

    def _read_by(self, heads: Heads, texts: list[Text | Gap], at: int) -> Whole[Response]:
        return heads.responses(texts, at, self.locate)

    def _count(self, messages: int) -> None:
        self._finals += messages
        self._interim = 0

    def _starts(self, text: bytes, at: int) -> Iterable[int]:
        return (match.start() for match in STATUS_START(text, at))

    def _no_status_line(self, text: bytes, at: int) -> int:
        """Bytes where a status line should be: skip to the next status line, and note it."""
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
        """Decide the framing, in the order of RFC 9112 section 6.3."""
        status = response.status
        if status in _INTERIM and status != _SWITCHING:
            self._finish()
            return
        if self.resumed_at or self._requests.resumed_at:
            # Ordinals no longer say which request it answers.
            method = "" if self.asked is None else self.asked(response.start)
            self._finals = self._requests.count - 1
        else:
            method = self._requests.special.pop(self._finals, "") if self._requests.special else ""
        self._finals += 1
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
                self._expect_content(framing)
            else:
                self._begin_body(response, framing)
        else:
            response.framing, self.state = "close", State.UNTIL_CLOSE
            self._expect_content(framing)
        changing = self._requests.changing
        if tunnel or (changing is not None and self._finals > changing):
            self._requests.answer(tunnel=tunnel)

    def close(self, ended: Ended) -> None:
        """The stream has ended, in order or cut."""
        if self.state is State.UNTIL_CLOSE:
            if ended == "clean":
                self._finish()
        elif self.state is State.HEAD and self._started and self._carry.startswith(STATUS_PREFIX):
            self._cut_head()
        elif self.state is State.HEAD and (self._junk_size or self._carry) and self._requests.count:
            junk = (self._junk + self._carry)[:80]
            size = self._junk_size + len(self._carry)
            start = self._junk_start if self._junk_size else self._carry_start
            self._begin_cut(
                StatusLine("", 0, "", []),
                [
                    (
                        f"{plurals.count(size, 'byte')} that {plurals.agreeing(size, 'is')} no response: "
                        f"{printable(junk)}"
                    )
                ],
                start,
            )
        if self.current is not None:
            self._end_content(self.current)

    def _cut_head(self) -> None:
        if self._carry.startswith(STATUS_PREFIX):
            line = status_line(self._carry.split(b"\n", 1)[0].rstrip(b"\r"))
            self._begin_cut(line, ["the head is not complete"], self._carry_start)
            self._finals += 1

    def _begin_cut(self, line: StatusLine, defects: list[str], start: int) -> None:
        self.current = Response(line.status, line.reason, line.version, [], start, self.position)
        self.current.defects = defects
        self.current.framing = "unknown"
        self.fresh.append(self.current)
        self._carry, self._junk_size = b"", 0
