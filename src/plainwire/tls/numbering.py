"""Records that have a number which another one of the same side bore before.

Each record of a direction is sealed with a number that nobody sends: both ends count (RFC 8446 section 5.3,
RFC 5246 section 6.1). Where a process forks with a connection open, both processes count on from the same
number, and the receiver cannot authenticate what the second one sends. A listener can: it tries the numbers
that were used already. Those that were used last are all that is needed, because neither process can be ahead
of the number that is expected.

A record that is sent again byte for byte has its number twice as well, and shows no second sender.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from plainwire.model import Text
    from plainwire.tls.record_cipher import RecordCipher

MOST_NUMBERS = 32
"""So many records of a direction are remembered."""
MOST_TRIES = 1 << 10
"""Openings of records that a direction may cost here in all."""
FEW_TRIES = 1 << 3
"""As many, for a cipher that is made in Python."""
_TAIL = 16
"""Bytes at a record's end, which depend on all of it: the tag, or the last block."""
_HEADER = 5


class OpenedRecord(NamedTuple):
    """A record that was opened: its number, where it begins in the stream, and how it ends."""

    number: int
    start: int
    size: int
    tail: bytes


class Again(NamedTuple):
    """What a record says that has the number of an ``earlier`` one; ``copied``: it is the same record."""

    text: bytes
    earlier: OpenedRecord
    copied: bool


class RecordNumbers:
    """The last records of a direction that the cipher in use opened."""

    __slots__ = ("_cipher", "_records", "_tries")

    def __init__(self) -> None:
        self._cipher: RecordCipher | None = None
        self._records: deque[tuple[int, int, int, bytes]] = deque(maxlen=MOST_NUMBERS)  # as ``OpenedRecord``
        self._tries = 0  # that were made

    def note(self, cipher: RecordCipher, start: int, body: bytes | memoryview) -> None:
        """``cipher`` has just opened the record that begins at the offset ``start`` of the stream."""
        if cipher is not self._cipher:
            self._begin(cipher)
        self._records.append((cipher.sequence - 1, start, len(body), bytes(body[-_TAIL:])))

    def note_all(self, cipher: RecordCipher, texts: list[Text], buffer: bytes, base: int) -> None:
        """It has just opened those that carried ``texts``; ``base`` is the offset of ``buffer``."""
        if cipher is not self._cipher:
            self._begin(cipher)
        last_ones = texts[-MOST_NUMBERS:]
        number = cipher.sequence - len(last_ones)
        for _, start, end in last_ones:
            last = end - base
            self._records.append((number, start, end - start - _HEADER, buffer[last - _TAIL : last]))
            number += 1

    def _begin(self, cipher: RecordCipher) -> None:
        """Other keys, counted from zero."""
        self._cipher = cipher
        self._records.clear()

    def find(
        self, cipher: RecordCipher, kind: int, version: bytes, body: bytes | memoryview, *, slow: bool
    ) -> Again | None:
        """Open a record with a number that was used; None where none of them fits."""
        if cipher is not self._cipher:
            return None
        expected, most = cipher.sequence, FEW_TRIES if slow else MOST_TRIES
        for record in reversed(self._records):
            earlier = OpenedRecord(*record)
            if self._tries >= most:
                break
            self._tries += 1
            cipher.sequence = earlier.number
            text = cipher.open(kind, version, body)
            cipher.sequence = expected
            if text is not None:
                same = len(body) == earlier.size and bytes(body[-_TAIL:]) == earlier.tail
                return Again(text, earlier, same)
        return None
