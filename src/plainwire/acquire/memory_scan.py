"""Secrets of connections that were open before: out of the memory of a running process.

Of TLS 1.2 it is the keys themselves, where they are of AES-GCM (``key_schedules``).

A traffic secret of TLS 1.3 lies somewhere in it as long as the connection is open: 32 or 48 bytes that look
like chance, at any address. Each such place is tried on records that were captured (``tls.joining``), which
decides. Nothing is written, nothing is stopped. The work is done by a fork of ours, and is bounded.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from plainwire.acquire import key_schedules
from plainwire.arrays import np
from plainwire.tls import joining

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

_WITHIN = 25.0
"""Seconds of computing for each record: for two Node.js takes 3, a Java machine of 300 MB 16; one of 400 MB
whose TLS is in C, and so lies behind all objects, 40 (measured).
"""
_LEAST_RECORDS, _MOST_RECORDS = 2, 8  # that count for that
_AT_LAST = 300.0  # seconds, on a machine that has others to serve
_MOST_MEMORY = 2 << 30  # bytes that are looked through
_PIECE = 1 << 22
_MOST_KEYS = 1 << 9  # expanded ones; each is tried in some 5 ms
_LONGEST_ANSWER = 1 << 20
_MOST_PLAIN = 3  # bytes of 0 or 255 in a secret: more are had by one in 5,000
_FEWEST = {32: 25, 48: 36}  # different bytes in a secret: fewer are had by one in 10,000


class SealedRecord(Struct, frozen=True):
    """A record as it was captured. ``stream`` names whose it is."""

    stream: int
    header: bytes
    body: bytes


class FoundSecret(Struct, frozen=True):
    """The secret that a stream's records are sealed with; of TLS 1.2 what ``joining.of_tls12`` reads."""

    stream: int
    suite: int
    secret: bytes

    def __repr__(self) -> str:
        return f"<secret of stream {self.stream}>"


class FoundLine(Struct, frozen=True):
    """A line for the key log, under a client random that is made up; and whose connection it is about."""

    line: bytes
    pid: int
    random: bytes
    local: str
    peer: str

    def __repr__(self) -> str:
        return f"<line about {self.local} and {self.peer}>"


class MemoryScan:
    """A scan, under way."""

    def __init__(self, pid: int, records: Sequence[SealedRecord]) -> None:
        """``records``: one of each stream, a short one.

        Raises:
            OSError: the process may not be looked at.

        """
        memory = os.open(f"/proc/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC)
        try:
            regions = _regions(pid)
            self._pipe, writing = os.pipe()
            self._child = os.fork()
            if self._child == 0:
                _live(memory, regions, records, writing)
            os.close(writing)
        finally:
            os.close(memory)
        self._data = b""
        self._until = time.monotonic() + _AT_LAST

    def found(self) -> list[FoundSecret] | None:
        """What was found; None while it goes on."""
        poll = select.poll()
        poll.register(self._pipe, select.POLLIN)
        while poll.poll(0):
            piece = os.read(self._pipe, 1 << 16)
            if not piece or len(self._data) > _LONGEST_ANSWER:
                self.stop()
                with contextlib.suppress(msgspec.DecodeError):
                    return msgspec.json.decode(self._data, type=list[FoundSecret])
                return []
            self._data += piece
        if time.monotonic() > self._until:
            self.stop()
            return []
        return None

    def stop(self) -> None:
        """End it; nothing happens where it has ended."""
        if self._child:
            os.close(self._pipe)
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._child, signal.SIGKILL)
            os.waitpid(self._child, 0)
            self._child = 0


def _live(memory: int, regions: list[tuple[int, int]], records: Sequence[SealedRecord], writing: int) -> None:
    """The life of the fork; never returns."""
    try:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(msgspec.json.encode(list(scan(memory, regions, records))))
    finally:
        os._exit(0)


