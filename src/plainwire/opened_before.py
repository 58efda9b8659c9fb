"""Connections of running programs whose secrets nobody tells.

Those that were open when the recording began, and those of TLS that cannot be patched.

Their secrets are looked for in the program's memory (``acquire.memory_scan``), by trial
on records that the capture has of them so far. A connection on which nothing was sent since has none, and is
looked at again later. Nobody knows their client random either: the key log gets one that is made up, under
which the analysis finds the secret by trial as well (``tls.joining``).
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from typing import TYPE_CHECKING

from msgspec import Struct, field

from plainwire.acquire import kernel_sockets
from plainwire.acquire.memory_scan import FoundLine, MemoryScan, SealedRecord
from plainwire.capture import reader
from plainwire.model import PacketBatch
from plainwire.packets.decode import Decoder
from plainwire.tls import joining
from plainwire.tls.tls13_keys import APPLICATION_SECRETS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from plainwire.folder import FileSource
    from plainwire.model import SegmentBatch

_HELLO = re.compile(rb"\x16\x03[\x00-\x04]..\x01...\x03[\x00-\x03](.{32})", re.DOTALL)
_HEADER = re.compile(rb"\x17\x03\x03", re.DOTALL)
_HEADER_SIZE = 5
_SHORTEST, _LONGEST = 17, (1 << 14) + 256  # of a record's body (RFC 8446 section 5.2)
_MOST_KEPT = 1 << 17  # bytes of a stream
_MOST_CONNECTIONS = 1000
_ENOUGH = 3  # records, of which one is taken
_SHORT = 1 << 12  # bytes of a record: it is tried in some 20 us
_FIRST_LOOK, _SLOWER = 0.3, 1.5  # seconds; each look is so much later than the one before
_WAIT_FOR_BOTH = 1.0  # seconds that a side may be silent behind the other
_MOST_SCANS = 3  # for a stream; at the end there is one more
_GIVEN_UP = _MOST_SCANS + 1


class OpenStream(Struct):
    """One direction of a connection: what was captured of it first, by sequence number."""

    pid: int
    label: str
    random: bytes
    pieces: dict[int, bytes] = field(default_factory=dict)
    record: SealedRecord | None = None
    tried: SealedRecord | None = None
    since: float = 0.0
    scans: int = 0
    found: bool = False

    def __repr__(self) -> str:
        return f"<stream of {self.pid}, {'found' if self.found else self.scans}>"


class OpenedBefore:
    """The connections whose secrets are looked for."""

    def __init__(self, capture: FileSource, connections: Iterable[tuple[int, str, str]]) -> None:
        """``connections``: the process, its own end, the other one."""
        self._capture = capture
        self._streams: dict[tuple[str, str], OpenStream] = {}
        self._own: set[tuple[str, str]] = set()
        self._wait = _FIRST_LOOK
        self._next = 0.0
        self._most = _MOST_SCANS
        self._scan: MemoryScan | None = None
        self._scanned: list[OpenStream] = []
        self._ends: list[tuple[str, str]] = []
        self.add(connections)

    def add(self, connections: Iterable[tuple[int, str, str]]) -> None:
        """More of them."""
        for pid, local, peer in connections:
            if (local, peer) in self._streams or len(self._own) >= _MOST_CONNECTIONS:
                continue
            random = os.urandom(32)
            label, other = APPLICATION_SECRETS if _port(peer) < _port(local) else APPLICATION_SECRETS[::-1]
            self._own.add((local, peer))
            self._streams[local, peer] = OpenStream(pid, label, random)
            self._streams[peer, local] = OpenStream(pid, other, random)
            self._ends += [(local, peer), (peer, local)]
            self._wait = _FIRST_LOOK
            self._next = time.monotonic() + self._wait

    @property
    def found(self) -> int:
        """Of how many connections."""
        return len({each.random for each in self._streams.values() if each.found})

    @property
    def busy(self) -> bool:
        """Whether something is being looked for, or could be."""
        return self._scan is not None or any(_untried(each) for each in self._open())

    @property
    def lacks_records(self) -> bool:
        """Whether there are connections of which nothing was captured yet."""
        return any(each.record is None for each in self._open())

    def look(self, *, at_once: bool = False) -> list[FoundLine]:
        """Go on; what lines of a key log that has led to. ``at_once``: what is there by now has to do."""
        lines = self._results()
        self._most = _GIVEN_UP if at_once else _MOST_SCANS
        now = time.monotonic()
        if self._scan is None and any(self._open()) and (at_once or now >= self._next):
            self._wait *= _SLOWER
            self._next = now + self._wait
            self._read()
            self._begin(now, at_once=at_once)
        return lines

    def stop(self) -> None:
        """End what is under way."""
        if self._scan is not None:
            self._scan.stop()
            self._scan = None

    def _open(self) -> Iterator[OpenStream]:
        return (each for each in self._streams.values() if not each.found and each.scans < self._most)

    def _results(self) -> list[FoundLine]:
        found = self._scan.found() if self._scan is not None else None
        if found is None:
            return []
        self._scan = None
        for stream in self._scanned:  # what was tried may have been a record of the handshake
            stream.tried, stream.record = stream.record, None
        lines = []
        for each in found:
            ends = self._ends[each.stream]
            stream = self._streams[ends]
            stream.found = True
            label = joining.label_of(stream.label, each.suite)
            line = f"{label} {stream.random.hex()} {each.secret.hex()}\n"
            local, peer = ends if ends in self._own else ends[::-1]
            lines.append(FoundLine(line.encode(), stream.pid, stream.random, local, peer))
        return lines

    def _begin(self, now: float, *, at_once: bool) -> None:
        """Scan the memory of the first process that has records to try on."""
        self._forget_closed()
        ready = [each for each in self._open() if _untried(each) or (each.record and not at_once)]
        due = [each for each in ready if at_once or self._both(each) or now > each.since + _WAIT_FOR_BOTH]
        if not due:
            return
        together = [each for each in ready if each.pid == due[0].pid]
        for each in together:
            each.scans += 1
        self._scanned = together
        with contextlib.suppress(OSError):
            self._scan = MemoryScan(due[0].pid, [each.record for each in together if each.record is not None])

    def _forget_closed(self) -> None:
        """The secrets of a connection that was closed are in memory no longer."""
        pids = {each.pid for each in self._open() if each.record is not None}
        there = {pid: kernel_sockets.of_process(pid) for pid in pids}
        for ends, stream in self._streams.items():
            if stream.pid in there and not {ends, ends[::-1]} & there[stream.pid]:
                stream.scans = _GIVEN_UP

    def _both(self, stream: OpenStream) -> bool:
        return all(each.record for each in self._streams.values() if each.random == stream.random)

    # --- what was captured

    def _read(self) -> None:
        decoder = Decoder()
        for item in reader.read([self._capture]):
            if isinstance(item, PacketBatch):
                self._take(decoder.decode(item).segments)
        for number, ends in enumerate(self._ends):
            stream = self._streams[ends]
            if stream.record is None:
                self._take_hello(ends, stream)
            if stream.record is None and (found := _to_try(stream.pieces)) is not None:
                stream.record = SealedRecord(number, found[:_HEADER_SIZE], found[_HEADER_SIZE:])
                stream.since = time.monotonic()
            stream.pieces.clear()

    def _take_hello(self, ends: tuple[str, str], stream: OpenStream) -> None:
        """Where the capture has its begin, the client random is known, and who is the client."""
        first = min(stream.pieces, default=None)
        match = _HELLO.match(stream.pieces[first]) if first is not None else None
        if match is not None:
            other = self._streams[ends[::-1]]
            stream.label, other.label = APPLICATION_SECRETS
            stream.random = other.random = match[1]

    def _take(self, batch: SegmentBatch) -> None:
        names = [str(endpoint) for endpoint in batch.endpoints]
        for source, target, seq, at, size in zip(
            batch.source.tolist(),
            batch.target.tolist(),
            batch.seq.tolist(),
            batch.offset.tolist(),
            batch.captured.tolist(),
            strict=True,
        ):
            stream = self._streams.get((names[source], names[target])) if size else None
            if stream is None or stream.record is not None or len(stream.pieces) * size > _MOST_KEPT:
                continue
            stream.pieces.setdefault(seq, batch.data[at : at + size])


def _port(end: str) -> int:
    return int(end.rsplit(":", 1)[1])


def _untried(stream: OpenStream) -> bool:
    """Whether it has a record that it had not when it was looked for last."""
    return stream.record is not None and stream.record != stream.tried


def _to_try(pieces: dict[int, bytes]) -> bytes | None:
    """The last whole record, with its header: the first are those of the handshake, which other secrets seal.

    Where that is a long one, the shortest of the last.
    """
    found = [record for run in _runs(pieces) for record in _records(run)][-_ENOUGH:]
    if found and len(found[-1]) <= _SHORT:
        return found[-1]
    return min(found, key=len, default=None)


def _runs(pieces: dict[int, bytes]) -> Iterator[bytes]:
    """Bytes that follow each other. Numbers that wrap make two runs of one."""
    run, end = b"", -1
    for seq, data in sorted(pieces.items()):
        if seq > end:
            if run:
                yield run
            run, end = b"", seq
        run += data[max(end - seq, 0) :]
        end = max(end, seq + len(data))
    yield run


def _records(run: bytes) -> list[bytes]:
    """The records behind the first place at which one begins that is followed by another, or by nothing."""
    for match in _HEADER.finditer(run):
        found, at = [], match.start()
        while at + _HEADER_SIZE <= len(run) and run[at : at + 3] == b"\x17\x03\x03":
            size = int.from_bytes(run[at + 3 : at + 5], "big")
            if not _SHORTEST <= size <= _LONGEST or at + _HEADER_SIZE + size > len(run):
                break
            found.append(run[at : at + _HEADER_SIZE + size])
            at += _HEADER_SIZE + size
        if len(found) > 1 or (found and at == len(run)):
            return found
    return []
