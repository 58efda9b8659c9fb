"""What Go programs' calls on their sockets do, where nobody may capture packets (``socket_trace``).

The function by which Go makes system calls (``stub.CALLS``) is led to instructions of
``native/patch/go_calls.c``, which are copied into the program. They make the calls on TCP sockets and tell of
each in memory that is shared with us, behind its words (``go_words``): numbers, a byte for each descriptor,
and a log of records that only grows. ``CallLog`` reads it some times a second, gives back to the kernel what
was read, and lets the log grow on: where nobody reads any more, it ends within ``WINDOW``, and the
program does not notice. Records become the interposer's (``trace_records``), and events what the interposer
would tell of connections itself. The program may write anything there: what is no record does not count.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import functools
import ipaddress
import mmap
import os
import struct
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from plainwire.acquire import events, go_words, interposer, trace_records, unprivileged

if TYPE_CHECKING:
    from collections.abc import Iterator

AT = (go_words.SIZE + mmap.PAGESIZE - 1) & -mmap.PAGESIZE
_LIMIT_AT, _LOST_AT, _LOG_AT = 64, 128, 4096 + (1 << 16)  # native/patch/go_calls.h
_LOG = 512 << 20
SIZE = AT + _LOG_AT + _LOG
"""Bytes of the whole memory, of which what is not written takes none."""
WINDOW = 64 << 20
"""Bytes that the log may be ahead of us."""
ROOM = 2 * mmap.PAGESIZE
"""Bytes for the instructions."""

_RECORD = struct.Struct("<IIQ")
_DATA = struct.Struct("<5Q")
_NUMBER = struct.Struct("<Q")
_PID_AT, _UNREAD_AT, _ENDS_AT = 32, 48, 66  # in a record's head
_PORT = slice(2, 4)  # its own, in the ends
_MOST_DESCRIPTORS = 1 << 16
_SHORTEST = _RECORD.size + trace_records.HEAD.size
_GIVEN_BACK = 1 << 20  # bytes, at least, at a time
_RESERVE = 1 << 20  # GO_RESERVE
_WITHIN = 10.0  # seconds
_MOST_EVENTS = 200_000
"""Of the connections of one program."""
_CALLS = {
    0: "read", 1: "write", 19: "readv", 20: "writev", 40: "sendfile", 44: "sendto", 45: "recvfrom",
    46: "sendmsg", 47: "recvmsg", 55: "getsockopt", 275: "splice",
}  # fmt: skip
_CONNECT = 42
_KINDS = frozenset(b"CEASRXHQ")
_UNDER_WAY = (0, errno.EINPROGRESS, errno.EINTR)
_OF_THE_NETWORK = frozenset(
    getattr(errno, name)
    for name in (
        *("ECONNRESET", "EPIPE", "ETIMEDOUT", "ECONNREFUSED", "ECONNABORTED", "EHOSTUNREACH", "ENETUNREACH"),
        *(
            "ENETDOWN",
            "EHOSTDOWN",
            "ENETRESET",
            "EADDRNOTAVAIL",
            "ENOBUFS",
            "EACCES",
            "ENOPROTOOPT",
            "EPROTO",
        ),
    )
)
"""As the interposer's (native/interposer/event.c)."""


class Outlets(NamedTuple):
    """Descriptors of the files that the records, and the events, go to."""

    sockets: int
    journal: int


class _Code(NamedTuple):
    code: bytes
    entry: int


@functools.cache
def compiled() -> _Code | None:
    """The instructions; None where there are none for this machine."""
    library = interposer.compiled()
    if library is None:
        return None

    def ask() -> bytes:
        size, entry = ctypes.c_size_t(), ctypes.c_size_t()
        find = ctypes.CDLL(str(library)).plainwire_go_calls
        find.restype = ctypes.c_void_p
        at = find(ctypes.byref(size), ctypes.byref(entry))
        return struct.pack("<I", entry.value) + ctypes.string_at(at, size.value) if at else b""

    answer = unprivileged.done(ask, within=_WITHIN, most=ROOM + 4)
    if not answer or len(answer) > ROOM:
        return None
    return _Code(answer[4:], struct.unpack_from("<I", answer)[0])


