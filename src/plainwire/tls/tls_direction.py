"""One direction of a TLS connection: a queue of bytes and gaps, split into records.

Nothing here knows what a record means; that is the job of ``session``, which is called with each (``Taker``).
The one exception is the fast path, for what most bytes of a capture are: application data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from cryptography.exceptions import InvalidTag

from plainwire.model import Gap, Side, Text
from plainwire.tls.ciphers import Aead12, Aead13
from plainwire.tls.numbering import RecordNumbers
from plainwire.tls.record_layer import APPLICATION, HEADER_SIZE, LONGEST_RECORD, SSLV2_HELLO

if TYPE_CHECKING:
    from plainwire.tls.negotiation import Negotiation
    from plainwire.tls.record_cipher import RecordCipher
    from plainwire.tls.resync import Lost


class Taker(Protocol):
    """What a direction calls with its records."""

    def record(
        self, direction: TlsDirection, kind: int, version: bytes, body: memoryview, start: int
    ) -> bool:
        """Take a whole record; False if it must wait."""


class Losses(Protocol):
    """What a direction calls where its records do not follow each other."""

    def strange(self, direction: TlsDirection, buffer: bytes, at: int) -> None:
        """No record begins at ``at``, where one should."""

    def missing(self, direction: TlsDirection, gap: Gap) -> None:
        """Bytes are missing here."""

    def find(self, direction: TlsDirection) -> bool:
        """Look for the first record that can be read again; True if ``buffer`` now begins with it."""


class TlsDirection:
    """The bytes of one direction, and the state of its cipher."""

    __slots__ = (
        "base",
        "blocked",
        "buffer",
        "cipher",
        "dead",
        "done",
        "held",
        "holes",
        "inbox",
        "lost",
        "messages",
        "negotiation",
        "numbers",
        "others",
        "plain",
        "reached",
        "record",
        "secret",
        "side",
        "skipping",
        "trusted",
        "wanted",
        "witnessed",
    )

    def __init__(self, side: Side, negotiation: Negotiation) -> None:
        self.side = side
        self.negotiation = negotiation  # the handshake that this side is in, or had last
        self.inbox: list[bytes | Gap] = []  # to come after ``buffer``
        self.holes = 0  # Gaps in ``inbox``
        self.held = 0  # bytes in ``inbox``
        self.buffer = b""
        self.base = 0  # stream offset of buffer[0]
        self.reached = 0  # and of the record that is being opened
        self.record = 0  # records taken
        self.blocked = False  # the first record of ``buffer`` is whole and waits
        self.cipher: RecordCipher | None = None
        self.trusted = False  # ``cipher``, or one before it, opened a record
        self.secret = b""  # TLS 1.3: what ``cipher`` was made of
        self.others: list[bytes] = []  # TLS 1.3: what it may have to be made of instead
        self.wanted = ""  # TLS 1.3: the label of the secret that ``cipher`` is to be made of
        self.skipping = False  # rejected early data may precede what the cipher opens
        self.done = False  # Finished was seen
        self.witnessed = False  # each record is told of: the fast path is too fast for that
        self.dead = False
        self.messages = b""  # handshake messages, the last of them incomplete or waiting
        self.lost: Lost | None = None
        self.numbers = RecordNumbers()
        self.plain: list[Text | Gap] = []

    def __repr__(self) -> str:
        return f"<Direction of the {self.side.name.lower()}, {self.record} records>"

    def feed(self, offset: int, data: bytes) -> None:
        """Bytes, in order."""
        if not self.buffer and not self.inbox:
            self.base = offset
        self.inbox.append(data)
        self.held += len(data)

    def gap(self, gap: Gap) -> None:
        """A hole, in order."""
        if not self.buffer and not self.inbox:
            self.base = gap.offset
        self.inbox.append(gap)
        self.holes += 1

    def die(self) -> None:
        """Stop reading."""
        self.dead = True
        self.lost = None
        self.buffer = b""
        self.inbox.clear()
        self.held = self.holes = 0

    def step(self, taker: Taker, losses: Losses) -> bool:
        """Take records until none is complete or one must wait; True if any was taken."""
        moved = False
        while not self.dead:
            if self.inbox and type(self.inbox[0]) is not Gap:
                self._fill()
            if self.lost is not None:
                found = losses.find(self)
                moved = moved or found
                if found:
                    self.lost = None
            if self.lost is None and not self.dead:
                moved = self._cut(taker, losses) or moved
            if self.blocked or not self.inbox or not self._cross(losses):
                break
            moved = True
        return moved

    def _fill(self) -> None:
        """Append to ``buffer`` what came, up to the next gap."""
        parts: list[bytes] = []
        for item in self.inbox:
            if isinstance(item, Gap):
                break
            parts.append(item)
        if self.buffer or len(parts) > 1:
            self.held -= sum(map(len, parts))
            self.buffer = b"".join((self.buffer, *parts))
        else:
            self.buffer = parts[0]
            self.held -= len(self.buffer)
        del self.inbox[: len(parts)]

    def _cross(self, losses: Losses) -> bool:
        """Skip a gap with no complete record before it; the rest of the buffer is dropped."""
        gap = self.inbox[0]
        if not isinstance(gap, Gap):
            return True
        self.reached = self.base
        losses.missing(self, gap)
        if not self.dead:
            del self.inbox[0]
            self.holes -= 1
            self.buffer, self.base = b"", gap.offset + gap.length
        return True

    def _cut(self, taker: Taker, losses: Losses) -> bool:
        """Split ``buffer`` into records; True if any was taken."""
        buffer = self.buffer
        at, size = 0, len(buffer)
        self.blocked = False
        while size - at >= HEADER_SIZE and not self.dead and self.lost is None:
            if self.done and not self.witnessed:
                reached = self._fast(buffer, at) if type(self.cipher) is Aead13 else self._fast12(buffer, at)
                if reached > at:
                    at = reached
                    continue
            kind, head = buffer[at], HEADER_SIZE
            version, length = buffer[at + 1 : at + 3], buffer[at + 3] << 8 | buffer[at + 4]
            if not 20 <= kind <= 24 or version[0] != 3 or length > LONGEST_RECORD:
                if not (self.record == 0 and self._is_sslv2_hello(buffer)):
                    self.reached = self.base + at
                    losses.strange(self, buffer, at)
                    break
                kind, head, length = SSLV2_HELLO, 2, (buffer[0] & 0x7F) << 8 | buffer[1]
            end = at + head + length
            if end > size:
                break
            self.reached = self.base + at
            if not taker.record(self, kind, version, memoryview(buffer)[at + head : end], self.reached):
                self.blocked = not self.dead
                break
            self.record += 1
            at = end
        if self.dead:
            return False
        if at:
            self.buffer = buffer[at:]
            self.base += at
        return at > 0

    def _is_sslv2_hello(self, buffer: bytes) -> bool:
        return self.side == Side.CLIENT and buffer[0] & 0x80 != 0 and buffer[2] == 1 and buffer[3] in (2, 3)

    def _fast(self, buffer: bytes, at: int) -> int:
        """TLS 1.3 application data after the handshake: the bulk of every capture.

        Stops, with the offset reached, at anything else: ``_cut`` then takes that record.
        """
        cipher = self.cipher
        assert type(cipher) is Aead13  # noqa: S101 - for the type checker
        decrypt, iv, sequence = cipher.decrypt, cipher.iv, cipher.sequence
        texts: list[Text] = []
        base, before = self.base, sequence
        if cipher.run is not None:
            texts, at, sequence = cipher.run.open(buffer, at, base, sequence)
        append = texts.append
        view, size = memoryview(buffer), len(buffer)
        while size - at >= HEADER_SIZE and buffer[at] == APPLICATION:
            body = at + HEADER_SIZE
            end = body + (buffer[at + 3] << 8 | buffer[at + 4])
            if end > size:
                break
            try:
                text = decrypt((iv ^ sequence).to_bytes(12, "big"), view[body:end], view[at:body])
            except InvalidTag:
                break
            if not text or text[-1] != APPLICATION:
                break
            sequence += 1
            append((text[:-1], base + at, base + end))
            at = end
        cipher.sequence = sequence
        self.record += sequence - before
        if texts:
            self.plain += texts
            self.numbers.note_all(cipher, texts, buffer, base)
        return at

    def _fast12(self, buffer: bytes, at: int) -> int:
        """The same of TLS 1.2, by the kernel alone: where its keys are proved to be the right ones."""
        cipher, negotiation = self.cipher, self.negotiation
        if (
            type(cipher) is not Aead12
            or cipher.run is None
            or self.messages
            or self.skipping
            or not (self.trusted and negotiation.authenticated)
        ):
            return at
        before = cipher.sequence
        texts, at, cipher.sequence = cipher.run.open(buffer, at, self.base, before)
        self.record += cipher.sequence - before
        if texts:
            self.plain += texts
            self.numbers.note_all(cipher, texts, buffer, self.base)
        return at