def _regions(pid: int) -> list[tuple[int, int]]:
    """Where a process has what it writes itself: no files."""
    found = []
    for line in Path(f"/proc/{pid}/maps").read_text(errors="surrogateescape").splitlines():
        words = line.split(maxsplit=5)
        path = words[5] if len(words) == 6 else ""
        start, end = (int(word, 16) for word in words[0].split("-"))
        if words[1].startswith("rw") and (not path or path.startswith(("[heap]", "[anon", "[stack"))):
            found.append((start, end))
    return found


def scan(
    memory: int, regions: Sequence[tuple[int, int]], records: Sequence[SealedRecord]
) -> Iterator[FoundSecret]:
    """Yield the secrets that open the records, each once."""
    until = time.process_time() + _WITHIN * min(max(len(records), _LEAST_RECORDS), _MOST_RECORDS)
    left = {record.stream: record for record in records}
    yield from _of_tls12(memory, regions, left)
    for suite, size in joining.BY_FREQUENCY:
        tried: set[bytes] = set()
        for candidate in _candidates(memory, regions, size):
            if time.process_time() > until or not left:
                return
            if candidate in tried:
                continue
            tried.add(candidate)
            trial = joining.Candidate(suite, candidate)
            for record in list(left.values()):
                if trial.number_of(record.header, record.body) is not None:
                    del left[record.stream]
                    yield FoundSecret(record.stream, suite, candidate)


def _of_tls12(
    memory: int, regions: Sequence[tuple[int, int]], left: dict[int, SealedRecord]
) -> Iterator[FoundSecret]:
    """What opens records of TLS 1.2, which are taken out of ``left``."""
    for key in _expanded_keys(memory, regions):
        for record in list(left.values()):
            nonces = key_schedules.sealed_by(key, record.header, record.body)
            if nonces is not None:
                del left[record.stream]
                yield FoundSecret(record.stream, joining.SUITES_OF_TLS12[len(key)], key + nonces)


def _expanded_keys(memory: int, regions: Sequence[tuple[int, int]]) -> Iterator[bytes]:
    tried: set[bytes] = set()
    for data in _pieces(memory, regions, key_schedules.LONGEST):
        for key in key_schedules.keys_in(data):
            if key not in tried and len(tried) < _MOST_KEYS:
                tried.add(key)
                yield key


def _candidates(memory: int, regions: Sequence[tuple[int, int]], size: int) -> Iterator[bytes]:
    """What looks like chance, at any address."""
    for data in _pieces(memory, regions, size):
        for place in _like_chance(np.frombuffer(data, dtype=np.uint8), size).tolist():
            window = data[place : place + size]
            if len(set(window)) >= _FEWEST[size]:
                yield window


def _pieces(memory: int, regions: Sequence[tuple[int, int]], more: int) -> Iterator[bytes]:
    """All memory, in pieces; each goes on for ``more`` bytes of the next."""
    seen = 0
    for start, end in regions:
        for at in range(start, end, _PIECE):
            if seen > _MOST_MEMORY:
                return
            try:
                data = os.pread(memory, min(_PIECE + more, end - at), at)
            except OSError:  # nothing is there, or no longer
                continue
            seen += len(data)
            yield data


def _like_chance(data: NDArray[np.uint8], size: int) -> NDArray[np.intp]:
    """Where windows begin with few bytes of 0 and 255, and neither few nor many with the highest bit."""
    if len(data) < size:
        return np.zeros(0, dtype=np.intp)
    plain = _in_windows((data == 0) | (data == 255), size)
    high = _in_windows(data >= 128, size)
    return np.flatnonzero((plain <= _MOST_PLAIN) & (high > size // 5) & (high < size - size // 5))


def _in_windows(marks: NDArray[np.bool_], size: int) -> NDArray[np.int32]:
    total = np.concatenate((np.zeros(1, dtype=np.int32), np.cumsum(marks, dtype=np.int32)))
    counted: NDArray[np.int32] = total[size:] - total[:-size]
    return counted
