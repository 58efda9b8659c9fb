"""A process that runs already, patched and put back as it was.

All its threads are stopped for the few milliseconds that it takes. It makes the memory of the ring itself
(memfd_create(2)), so that nothing lies in a file system; a page with the instructions of ``stub`` is put near
each library; then the function's first bytes become a jump. None of its threads may stand in those bytes.
What was there is written into the ring, with who has patched it: so whoever finds the ring in a process whose
patcher is gone can put it back, and processes that came of it by fork are found as well.

    64   ``plainwire 1``
    80   the pid of who patched it, and when that one was started (field 22 of proc(5), stat)
    96   how many functions were patched
    128  for each: where, the page, how many bytes, and those bytes
"""

from __future__ import annotations

import contextlib
import os
import struct
import time
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field

from plainwire.acquire import processes, ring
from plainwire.acquire.patching import KeyLogFunction  # noqa: TC001 - msgspec reads it
from plainwire.acquire.ptrace import HERE, Earlier
from plainwire.acquire.stubs import STUB
from plainwire.acquire.tracing import EndedError, NotStoppedError, StoppedProcess

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from plainwire.acquire.ptrace import Call
    from plainwire.acquire.tracing import Haste, Stopped

NAME = "plainwire-attached"
_MAPPED_NAME = f"/memfd:{NAME}"
_MAGIC = b"plainwire 1".ljust(16, b"\0")
_HEAD = struct.Struct("<16sQQI")
_ENTRY = struct.Struct("<QQQ16s")
_HEAD_AT, _ENTRIES_AT = 64, 128
_MOST_PATCHES = (ring.HEADER - _ENTRIES_AT) // _ENTRY.size

_CLOEXEC, _SHARED = 1, 1  # MFD_CLOEXEC, MAP_SHARED
_PRIVATE_ANONYMOUS_THERE = 0x100022  # MAP_..._FIXED_NOREPLACE
_RW, _RX = 3, 5
_AT_ONCE = 3
"""Pages that are made together with the ring."""
_PAGE, _STEP_DOWN, _STEPS, _LOWEST, _ABOVE = 4096, 1 << 16, 8192, 1 << 16, 1 << 20
"""``_LOWEST``: below it the kernel lets no program have anything (vm.mmap_min_addr)."""

STOPPED_WITHIN = 0.02
"""Seconds for all threads of a process to stop; then they are let go, and it is tried again."""
_NO_ROOM = "there is no room near it"
_TRIES, _BETWEEN = 20, 0.1  # seconds


class Mapping(Struct, frozen=True):
    """One line of ``/proc/PID/maps``. ``file`` is the device and inode."""

    start: int
    end: int
    executable: bool
    file: tuple[str, int]
    path: str


class Owner(Struct, frozen=True):
    """Who patches: a process, by its pid and when it was started."""

    pid: int
    started: int

    @property
    def lives(self) -> bool:
        """Whether it still runs."""
        return processes.started(self.pid) == self.started


class WantedPatch(Struct, frozen=True):
    """A function to patch. ``offset``: from the file's addresses to those in memory; ``lowest``: where its
    file begins there. ``number``: of its library. ``called``: where the functions are that are called there.
    """

    place: KeyLogFunction
    offset: int
    lowest: int
    number: int
    called: tuple[int, ...] = ()


class Patched(Struct):
    """What came of it: why not, for each that was not patched; seconds that the process was stopped."""

    why: dict[int, str] = field(default_factory=dict)
    seconds: float = 0.0
    threads: int = 0
    ended: bool = False


def mappings(pid: int) -> list[Mapping]:
    """What is mapped in a process.

    Raises:
        OSError: it may not be looked at, or is gone.

    """
    found = []
    for line in Path(f"/proc/{pid}/maps").read_text(errors="surrogateescape").splitlines():
        words = line.split(maxsplit=5)
        start, _, end = words[0].partition("-")
        path = words[5] if len(words) == 6 else ""
        found.append(Mapping(int(start, 16), int(end, 16), "x" in words[1], (words[3], int(words[4])), path))
    return found


def patch(
    pid: int, wanted: Sequence[WantedPatch], owner: Owner, haste: Haste | None = None
) -> tuple[Patched, int | None]:
    """Patch functions of a running process. Also returns the memory that is shared with it from now on, where
    there was none before.

    Raises:
        OSError: it may not be traced.

    """
    made = Patched()
    for _ in range(_TRIES):
        mapped = mappings(pid)
        process = StoppedProcess(pid, STOPPED_WITHIN, haste)
        try:
            with process:
                made.threads = len(process)
                memory = _patch_all(process, mapped, wanted, owner, made)
        except NotStoppedError:
            made.seconds += process.seconds
            time.sleep(_BETWEEN)
            continue
        except EndedError:
            made.ended = True
            return made, None
        made.seconds += process.seconds
        return made, memory
    made.why = {each.number: "not all of its threads could be stopped" for each in wanted}
    return made, None


