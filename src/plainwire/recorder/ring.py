"""The ring: segments of packets with the secrets and events of their time, the oldest of which make room.

A segment is some files in ``ring/``, named by its number:

    N.pcapng        packets: of everybody at first, of the program alone once it was examined
    N.keys          lines of a key log that came in its time
    N.jsonl         lines of the program's events, likewise
    N.own           sockets that the kernel knew as the program's user's, where its word is needed (sudo)
    N.before.keys   keys and events of connections that were open when it began (``carried``)
    N.before.jsonl
    index.json      all segments

Packets are written by the capture's thread, everything else by one other. Both are behind a lock, which is
held for a write or for the change to a new file, never for long.
"""

from __future__ import annotations

import contextlib
import os
import struct
import threading
import time
from typing import TYPE_CHECKING

import msgspec
import orjson
from msgspec import Struct

from plainwire.capture.key_lines import KEY_LINE
from plainwire.capture.pcapng import STATISTICS, BlockFile, statistics
from plainwire.folder import OpenFile
from plainwire.model import UserError
from plainwire.recorder import erasing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from plainwire.folder import Folder

PACKETS, KEYS, EVENTS, OWN = "pcapng", "keys", "jsonl", "own"
BEFORE_KEYS, BEFORE_EVENTS = "before.keys", "before.jsonl"
_KINDS = (PACKETS, KEYS, EVENTS, OWN, BEFORE_KEYS, BEFORE_EVENTS)
_SECRET = (KEYS, EVENTS, BEFORE_KEYS, BEFORE_EVENTS)
"""What programs say may hold secrets, too."""
_INDEX = "index.json"
_FEWEST = 24
"""Segments that the ring is cut into: with few of them much would go at once."""
_SLACK = 2
"""Segments' worth of room for what comes until the next look: packets, and a segment that is written anew."""
_MOST_WITHIN_A_LOOK = 4
"""Segments' worth of packets that may come until the next look: a burst of others must not fill the ring."""
_SMALLEST, _LARGEST = 64 << 10, 64 << 20  # bytes of a segment


class RingSegment(Struct):
    """One segment. Times are seconds since the epoch; ``ended`` is 0 while it is written.

    ``packets`` are as captured, ``left_out`` of them were of other programs. ``dropped`` by the kernel; None
    where nobody knows. ``shed``: of the flows of its time one in ``2**shed`` was captured all the time.
    """

    number: int
    began: float
    ended: float = 0.0
    packets: int = 0
    left_out: int = 0
    dropped: int | None = 0
    size: int = 0
    examined: bool = False
    shed: int = 0

    def name(self, kind: str) -> str:
        """Of one of its files."""
        return f"{self.number:08}.{kind}"


