"""Memory that a patched program shares with us: one record for each secret that it is told of.

    0     number of records that were begun, also of those that found no room
    48    how many threads are in what instructions of ours have called (``stub``)
    64    what was patched (``running_patch``)
    4096  records of 256 bytes: whether it is whole, the label's size, the secret's, which library; at 16 the
          label, at 64 the client random, at 96 the secret

The program writes them by a few instructions (``stub``), without a system call. It may write anything: what
has not the form of a secret does not count.
"""

from __future__ import annotations

import mmap
import os
import re
import struct
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

INSIDE_AT = 48
HEADER, SLOT, SLOTS = 4096, 256, 200_000
SIZE = HEADER + SLOT * SLOTS
"""Bytes, of which what is not written takes no memory."""
LABEL, RANDOM, SECRET = 16, 64, 96
"""Where they are in a record."""
LONGEST_LABEL, LONGEST_SECRET = 48, 64

_KNOWN = re.compile(rb"CLIENT_RANDOM|(CLIENT|SERVER)_(HANDSHAKE_TRAFFIC_SECRET|TRAFFIC_SECRET_0)")
_FIRST = (b"CLIENT_RANDOM", b"SERVER_HANDSHAKE_TRAFFIC_SECRET")


class Ring:
    """What is shared with one program, by a descriptor of that memory, which is ours to close.

    ``libraries`` are the files that the records' numbers mean.
    """

    def __init__(self, memory: int, pid: int, command: str, libraries: list[str]) -> None:
        self.lost = 0
        self.libraries = libraries
        self._pid, self._command = pid, command
        self._memory = memory
        self._data = mmap.mmap(memory, SIZE, access=mmap.ACCESS_READ)
        self._taken = 0
        self._seen: set[tuple[bytes, bytes, bytes]] = set()

    def take(self) -> tuple[list[bytes], list[dict[str, Any]]]:
        """Key log lines and events that have come since it was last asked."""
        (count,) = struct.unpack_from("<I", self._data, 0)
        self.lost = max(count - SLOTS, 0)
        lines, events = [], []
        for label, random, secret, library in self._records(min(count, SLOTS)):
            if (label, random, secret) in self._seen:
                continue
            self._seen.add((label, random, secret))
            lines.append(b"%s %s %s\n" % (label, random.hex().encode(), secret.hex().encode()))
            if label in _FIRST:
                events.append(self._event(random, library))
        return lines, events

    def close(self) -> None:
        """Let go of the memory."""
        self._data.close()
        os.close(self._memory)

    def _records(self, count: int) -> Iterator[tuple[bytes, bytes, bytes, int]]:
        """Records that were written to their end and have the form of secrets.

        One that is begun and not whole is looked at again the next time, and so are those behind it.
        """
        data, whole = self._data, True
        for number in range(self._taken, count):
            at = HEADER + number * SLOT
            done, label_size, size, library = struct.unpack_from("<IIII", data, at)
            whole = whole and bool(done)
            self._taken += whole
            if not done or label_size > LONGEST_LABEL or size not in (32, 48, 64):
                continue
            label = data[at + LABEL : at + LABEL + label_size].partition(b"\0")[0]
            random = data[at + RANDOM : at + RANDOM + 32]
            if _KNOWN.fullmatch(label) and any(random):
                yield label, random, data[at + SECRET : at + SECRET + size], library

    def _event(self, random: bytes, library: int) -> dict[str, Any]:
        return {
            "event": "tls",
            "time": time.time(),
            "pid": self._pid,
            "tid": self._pid,
            "command": self._command,
            "local": None,
            "peer": None,
            "client_random": random.hex(),
            "library": self.libraries[library] if library < len(self.libraries) else None,
            "how": "patch",
        }


def own(program: str, memory: int, pid: int) -> Ring:
    """The ring of a program that has its TLS in its own file."""
    return Ring(memory, pid, Path(program).name, [program])
