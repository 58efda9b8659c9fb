"""The interface of every cipher that decrypts records, whatever the version and suite."""

from __future__ import annotations

from typing import Protocol


class RecordCipher(Protocol):
    """Decrypts the records of one direction, in order.

    ``sequence`` is the number of the next record; set it after records were lost.
    """

    sequence: int

    def open(self, kind: int, version: bytes, body: bytes | memoryview) -> bytes | None:
        """Decrypt and authenticate one record; only success increments the sequence number."""