def _patch_all(
    process: StoppedProcess, mapped: list[Mapping], wanted: Sequence[WantedPatch], owner: Owner, made: Patched
) -> int | None:
    hand = process.hand
    stand_at = process.stand_at()
    for each in wanted:
        at = each.place.function + each.offset
        if any(at < address < at + each.place.covered for address in stand_at):
            raise NotStoppedError
    fitting = []
    for each in wanted:
        if hand.read(each.place.function + each.offset, len(each.place.code)) == each.place.code:
            fitting.append(each)
        else:
            made.why[each.number] = "its code is not what its file says"
    if not fitting:
        return None
    room = (fitting[0].place.function + fitting[0].offset) & ~(_PAGE - 1)
    pages = _pages_near(mapped, [each.lowest for each in fitting])
    asked: list[Call] = [  # of no bytes the kernel makes none
        (HERE.numbers.mmap, page, _PAGE if page else 0, _RX, _PRIVATE_ANONYMOUS_THERE, -1, 0)
        for page in pages
    ]
    there = _rings(mapped)
    if there:
        shared, memory, got = there[0], None, hand.calls(room, asked)
    else:
        shared, memory, got = _share(hand, room, asked)
        hand.write(shared + _HEAD_AT, _HEAD.pack(_MAGIC, owner.pid, owner.started, 0))
    for each, page, result in zip(fitting, pages, got, strict=True):
        why = _patch_one(hand, shared, each, page) if result == page else _refused(hand, result)
        if why is not None:
            made.why[each.number] = why
    return memory


