"""One direction of an HTTP/1.x connection: takes plain text, gives messages.

Theory of operation. A reader is in one of these states:

    HEAD -> BODY (n bytes) | CHUNK_SIZE <-> CHUNK -> TRAILERS | UNTIL_CLOSE -> HEAD ...
    HELD      a request that may change the protocol was sent: what follows waits for its answer
    TUNNEL    the connection is no longer HTTP (RFC 9110 sections 7.8, 9.3.6): ``tunnelled`` collects the rest
    LOST      bytes are missing, or the capture began in mid-connection: nothing can be framed until a segment
              (in TLS: a record) begins with what can only be the start of a message
    DEAD      what follows cannot be framed, or is not read because there is too much of it (``left_out_at``)

A state's method returns the position that it reached in the text; without progress the rest is carried over
to the next piece. A message is listed in ``fresh`` when its head has been read, in ``finished`` when it has
ended. It knows where in the TCP stream it begins and ends: exactly without TLS, to whole records with TLS.
"""

from __future__ import annotations

import abc
import enum
import re
import zlib
from typing import TYPE_CHECKING, Generic, TypeVar

from plainwire.http.body import KeptBody
from plainwire.http.budget import Budget
from plainwire.http.content import ContentDecoder
from plainwire.http.event_stream import EventReader, reader_of
from plainwire.http.http1_fields import Framing, printable
from plainwire.model import Gap, Request, Response, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from plainwire._kernel import Heads, Whole
    from plainwire.http.exchange_room import ExchangeShare
    from plainwire.http.reading import Reading

LONGEST_HEAD = 1 << 20
MOST_DEFECTS = 20
HEAD_END = re.compile(rb"\n\r?\n").search
_PARTIAL = 206
_MOST_HELD = 1 << 20
_CHUNK_LINE = 4096
_CHUNK_SIZE = re.compile(rb"([0-9a-fA-F]{1,15})[ \t]*(?:;[^\r\n]*)?\r?\n").match

_NO_FRAMING = Framing()

Message = TypeVar("Message", Request, Response)


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
    LOST = 9


_STEPS = (
    "_head",
    "_sized",
    "_chunk_size",
    "_sized",
    "_trailers",
    "_unsized",
    "_hold",
    "_tunnel",
    "_ignore",
    "_resume",
)
"""The methods of the states, in their order. By name: a reader that held them would hold itself."""


