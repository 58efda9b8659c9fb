"""Records with a sequence number that an earlier record of the same side had.

The sequence number that protects a record is not sent: both ends count (RFC 8446 section 5.3, RFC 5246
section 6.1). If a process forks with a connection open, both processes count on from the same number, and the
receiver cannot authenticate what the second one sends. An observer can, by trying the numbers that were used
already. The last ones are enough, because neither process can be ahead of the number that is expected.

A record that is sent again byte for byte also repeats its number, but does not show a second sender.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from plainwire.model import Text
    from plainwire.tls.record_cipher import RecordCipher

MOST_NUMBERS = 32
"""Records of a direction that are remembered."""
MOST_TRIES = 1 << 10
"""Decryption attempts that a direction may cost here in all."""
FEW_TRIES = 1 << 3
"""The same, for a cipher written in Python."""
_TAIL = 16
"""Bytes at a record's end that depend on the whole record: the tag, or the last block."""
_HEADER = 5
_MOST_HELD = 4 * MOST_NUMBERS


class OpenedRecord(NamedTuple):
    """A decrypted record: its number, its offset in the stream, and its last bytes."""

    number: int
    start: int
    size: int
    tail: bytes


class Again(NamedTuple):
    """The text of a record with the number of an ``earlier`` one; ``copied``: it is the same record."""

    text: bytes
    earlier: OpenedRecord
    copied: bool


class RecordNumbers:
    """The last records of a direction that the present cipher decrypted."""

    __slots__ = ("_cipher", "_records", "_tries")

    def __init__(self) -> None:
        self._cipher: RecordCipher | None = None
        self._records: list[tuple[int, int, int, bytes]] = []  # as ``OpenedRecord``; the last of them count
        self._tries = 0  # that were made

    def note(self, cipher: RecordCipher, start: int, body: bytes | memoryview) -> None:
        """``cipher`` has just decrypted the record at offset ``start`` of the stream."""
        if cipher is not self._cipher:
            self._begin(cipher)
        records = self._records
        records.append((cipher.sequence - 1, start, len(body), bytes(body[-_TAIL:])))
        if len(records) > _MOST_HELD:
            del records[:-MOST_NUMBERS]

    def note_all(self, cipher: RecordCipher, texts: list[Text], buffer: bytes, base: int) -> None:
        """It has just decrypted the records that carried ``texts``; ``base`` is the offset of ``buffer``."""
        if cipher is not self._cipher:
            self._begin(cipher)
        last_ones = texts[-MOST_NUMBERS:]
        number, records = cipher.sequence - len(last_ones), self._records
        for _, start, end in last_ones:
            last = end - base
            records.append((number, start, end - start - _HEADER, buffer[last - _TAIL : last]))
            number += 1
        if len(records) > _MOST_HELD:
            del records[:-MOST_NUMBERS]

    def restore(self, cipher: RecordCipher, records: list[tuple[int, int, int, bytes]]) -> None:
        """Go on from where somebody else had decrypted ``records``, the last of this cipher."""
        self._cipher, self._records = cipher, records

    def _begin(self, cipher: RecordCipher) -> None:
        """Other keys, counted from zero."""
        self._cipher = cipher
        self._records.clear()

    def find(
        self, cipher: RecordCipher, kind: int, version: bytes, body: bytes | memoryview, *, slow: bool
    ) -> Again | None:
        """Decrypt a record with a number that was used before; None if none of them fits."""
        if cipher is not self._cipher:
            return None
        expected, most = cipher.sequence, FEW_TRIES if slow else MOST_TRIES
        for record in reversed(self._records[-MOST_NUMBERS:]):
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