def instructions(shared: int, following: int, behind: int, pid: int) -> _Code:
    """What is to stand in the program, and where in it calls are led to. ``shared``: where the program has
    all the memory; ``following``: where calls go that are not on connections; ``behind``: where those go on
    that were made here.
    """
    made = compiled()
    assert made is not None  # noqa: S101 - who asks for it has looked
    data = _DATA.pack(shared + AT, shared + go_words.SILENT_AT, following, behind, pid)
    return _Code(data + made.code[_DATA.size :], made.entry)


def allow(memory: int) -> None:
    """Let the log begin."""
    os.pwrite(memory, _NUMBER.pack(WINDOW), AT + _LIMIT_AT)


class CallLog:
    """The log of one program. ``memory`` is a descriptor of what is shared, which stays the caller's."""

    def __init__(self, program: str, memory: int, pid: int, outlets: Outlets) -> None:
        self._data = mmap.mmap(memory, SIZE - AT, offset=AT)
        self._outlets, self._pid, self._program = outlets, pid, program
        self._taken = self._given_back = self._told = self._bad = 0
        self._offset = time.time_ns() - time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        self._full = self._begun = False
        self._ends: dict[int, bytes] = {}  # of each descriptor, as they stand in heads

    def drain(self, *, last: bool = False) -> None:
        """Write what has come to the outlets. ``last``: records that are not whole now never will be."""
        pieces: list[bytes] = []
        for descriptor, found, data in self._records(last=last):
            head = self._own(self._named(descriptor, found))
            if not self._begun:
                self._begun = True
                self._begin(pieces)
            pieces += self._without_call(head), data
            self._tell(head)
        self._write(pieces)
        self._give_back()

    def close(self) -> None:
        """Read the last, and say what is missing."""
        self.drain(last=True)
        (lost,) = _NUMBER.unpack_from(self._data, _LOST_AT)
        if lost or self._full or self._bad:
            name = Path(self._program).name
            text = f"not all calls of {name} on its sockets were traced: there were too many"
            if self._bad:
                text = f"what process {self._pid} ({name}) left of its calls on its sockets is damaged"
            events.append(self._outlets.journal, {"event": "note", "text": text})
        self._data.close()

    # --- records

    def _records(self, *, last: bool) -> Iterator[tuple[int, bytes, bytes]]:
        """Descriptors, heads, what was moved, as they are now: the program may change them while we look."""
        (claimed,) = _NUMBER.unpack_from(self._data, 0)
        claimed = min(claimed, _LOG, self._taken + WINDOW + _RESERVE)
        while self._taken + _SHORTEST <= claimed:
            at = _LOG_AT + self._taken
            size, whole, descriptor = _RECORD.unpack_from(self._data, at)
            if not size or (not whole and not last):
                return
            if size < _SHORTEST or size > claimed - self._taken:
                self._bad += 1
                self._taken = _LOG  # nobody knows where the next would begin
                return
            self._taken += (size + 15) & ~15
            if not whole:
                continue
            head = self._data[at + _RECORD.size : at + _SHORTEST]
            found = trace_records.HEAD.unpack(head)
            if _is_good(found, size - _SHORTEST):
                yield descriptor, head, self._data[at + _SHORTEST : at + _SHORTEST + found[6]]
            else:
                self._bad += 1

    def _begin(self, pieces: list[bytes]) -> None:
        now = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        clock = trace_records.HEAD.pack(
            trace_records.MAGIC, now, 0, now + self._offset, self._pid, 0, 0, 0, 0, 0, 0, 0, ord("K"),
            *bytes(5), b"", b"",
        )  # fmt: skip
        pieces.append(clock)
        self._event("process", self._pid, now, exe=self._program)

    def _named(self, descriptor: int, head: bytes) -> bytes:
        """Of a connection that is over the kernel does not know the peer any more, but what it was before."""
        ends = head[_ENDS_AT:]
        if ends[1]:  # its peer's family
            if len(self._ends) < _MOST_DESCRIPTORS or descriptor in self._ends:
                self._ends[descriptor] = ends
            return head
        known = self._ends.get(descriptor)
        same = known is not None and ends[_PORT] in (known[_PORT], b"\0\0")
        return head[:_ENDS_AT] + known if known is not None and same else head

    def _own(self, head: bytes) -> bytes:
        """By the process that it is of."""
        made = bytearray(head)
        struct.pack_into("<I", made, _PID_AT, self._pid)
        return bytes(made)

    def _without_call(self, head: bytes) -> bytes:
        """As the interposer would have written it: without the call's number."""
        made = bytearray(head)
        if made[trace_records.KIND_AT] in b"XCEA":
            struct.pack_into("<I", made, _UNREAD_AT, 0)
        return bytes(made)

    def _write(self, pieces: list[bytes]) -> None:
        """Whole records, as far as there is room for them (``trace_records.MOST``)."""
        if not pieces or self._full:
            return
        with contextlib.suppress(OSError):
            room = trace_records.MOST - os.fstat(self._outlets.sockets).st_size
            data = b"".join(pieces)
            if len(data) > room:
                self._full = True
            elif os.write(self._outlets.sockets, data) == len(data):
                return
        self._full = True

    def _give_back(self) -> None:
        """What was read is the kernel's again, and the log may go on so far."""
        end = (_LOG_AT + min(self._taken, _LOG)) & -mmap.PAGESIZE
        start = max(self._given_back, _LOG_AT)
        if self._full or self._taken >= _LOG or end - start < _GIVEN_BACK:
            return
        with contextlib.suppress(OSError):
            self._data.madvise(mmap.MADV_REMOVE, start, end - start)
        self._given_back = end
        _NUMBER.pack_into(self._data, _LIMIT_AT, self._taken + WINDOW)

    # --- events

    def _tell(self, head: bytes) -> None:
        _, at, acked, _, _, tid, _, _, unread, _, _, error, kind, *_ = trace_records.HEAD.unpack(head)
        local, peer = _ends(head)
        known: dict[str, Any] = {} if acked == trace_records.UNKNOWN else {"acked": acked}
        ends = {"local": local, "peer": peer}
        if local is None:
            return
        if kind == ord("C") and error in _UNDER_WAY:
            self._event("connect", tid, at, **ends)
        elif kind == ord("C") and error in _OF_THE_NETWORK:
            self._event("error", tid, at, **ends, call="connect", errno=error)
        elif kind == ord("X") and error in _OF_THE_NETWORK and unread != _CONNECT:
            self._event("error", tid, at, **ends, call=_CALLS.get(unread, "read"), errno=error, **known)
        elif kind in b"HQ":
            self._event("close" if kind == ord("Q") else "shutdown", tid, at, **ends, unread=unread, **known)

    def _event(self, kind: str, thread: int, at: int, **more: object) -> None:
        self._told += 1
        if self._told > _MOST_EVENTS:
            return
        event = {
            "event": kind,
            "time": (at + self._offset) / 1e9,
            "pid": self._pid,
            "tid": thread,
            "command": Path(self._program).name,
            **more,
        }
        events.append(self._outlets.journal, event)


def _is_good(found: tuple[Any, ...], room: int) -> bool:
    magic, at, size, total, kind = found[0], found[1], found[6], found[7], found[12]
    if magic != trace_records.MAGIC or kind not in _KINDS or at > trace_records.LAST_TIME:
        return False
    return bool(size <= room and total <= trace_records.MOST)


def _ends(head: bytes) -> tuple[str | None, str | None]:
    """As ``line_endpoint`` of native/interposer/line.c."""
    local, peer = trace_records.ends(head)
    return _text(local), _text(peer)


def _text(end: trace_records.End | None) -> str | None:
    if end is None:
        return None
    address = ipaddress.ip_address(end[0])
    return f"[{address}]:{end[1]}" if address.version == 6 else f"{address}:{end[1]}"
