"""What every cipher can do that opens records, whatever its version and suite."""

from __future__ import annotations

from typing import Protocol


class RecordCipher(Protocol):
    """Opens the records of one direction, in order.

    ``sequence`` is the number of the next record; who has lost some may set it.
    """

    sequence: int

    def open(self, kind: int, version: bytes, body: bytes | memoryview) -> bytes | None:
        """Decrypt and authenticate one record; only success moves the sequence number on."""