def _share(hand: Stopped, room: int, pages: list[Call]) -> tuple[int, int, list[int]]:
    """Make the ring, behind the pages, whose places the kernel might choose for it: its address in the
    process, a descriptor of ours, and where the pages are.
    """
    got = hand.calls(room, pages[_AT_ONCE:])
    pages = pages[:_AT_ONCE]
    memory = Earlier(len(pages))
    making: list[Call] = [
        (HERE.numbers.memfd_create, room, _CLOEXEC),
        (HERE.numbers.ftruncate, memory, ring.SIZE),
        (HERE.numbers.mmap, 0, ring.SIZE, _RW, _SHARED, memory, 0),
    ]
    *first, theirs, _, shared = hand.calls(room, [*pages, *making], NAME.encode() + b"\0")
    got = first + got
    why = f"it may not share memory ({os.strerror(-min(theirs, shared))})" if min(theirs, shared) < 0 else ""
    try:
        ours = -1 if why else os.open(f"/proc/{hand.pid}/fd/{theirs}", os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        ours, why = -1, error.strerror or "its memory may not be opened"
    undone: list[Call] = [(HERE.numbers.close, theirs)] if theirs >= 0 else []
    if why:
        undone += [(HERE.numbers.munmap, page, _PAGE) for page in got if page > 0]
        undone += [(HERE.numbers.munmap, shared, ring.SIZE)] if shared > 0 else []
    hand.calls(room, undone)
    if why:
        raise OSError(0, why)
    return shared, ours, got


def _pages_near(mapped: list[Mapping], libraries: Sequence[int]) -> list[int]:
    """For each library ``page_near``, of which no two are the same."""
    mapped = list(mapped)
    found = []
    for lowest in libraries:
        found.append(page_near(mapped, lowest, _PAGE))
        mapped.append(Mapping(found[-1], found[-1] + _PAGE, executable=True, file=("", 0), path=""))
    return found


def page_near(mapped: list[Mapping], lowest: int, size: int) -> int:
    """A free place of ``size`` bytes near the file that begins at ``lowest``: below it, where nothing grows,
    as far as a jump reaches. Programs of Go for aarch64 begin where there is no more room below: then above
    them, where they have nothing that grows. 0 where there is none.
    """
    last = lowest & ~(_STEP_DOWN - 1)
    below = range(last - _STEP_DOWN, max(last - _STEPS * _STEP_DOWN, _LOWEST - 1), -_STEP_DOWN)
    file = next((each.file for each in mapped if each.start <= lowest < each.end), None)
    end = max((each.end for each in mapped if each.file == file), default=lowest)
    above = range((end | (_ABOVE - 1)) + 1, end + _STEPS * _STEP_DOWN // 8, _STEP_DOWN)
    taken = [(each.start, each.end) for each in mapped]
    places = [*below, *above] if last <= _LOWEST else below
    free = (page for page in places if not any(s < page + size and page < e for s, e in taken))
    return next(free, 0)


def _refused(hand: Stopped, result: int) -> str:
    """Before Linux 4.17 it is put elsewhere."""
    if result > 0:
        hand.call(HERE.numbers.munmap, result, _PAGE)
    return _NO_ROOM


def _patch_one(hand: Stopped, shared: int, wanted: WantedPatch, page: int) -> str | None:
    place, at = wanted.place, wanted.place.function + wanted.offset
    _, _, _, count = _HEAD.unpack(hand.read(shared + _HEAD_AT, _HEAD.size))
    if count >= _MOST_PATCHES:
        return "there are too many"
    if not STUB.reaches(at, page):
        return _NO_ROOM
    code = STUB.instructions(page, shared, place, wanted.offset, wanted.number, wanted.called)
    hand.write(page, code)
    entry = _ENTRY.pack(at, page, place.covered, place.code[: place.covered].ljust(16, b"\0"))
    hand.write(shared + _ENTRIES_AT + count * _ENTRY.size, entry)
    hand.write(shared + _HEAD_AT + _HEAD.size - 4, struct.pack("<I", count + 1))
    hand.write(at, STUB.jump(at, page, place.covered))
    return None


# --- and back ---------------------------------------------------------------------------------------------


def _rings(mapped: list[Mapping]) -> list[int]:
    return [each.start for each in mapped if each.path.startswith(_MAPPED_NAME)]


def left_over(owner: Owner) -> list[int]:
    """The processes that are patched by ``owner``, or by one that is gone."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            with contextlib.suppress(OSError, ValueError, struct.error):
                by = owner_of(int(folder.name))
                if by is not None and (by == owner or not by.lives):
                    found.append(int(folder.name))
    return found


def owner_of(pid: int) -> Owner | None:
    """Who has patched a process; None where nobody has. The owner itself has the memory, too."""
    shared = next(iter(_rings(mappings(pid))), None)
    if shared is None:
        return None
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        memory.seek(shared + _HEAD_AT)
        magic, owner, since, _ = _HEAD.unpack(memory.read(_HEAD.size))
    return Owner(owner, since) if magic == _MAGIC and owner != pid else None


def undo(pid: int, haste: Haste | None = None) -> Patched:
    """Put a process back as it was."""
    done = Patched()
    for _ in range(_TRIES * 5):
        mapped = mappings(pid)
        process = StoppedProcess(pid, STOPPED_WITHIN, haste)
        try:
            with process:
                done.threads = len(process)
                for shared in _rings(mapped):
                    _undo_one(process, mapped, shared)
        except NotStoppedError:
            done.seconds += process.seconds
            time.sleep(_BETWEEN)
            continue
        except EndedError:
            done.ended = True
            return done
        done.seconds += process.seconds
        return done
    done.why = {0: "not all of its threads could be stopped"}
    return done


def _undo_one(process: StoppedProcess, mapped: list[Mapping], shared: int) -> None:
    hand, stand_at = process.hand, process.stand_at()
    _, _, _, count = _HEAD.unpack(hand.read(shared + _HEAD_AT, _HEAD.size))
    if struct.unpack("<I", hand.read(shared + ring.INSIDE_AT, 4)) != (0,):  # they will come back to our page
        raise NotStoppedError
    entries = list(_entries(hand, shared, min(count, _MOST_PATCHES)))
    for _, page, _ in entries:
        if any(page <= address < page + _PAGE for address in stand_at):
            raise NotStoppedError
    pages = {each.start for each in mapped if each.executable and not each.path}
    room = 0
    for at, page, code in entries:
        with contextlib.suppress(OSError):  # the library is gone
            if hand.read(at, len(code)) == STUB.jump(at, page, len(code)):
                hand.write(at, code)
                room = at & ~(_PAGE - 1)
    asked: list[Call] = [(HERE.numbers.munmap, page, _PAGE) for _, page, _ in entries if page in pages]
    asked.append((HERE.numbers.munmap, shared, ring.SIZE))
    hand.calls(room or hand.stands_at() & ~(_PAGE - 1), asked)


def _entries(hand: Stopped, shared: int, count: int) -> Iterator[tuple[int, int, bytes]]:
    for number in range(count):
        at, page, covered, code = _ENTRY.unpack(
            hand.read(shared + _ENTRIES_AT + number * _ENTRY.size, _ENTRY.size)
        )
        if 4 <= covered <= 16:
            yield at, page, code[:covered]