class SegmentRing:
    """The segments of one recorder. ``keep``: bytes of all of them; ``longest``: seconds since one ended."""

    def __init__(self, place: Folder, keep: int, longest: float) -> None:
        self.segments = read(place)
        self.evicted_unexamined = 0
        self.unwritten = 0
        """Bytes of packets for which the disk, or the ring, had no room."""
        self.outrun = 0
        """Bytes of those that came too fast for the ring."""
        self._shed = 0
        self._place, self._keep, self._longest = place, keep, longest
        self.largest = max(_SMALLEST, min(keep // _FEWEST, _LARGEST))
        self._lock = threading.Lock()
        self._header = b""
        self._file: BlockFile | None = None
        self._written = 0  # bytes of packets, of the current segment
        self._counted: int | None = None  # bytes of all files when they were last looked at
        self._grown = 0  # bytes that were written since
        self._lines: dict[str, int] = {}  # descriptors of the current segment's other files
        self._mend()

    # --- for the capture

    def begin(self, header: bytes) -> SegmentRing:
        """The capture begins: its file header, which begins each segment."""
        self._header = header
        with self._lock:
            self._open()
        return self

    trouble: str | None = None
    """Nothing ends a recording: what cannot be written is counted."""

    def write(self, blocks: bytes) -> None:
        """Append whole blocks of packets. What the capture says of itself at its end is said elsewhere."""
        if len(blocks) >= 4 and struct.unpack_from("=I", blocks)[0] == STATISTICS:
            return
        with self._lock:
            too_much = self._written > _MOST_WITHIN_A_LOOK * self.largest
            if self._file is None or self._file.trouble is not None or too_much:
                self.unwritten += len(blocks)
                self.outrun += len(blocks) if too_much else 0
                return
            self._file.write(blocks)
            self._written += len(blocks)
            self._grown += len(blocks)
            if self._file.trouble is not None:
                self.unwritten += len(blocks)

    def close(self) -> None:
        """The capture is over."""

    # --- for the recorder

    @property
    def current(self) -> RingSegment:
        """The one that is being written."""
        return self.segments[-1]

    @property
    def finished(self) -> list[RingSegment]:
        """All others, the oldest first."""
        return [each for each in self.segments if each.ended]

    @property
    def full(self) -> bool:
        """Whether the current segment is as large as one is to be, or cannot be written."""
        file = self._file
        return self._written >= self.largest or (file is not None and file.trouble is not None)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing in the current segment so far."""
        return not self._written and not self._lines

    @property
    def size(self) -> int:
        """Bytes of all files in the ring.

        This is asked at every look, and of weeks there are a hundred thousand files: they are looked at again
        only where more has changed than that the current segment grows.
        """
        if self._counted is None:
            with self._lock:
                self._grown = 0
            self._counted = size_of(self._place.descriptor)
        return self._counted + self._grown

    def add_keys(self, lines: Iterable[bytes]) -> None:
        """Lines of a key log that have come; what is none is left out."""
        self._append(KEYS, [line for line in map(bytes.strip, lines) if KEY_LINE.fullmatch(line)])

    def add_events(self, lines: Iterable[bytes]) -> None:
        """Events of the program that have come."""
        self._append(EVENTS, [line for line in lines if line.startswith(b"{")])

    def add_own(self, sockets: Iterable[tuple[str, str]]) -> None:
        """Sockets that the kernel knows, one at each end."""
        self._append(OWN, [orjson.dumps(ends) for ends in sockets])

    def _append(self, kind: str, lines: Sequence[bytes]) -> None:
        if not lines or not self.segments:
            return
        with contextlib.suppress(OSError):  # no room: their connections cannot be read
            if kind not in self._lines:
                name = self.current.name(kind)
                self._lines[kind] = self._place.make(name, os.O_WRONLY | os.O_APPEND)
            written = os.write(self._lines[kind], b"\n".join(lines) + b"\n")
            with self._lock:
                self._grown += written

    def note_shed(self, level: int) -> None:
        """From now on one flow in ``2**level`` is captured."""
        self._shed = level
        self.current.shed = max(self.current.shed, level)

    def cut(self, packets: int, dropped: int | None) -> RingSegment:
        """End the current segment, in which so many packets were captured and dropped; begin the next."""
        done = self.current
        with self._lock:
            if self._file is not None:
                self._file.write(statistics(packets + (dropped or 0), dropped or 0, time.time_ns() // 1000))
                self._file.close()
            done.packets, done.dropped = packets, dropped
            self._close_lines(done)
            self._open()
        self.note_size(done)
        done.ended = self.current.began
        self._write_index()
        return done

    def end(self, packets: int, dropped: int | None) -> RingSegment:
        """The last cut: nothing comes behind it."""
        done = self.cut(packets, dropped)
        last = self.segments.pop()
        self._close_lines(last)
        if self._file is not None:
            self._file.close()
            self._file = None
        self._erase(last)
        self._write_index()
        return done

    def _open(self) -> None:
        number = self.segments[-1].number + 1 if self.segments else 1
        segment = RingSegment(number, time.time(), shed=self._shed)
        self.segments.append(segment)
        self._written, self._counted = 0, None
        try:
            descriptor = self._place.make(segment.name(PACKETS))
        except OSError:
            self._file = None
            return
        self._file = _file_of(descriptor, segment.name(PACKETS), self._header)
        self._place.let_go(segment.name(PACKETS))

    def _close_lines(self, segment: RingSegment) -> None:
        for kind in self._lines:
            self._place.let_go(segment.name(kind))
        self._lines.clear()

    def note_size(self, segment: RingSegment) -> None:
        """How large its files are, which an examination changes."""
        segment.size = sum(self._size_of(segment.name(kind)) for kind in _KINDS)

    def note_examined(self, segment: RingSegment, left_out: int) -> None:
        """It was examined: only the program's packets are in it now."""
        segment.examined, segment.left_out = True, left_out
        self.note_size(segment)
        self._write_index()

    def _size_of(self, name: str) -> int:
        try:
            return os.stat(name, dir_fd=self._place.descriptor, follow_symlinks=False).st_size
        except OSError:
            return 0

    def evict(self, in_use: frozenset[int] = frozenset()) -> int:
        """Make room: erase the oldest segments that are too old, or too many bytes. Returns how many.

        Those that are ``in_use`` stay; while there are some, an examination is writing into the ring.

        Where those that nobody has examined take more than half of the room, they go first: they hold what
        all programs of the host sent, and the analysis does not catch up.
        """
        gone = 0
        if in_use:
            self._counted = None
        limit = self._keep - _SLACK * self.largest
        oldest = time.time() - self._longest
        while finished := [each for each in self.finished if each.number not in in_use]:
            unexamined = [each for each in finished if not each.examined]
            behind = sum(each.size for each in unexamined) > self._keep // 2
            first = unexamined[0] if behind else finished[0]
            no_room = self._file is None or self._file.trouble is not None
            if self.size <= limit and first.ended >= oldest and not (no_room and gone == 0):
                break
            self._take_out(first)
            gone += 1
        if gone:
            self._write_index()
        return gone

    def _take_out(self, segment: RingSegment) -> None:
        if not segment.examined:
            self.evicted_unexamined += 1
            self._pass_on(segment)
        self._erase(segment)
        self._counted = None
        self.segments.remove(segment)

    def _pass_on(self, segment: RingSegment) -> None:
        """What was open when it began may be open still, and nobody has looked."""
        following = after(segment)
        for kind in (BEFORE_KEYS, BEFORE_EVENTS):
            with contextlib.suppress(OSError):
                if not self._size_of(following.name(kind)):
                    folder = self._place.descriptor
                    os.rename(segment.name(kind), following.name(kind), src_dir_fd=folder, dst_dir_fd=folder)

    def _erase(self, segment: RingSegment) -> None:
        for kind in _SECRET:
            erasing.erase(segment.name(kind), self._place.descriptor)
        with contextlib.suppress(OSError):
            os.unlink(segment.name(PACKETS), dir_fd=self._place.descriptor)

    def _write_index(self) -> None:
        with contextlib.suppress(OSError):
            self._place.replace(_INDEX, lambda file: file.write(msgspec.json.encode(self.segments)))
            self._place.let_go(_INDEX)
        self._counted = None

    def _mend(self) -> None:
        """What an earlier recorder that was killed has left, and of which the index knows nothing, goes."""
        folder = self._place.descriptor
        known = {each.name(kind) for each in self.segments for kind in _KINDS} | {_INDEX}
        for name in set(os.listdir(folder)) - known:  # noqa: PTH208 - of a descriptor
            erasing.erase(name, folder)
        for segment in self.segments:
            self.note_size(segment)


def _file_of(descriptor: int, name: str, header: bytes) -> BlockFile | None:
    """A file of blocks; one in which there is no room even for the header says so later."""
    try:
        return BlockFile(OpenFile(descriptor, name), header)
    except UserError:
        return None


def read(place: Folder) -> list[RingSegment]:
    """The finished segments of a ring, the oldest first; none where there is no index."""
    try:
        with os.fdopen(place.open(_INDEX).reader(), "rb") as file:
            segments = msgspec.json.decode(file.read(), type=list[RingSegment])
    except Exception:  # noqa: BLE001 - an index that cannot be read is none
        return []
    finally:
        if _INDEX in place.made:
            place.let_go(_INDEX)
    return [each for each in segments if each.ended]


def size_of(folder: int) -> int:
    """Bytes of the files in an open folder."""
    total = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):  # it has gone meanwhile
                total += entry.stat(follow_symlinks=False).st_size
    return total


def after(segment: RingSegment) -> RingSegment:
    """The name of what comes behind it."""
    return RingSegment(segment.number + 1, segment.ended)


def opened(place: Folder, name: str) -> int:
    """A descriptor of a file of the ring, to read it; no link is followed.

    Raises:
        OSError: it is not there.

    """
    return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=place.descriptor)


def put(place: Folder, name: str, data: bytes) -> None:
    """Write a file of the ring; what it held before is erased.

    Raises:
        OSError: there is no room.

    """
    erasing.erase(name, place.descriptor)
    if data:
        place.write(name, data)
        place.let_go(name)


def has_events(place: Folder, segment: RingSegment) -> bool:
    """Whether a program was recorded, and not the whole host."""
    return any(place.has(segment.name(kind)) for kind in (EVENTS, BEFORE_EVENTS))
