"""Continuing after a gap: which record comes next, and which sequence number it has.

A record of TLS 1.1 and later (but for RC4 and compression) can be opened without those before it if its
sequence number is known. So after a gap every place that looks like a record header is tried with every
number that the record can have: as many records may be missing as fit into the gap. Authentication decides,
so nothing is guessed. ``MOST_TRIES`` bounds the work for each gap.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, Protocol

from plainwire.tls.record_layer import LONGEST_RECORD

if TYPE_CHECKING:
    from plainwire.tls.record_cipher import RecordCipher

MOST_TRIES = 1 << 14
"""Decryption attempts that one gap may cost."""
FEW_TRIES = 1 << 10
"""The same, where no bytes are missing."""
_MOST_JOINS = 64  # records on which all secrets are tried, before a direction is given up
_SLOW = 7  # as many halvings, for a cipher that is made in Python
_MOST_NUMBERS = 1 << 12
_SMALLEST = 5 + 17
"""Bytes of the smallest record: an empty one of TLS 1.3; those of TLS 1.2 are larger."""

TLS13_RECORDS = re.compile(rb"\x17\x03[\x01\x03]", re.DOTALL)


def records_of(version: int) -> re.Pattern[bytes]:
    """How the headers of encrypted records begin in a version before TLS 1.3."""
    return re.compile(rb"[\x15-\x18]" + re.escape(version.to_bytes(2, "big")), re.DOTALL)


class Try(NamedTuple):
    """A cipher that may have encrypted the next record, from its present sequence number on.

    What it was made of, where it is not the one in use: a secret of TLS 1.3 and its label, or the master
    secret of a handshake before and the ciphers of both sides.
    """

    cipher: RecordCipher
    label: str = ""
    secret: bytes = b""
    master: bytes = b""
    pair: tuple[RecordCipher, RecordCipher] | None = None

    def __repr__(self) -> str:
        return f"<Try {self.label or 'the cipher in use'}>"


class FoundRecord(NamedTuple):
    """A record that opens, as number ``sequence``."""

    tried: Try
    sequence: int


class Joining(Protocol):
    """Takes keys by the first record that can be read: see ``trial_keys``."""

    def __call__(self, version: bytes, body: bytes) -> RecordCipher | None:
        """The cipher that opens it, where there is one."""


class Lost:
    """The state of a direction that has lost its place: since which offset, and what has been tried."""

    __slots__ = ("_failed", "_tries", "ciphers", "damage", "packet", "since", "why")

    def __init__(self, since: int, packet: int, why: str, *, damage: str = "", slow: bool = False) -> None:
        self.since = since
        self.packet = packet
        self.why = why  # why nothing more is read, if no record is found
        self.damage = damage  # of the bytes before one that is found; empty where they are missing
        self.ciphers: list[Try] = []
        self._tries = (FEW_TRIES if damage else MOST_TRIES) >> (_SLOW if slow else 0)  # that are left
        self._failed: set[int] = set()

    @property
    def spent(self) -> bool:
        """Whether to give up."""
        return self._tries <= 0

    def find(
        self, buffer: bytes, base: int, headers: re.Pattern[bytes], *, any_number: bool
    ) -> tuple[FoundRecord | None, int]:
        """The first record in ``buffer`` that decrypts, and its offset; else the offset to search on from."""
        search_on = max(len(buffer) - 4, 0)
        last = search_on
        for match in headers.finditer(buffer):
            at = match.start()
            if at >= last:
                break
            length = int.from_bytes(buffer[at + 3 : at + 5], "big")
            if length > LONGEST_RECORD or base + at in self._failed:
                continue
            if at + 5 + length > len(buffer):
                search_on = min(search_on, at)
                continue
            found = self._open(buffer, at, length, base + at - self.since if any_number else 0)
            if found is not None:
                return found, at
            self._failed.add(base + at)
            if self.spent:
                break
        self._failed = {offset for offset in self._failed if offset >= base + search_on}
        return None, search_on

    def _open(self, buffer: bytes, at: int, length: int, room: int) -> FoundRecord | None:
        kind, version, body = (
            buffer[at],
            buffer[at + 1 : at + 3],
            memoryview(buffer)[at + 5 : at + 5 + length],
        )
        most = min(room // _SMALLEST, _MOST_NUMBERS) + 1
        for tried in self.ciphers:
            cipher = tried.cipher
            first = cipher.sequence
            for number in range(first, first + most):
                if self.spent:
                    return None
                self._tries -= 1
                cipher.sequence = number
                text = cipher.open(kind, version, body)
                cipher.sequence = first
                if text is not None:
                    return FoundRecord(tried, number)
        return None


class NotJoined(Lost):
    """A direction that is seen from its middle on, of which no record was found yet."""

    __slots__ = ("_join",)

    def __init__(self, since: int, why: str, join: Joining) -> None:
        super().__init__(since, 0, why)
        self._tries = _MOST_JOINS
        self._join = join

    def _open(self, buffer: bytes, at: int, length: int, room: int) -> FoundRecord | None:  # noqa: ARG002 - as there
        self._tries -= 1
        cipher = self._join(buffer[at + 1 : at + 3], buffer[at + 5 : at + 5 + length])
        return None if cipher is None else FoundRecord(Try(cipher), cipher.sequence)