class Reader(abc.ABC, Generic[Message]):
    """What requests and responses share. ``exact``: there is no TLS, so offsets are exact."""

    __slots__ = (
        "_body",
        "_budget",
        "_by_hand",
        "_carried",
        "_carry",
        "_carry_start",
        "_content",
        "_events",
        "_exact",
        "_from",
        "_held",
        "_left",
        "_reading",
        "_share",
        "_started",
        "_to",
        "begins_segment",
        "current",
        "finished",
        "foreign",
        "fresh",
        "joined_late",
        "left_out_at",
        "locate",
        "lost",
        "noted",
        "position",
        "resumed_at",
        "state",
        "tunnelled",
    )

    def __init__(self, reading: Reading, share: ExchangeShare, *, exact: bool) -> None:
        self.state = State.HEAD
        self.current: Message | None = None
        self.fresh: list[Message] = []
        self.finished: list[Message] = []
        self.foreign: str | None = None  # what it is instead of HTTP/1
        self.position = 0  # the stream offset reached
        self.lost = False  # bytes are missing, and what follows them could not be framed
        self.resumed_at: set[int] | None = (
            None  # the starts of messages behind such holes, where there are any
        )
        self.joined_late = False  # the capture began in mid-connection
        self.left_out_at: int | None = None  # from here on messages are not read: there was no room for more
        self.tunnelled: list[Text | Gap] = []
        self.begins_segment: Callable[[int], bool] = _never  # whether a segment begins at a stream offset
        self.locate: Callable[[list[int]], tuple[list[int], list[int]]] = _nowhere  # see ``Locator``
        self._reading = reading
        self._share = share
        self._exact = exact
        self._carry = b""
        self._carry_start = 0
        self._by_hand = reading.heads is None  # all is read here, nothing by the kernel
        self._held: list[
            tuple[int, int, int]
        ] = []  # HELD: for each text, size up to its end, and its carrier
        self._left = 0  # of BODY or CHUNK
        self._started = False
        self._body = KeptBody(reading)
        self._content: ContentDecoder | None = None
        self._events: EventReader | None = None
        self.noted: list[tuple[int, EventReader]] = []
        """Outbox: offsets in the stream at which events stand whose packets are wanted."""
        self._budget = Budget(reading.budget)
        self._from = 0  # of the text being read: where its carrier begins and ends
        self._to = 0
        self._carried = 0  # how much of the text came over from earlier carriers

    def feed(self, texts: Iterable[Text | Gap]) -> None:
        """Take more text, in order."""
        if self._by_hand:
            for item in texts:
                self._take(item)
            return
        run, at = list(texts), 0
        while at < len(run):
            whole = 0
            if self.state is State.HEAD and not (self._carry or self.resumed_at or self._by_hand):
                whole = self._whole(run, at)
            if not whole:
                self._take(run[at])
            at += whole or 1

    def _take(self, item: Text | Gap) -> None:
        if item.__class__ is Gap:
            self.gap(item)
            return
        piece, start, end = item  # type: ignore[misc]  # mypy does not narrow by __class__
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
            reached = self._step(text, at)
            if reached == at and self.state is state:
                self._keep(text, at)
                break
            at = reached
        self.position = end

    def _whole(self, texts: list[Text | Gap], at: int) -> int:
        """Take those of the texts from ``at`` on that are whole plain messages; returns how many."""
        heads = self._reading.heads
        if heads is None or not self._is_plain:
            return 0
        messages, fields, size, placed = self._read_by(heads, texts, at)
        if not messages:
            return 0
        asks = isinstance(messages[0], Request)
        if not self._share.admits_all(len(messages), fields, size, answered_later=asks):
            self._by_hand = True  # where there is hardly any room each one counts
            return 0
        self._started = True
        self.fresh += messages
        if not placed:
            self.finished += messages
        self._count(len(messages))
        self.position = messages[-1].end
        return len(messages)

    @property
    @abc.abstractmethod
    def _is_plain(self) -> bool:
        """Whether messages mean what they say by themselves."""

    @abc.abstractmethod
    def _read_by(self, heads: Heads, texts: list[Text | Gap], at: int) -> Whole[Message]:
        """The messages of this side: see ``Whole``."""

    @abc.abstractmethod
    def _count(self, messages: int) -> None:
        """Count final messages that were not read here."""

    def _step(self, text: bytes, at: int) -> int:
        """Let the state's method read from ``at``; returns the position that it reached."""
        step: Callable[[bytes, int], int] = getattr(self, _STEPS[self.state])
        return step(text, at)

    @property
    def lowest_needed(self) -> int:
        """The lowest stream offset that an open or future message can refer to."""
        if not self._carry:
            return self.position - 1
        return self.position - len(self._carry) if self._exact else self._carry_start

    def _keep(self, text: bytes, at: int) -> None:
        """Carry over the unread rest."""
        if self._exact or at >= self._carried:
            self._carry_start = self._start_of(at)
        self._carry = text[at:]
        limit = LONGEST_HEAD
        if self.state is State.HELD:
            limit = _MOST_HELD
            self._held.append((len(self._carry), self._from, self._to))
        if len(self._carry) > limit:
            self._give_up("a head, or what waits for an answer, is too long")

    def _take_held(self) -> list[Text]:
        """What waited for a response, in the texts in which it came, which lead to its packets."""
        carry, self._carry = self._carry, b""
        held, self._held = self._held, []
        base, at = self.position - len(carry), 0
        texts: list[Text] = []
        for size, *carrier in held:
            start, end = carrier
            if self._exact:
                start, end = base + at, base + size
            texts.append((carry[at:size], start, end))
            at = size
        return texts

    def _start_of(self, at: int) -> int:
        """The stream offset of what carried byte ``at`` of the text."""
        if self._exact:
            return self._from + at
        return self._carry_start if at < self._carried else self._from

    def _end_of(self, at: int) -> int:
        return self._from + at if self._exact else self._to

    def _give_up(self, why: str) -> None:
        self._defect(why)
        if self.current is not None and self.state is not State.DEAD:
            self.finished.append(self.current)  # its last byte is looked up while that can be done
        self.state = State.DEAD
        self._carry = b""

    def _leave_out(self, at: int) -> None:
        """There is no room for the message that begins at byte ``at`` of the text, nor for later ones."""
        self.left_out_at = self._start_of(at)
        self.state = State.DEAD

    def _defect(self, text: str) -> None:
        if self.current is None or len(self.current.defects) >= MOST_DEFECTS:
            return
        self.current.defects.append(text)  # a list of its own: never a cached line's

    def gap(self, gap: Gap) -> None:
        """Bytes are missing. Without TLS a body of known size continues after them; everything else ends."""
        offset, length = gap.offset, gap.length
        sized = self._exact and self.state in (State.BODY, State.CHUNK) and length <= self._left
        if self.state is State.TUNNEL:
            self.tunnelled.append(gap)
        elif sized or self.state is State.UNTIL_CLOSE:
            self._skip_body(offset + length, length)
        else:
            self.position = offset
            self._lose()

    def _skip_body(self, end: int, length: int) -> None:
        if self.current is not None:
            self.current.body_size += length if self._exact else 0
            self.current.end = end
            self._defect(f"{length} bytes of the body are not in the capture")
        if self._content is not None:
            self._content.hole(length)
        self.position = end
        if self.state is not State.UNTIL_CLOSE:
            self._left -= length
            if self._left == 0:
                self._end_sized()

    def _lose(self) -> None:
        """Stop until the next start of a message."""
        self.lost = True
        state = self.state
        if state is State.HEAD and self._carry:
            self._cut_head()
        self._give_up("bytes are missing from the capture")
        if self.current is not None:
            self._end_content(self.current)
            self.current = None
        self._started = True
        if state not in (State.DEAD, State.HELD):
            self.state = State.LOST

    def _resume(self, text: bytes, at: int) -> int:
        """Look for the start of a message at the beginning of a segment or record."""
        for found in self._starts(text, at):
            begins = self.begins_segment(self._from + found) if self._exact else found == 0
            if begins:
                self.state = State.HEAD
                self._started = True
                self.resumed_at = self.resumed_at or set()
                self.resumed_at.add(self._from + found if self._exact else self._from)
                return found
        return len(text)

    @abc.abstractmethod
    def _cut_head(self) -> None:
        """Make a message of an incomplete head, if it is one."""

    @abc.abstractmethod
    def _starts(self, text: bytes, at: int) -> Iterable[int]:
        """The positions in the text at which a message may start."""

    # --- states -------------------------------------------------------------------------------------

    @abc.abstractmethod
    def _head(self, text: bytes, at: int) -> int:
        """Read a start line and its header fields."""

    def _fields(self, text: bytes, at: int, end: int) -> tuple[list[tuple[str, str]], Framing]:
        """Read the lines between a start line and the empty line."""
        return self._reading.fields.parse(text[at:end]) if at <= end else ([], _NO_FRAMING)

    def _expect_content(self, framing: Framing) -> None:
        """Prepare for a body: its codings, and whether it is an event stream."""
        partial = type(self.current) is Response and self.current.status == _PARTIAL
        if framing.codings and not partial:  # a part of coded content cannot be decoded alone
            self._content = ContentDecoder(framing.codings, self._budget)
        if framing.event_stream:
            self._events = reader_of(framing.event_stream)

    def _end_content(self, message: Message) -> None:
        if self._content is not None:
            message.content = self._content.finish(complete=message.complete)
            self._content = None
        if self._events is not None:
            if type(message) is Response:
                message.event_stream = self._events.facts
            self._events = None
        message.body = self._body.take() or message.body

    def _begin_body(self, message: Message, framing: Framing) -> None:
        """Begin the body after the head, by RFC 9112 section 6.3: chunked, of known length, or none."""
        if framing.chunked:
            message.framing, self.state = "chunked", State.CHUNK_SIZE
            self._expect_content(framing)
        elif framing.content_length:
            message.framing = "content-length"
            message.declared_size = self._left = framing.content_length
            self.state = State.BODY
            self._expect_content(framing)
        else:
            if framing.content_length == 0:
                message.framing, message.declared_size = "content-length", 0
            self._finish()

    def _finish(self) -> None:
        message = self.current
        if message is not None:
            message.complete = True
            self._end_content(message)
            self.finished.append(message)
        self.current = None
        self.state = State.HEAD

    def _take_body(self, part: bytes, end: int) -> None:
        """Take a part of the body, which ends at byte ``end`` of the text."""
        message = self.current
        if message is None:
            return
        message.body_size += len(part)
        if type(message) is Request:
            message.body_digest = zlib.crc32(part, message.body_digest or 0)
        if self._content is None:
            self._take_plain(part, end)
            return
        for piece in self._content.feed(part):
            self._take_plain(piece, end)

    def _take_plain(self, part: bytes, end: int) -> None:
        if self._events is not None and self._events.feed(part):
            self.noted.append((self._end_of(end) - 1, self._events))
        self._body.add(part)

    def _sized(self, text: bytes, at: int) -> int:
        part = text[at : at + self._left] if at or self._left < len(text) else text
        at += len(part)
        self._take_body(part, at)
        self._left -= len(part)
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
            match = HEAD_END(text, at)
            if match is None:
                return at
            if self.current is not None:
                self.current.trailers = self._reading.fields.parse(text[at : match.start()])[0]
            end = match.end()
        if self.current is not None:
            self.current.end = self._end_of(end)
        self._finish()
        return end

    def _unsized(self, text: bytes, at: int) -> int:
        self._take_body(text[at:], len(text))
        if self.current is not None:
            self.current.end = self._end_of(len(text))
        return len(text)

    def _hold(self, text: bytes, at: int) -> int:
        del text
        return at

    def _ignore(self, text: bytes, at: int) -> int:
        del at
        return len(text)

    def _tunnel(self, text: bytes, at: int) -> int:
        self.tunnelled.append(
            (text[at:], self._start_of(at), self._to if not self._exact else self._from + len(text))
        )
        return len(text)


def _never(_offset: int) -> bool:
    return False


def _nowhere(offsets: list[int]) -> tuple[list[int], list[int]]:
    return [0] * len(offsets), [0] * len(offsets)
