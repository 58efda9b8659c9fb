"""``program.jsonl``: what the program's side saw. Format: docs/architecture.md, "The case folder".

The lines come from inside somebody else's processes, which may die in mid-line, and may write anything after
they have changed their user: invalid lines are counted and left out. ``MOST_EVENTS`` bounds memory.
"""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import orjson

from plainwire import plurals
from plainwire.model import (
    Endpoint,
    KernelReset,
    Killed,
    Process,
    ProgramConnection,
    ProgramEvents,
    RunningTest,
    SocketClose,
    SocketError,
    Unreached,
    Words,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from plainwire.case import Case
    from plainwire.folder import OpenFile

MOST_EVENTS = 1_000_000
"""Most lines that are read of one file; the rest is left out, and a note says so."""
LONGEST_LINE = 16_384
"""Bytes; longer lines are left out. The interposer's are below 2,000."""
MOST_WORDS = 20_000
"""Pieces of standard output and error that are kept of one file; the interposer's are below 600 bytes."""
MOST_RESETS = 10_000
"""RSTs of the kernel's own account."""
MOST_KILLED = 10_000
"""Children that signals ended."""
MOST_NOTES = 100
"""Different ones, of which plainwire itself writes a few; the program may write as well."""
MOST_UNREACHED = 1_000
"""Most libraries that could not be reached, of all processes together."""
LARGEST_FILE = 256 << 20
"""Most bytes that are read of a file: any user can fill the sink, and a sparse file may have any size."""


def append(descriptor: int, event: dict[str, Any]) -> None:
    """Append one event as a line, in one write, so that other writers' lines stay whole.

    If the disk is full the line is lost, without an error.
    """
    with contextlib.suppress(OSError):
        os.write(descriptor, orjson.dumps(event) + b"\n")


def merge(source: Path, start: int, case: Case) -> None:
    """Copy ``source`` from offset ``start``: its events to ``case.program``, its keys to ``case.keys``.

    A source that is missing, or not a regular file, has none. A full disk raises no error.
    """
    try:
        with (
            _regular(source) as lines,
            os.fdopen(case.place.appender(case.keys.name), "wb") as keys,
            os.fdopen(case.place.appender(case.program.name), "wb") as program,
        ):
            lines.seek(start)
            taken = 0
            for line in iter(lambda: lines.readline(LONGEST_LINE), b""):
                taken += len(line)
                if taken > LARGEST_FILE:
                    return
                (program if line.startswith(b"{") else keys).write(line)
    except OSError:
        return


def _regular(path: Path) -> BinaryIO:
    """Open a file for reading; a pipe, which could block, raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))


def read(source: Path | OpenFile) -> ProgramEvents:
    """Read an event file; a note tells of invalid lines. A missing file counts as empty."""
    found = ProgramEvents()
    name = Path(source.name).name
    bad = count = 0
    try:
        with _regular(source) if isinstance(source, Path) else os.fdopen(source.reader(), "rb") as file:
            for line in _lines(file):
                count += 1
                if count > MOST_EVENTS:
                    found.notes.append(f"{name}: only the first {MOST_EVENTS:,} events were read")
                    break
                bad += not _take(line, found)
            if file.tell() >= LARGEST_FILE:
                found.notes.append(f"{name}: only the first {LARGEST_FILE >> 20} MB were read")
    except FileNotFoundError:
        return found
    except OSError as error:
        found.notes.append(f"{name}: {error.strerror}")
    found.notes += _about_sandboxes(found)
    if bad:
        lines = "1 line" if bad == 1 else f"{bad} lines"
        found.notes.append(f"{name}: {lines} could not be understood")
    return found


def whole_lines(file: BinaryIO) -> Iterator[bytes]:
    """The lines of an event file that may be events; the last one may be cut."""
    return (line for line in _lines(file) if line is not None)


def _lines(file: BinaryIO) -> Iterator[bytes | None]:
    """Yield lines; None for one that is too long."""
    skipping = False
    for line in iter(lambda: file.readline(LONGEST_LINE), b""):
        whole = line.endswith(b"\n") or len(line) < LONGEST_LINE
        if not skipping:
            yield line if whole else None
        skipping = not whole
        if file.tell() >= LARGEST_FILE:
            return


def _take(line: bytes | None, found: ProgramEvents) -> bool:
    """Add one line to ``found``; False if it is not one of ours."""
    if line is None:
        return False
    try:
        event = orjson.loads(line)
        return _enter(event, found) if isinstance(event, dict) else False
    except (orjson.JSONDecodeError, ValueError, TypeError, KeyError, OverflowError):
        return False


def _enter(event: dict[str, Any], found: ProgramEvents) -> bool:
    kind = event["event"]
    if kind == "tls":
        program = _connection(event)
        found.by_client_random[bytes.fromhex(event["client_random"])] = program
        if event["local"] and event["peer"]:
            _note_sockets(event, program, found.by_sockets)
    elif kind == "connect":
        _note_sockets(event, _connection(event), found.by_sockets)
    elif kind == "datagram":
        _note_sockets(event, _connection(event), found.by_datagrams)
    elif kind == "note":
        text = str(event["text"])
        if text not in found.notes and len(found.notes) < MOST_NOTES:
            found.notes.append(text)
        found.unwatched |= event.get("unwatched") is True
        found.relayed |= event.get("relayed") is True
    elif kind in _PROGRAM:
        _PROGRAM[kind](event, found)
    else:
        return False
    return True


def _started(event: dict[str, Any], found: ProgramEvents) -> None:
    found.command = [str(word) for word in event["command"]]
    found.pid = int(event["pid"])
    found.proxies = {str(name): str(place) for name, place in dict(event.get("proxies") or {}).items()}


def _ended(event: dict[str, Any], found: ProgramEvents) -> None:
    found.exit_status = int(event["status"])
    found.ended_ns = _time_ns(event)


def _process(event: dict[str, Any], found: ProgramEvents) -> None:
    """A process may become another program (exec): the last one counts."""
    executable = event.get("exe")
    pid = int(event["pid"])
    found.processes[pid] = Process(pid, str(event["command"]), executable and str(executable))


def _process_ended(event: dict[str, Any], found: ProgramEvents) -> None:
    process = found.processes.get(int(event["pid"]))
    if process is not None:
        process.exit_status = int(event["status"])


def _sandbox(event: dict[str, Any], found: ProgramEvents) -> None:
    """Recorded before a process enters a sandbox, and withdrawn if that failed."""
    process = found.processes.get(int(event["pid"]))
    if process is not None:
        process.sandboxed = bool(event["entered"])


def _about_sandboxes(found: ProgramEvents) -> list[str]:
    names = sorted(process.command for process in found.processes.values() if process.sandboxed)
    if not names:
        return []
    who = plurals.count(len(names), "process")
    return [f"{who} ({', '.join(dict.fromkeys(names))}) went into a sandbox: what came then is not told"]


def _runtime(event: dict[str, Any], found: ProgramEvents) -> None:
    version = event["version"]
    for process in found.processes.values():
        if process.executable == event["exe"]:
            process.runtime, process.version = str(event["runtime"]), version and str(version)


def _socket_error(event: dict[str, Any], found: ProgramEvents) -> None:
    """A failed connect(2) is a connection, too, if only an attempt."""
    time_ns, local, peer = _time_ns(event), _socket(event["local"]), _peer(event)
    found.errors.append(
        SocketError(
            time_ns, int(event["pid"]), local, peer, str(event["call"]), int(event["errno"]), _acked(event)
        )
    )
    if event["call"] == "connect" and peer is not None and not local.endswith(":0"):
        _note_sockets(event, _connection(event), found.by_sockets)


def _socket_close(event: dict[str, Any], found: ProgramEvents) -> None:
    time_ns, local, peer = _time_ns(event), _socket(event["local"]), _peer(event)
    found.closes.append(
        SocketClose(
            time_ns, int(event["pid"]), local, peer, event["event"], int(event["unread"]), _acked(event)
        )
    )


def _acked(event: dict[str, Any]) -> int | None:
    return int(event["acked"]) if "acked" in event else None


def _reset(event: dict[str, Any], found: ProgramEvents) -> None:
    if len(found.resets) < MOST_RESETS:
        ends = _socket(event["local"]), _socket(event["peer"])
        found.resets.append(KernelReset(_time_ns(event), *ends, str(event["state"]), str(event["reason"])))


def _killed(event: dict[str, Any], found: ProgramEvents) -> None:
    if len(found.killed) < MOST_KILLED:
        found.killed.append(Killed(_time_ns(event), int(event["child"]), int(event["signal"])))


def _test(event: dict[str, Any], found: ProgramEvents) -> None:
    found.tests.append(RunningTest(_time_ns(event), int(event["pid"]), _utf8(event["name"])))


def _unreached(event: dict[str, Any], found: ProgramEvents) -> None:
    if len(found.unreached) < MOST_UNREACHED:
        found.unreached.append(Unreached(int(event["pid"]), str(event["library"]), str(event["why"])))


def _words(event: dict[str, Any], found: ProgramEvents) -> None:
    if len(found.words) >= MOST_WORDS:
        return
    found.words.append(
        Words(
            _time_ns(event),
            int(event["pid"]),
            _utf8(event["text"]),
            afterwards=bool(event.get("afterwards")),
            output=str(event["event"]),
            buffered=bool(event.get("several")),
        )
    )


def _utf8(text: object) -> str:
    """The interposer writes a character a byte (native/interposer/line.h)."""
    return str(text).encode("latin-1", "replace").decode("utf-8", "replace")


def _witnessed(_event: dict[str, Any], found: ProgramEvents) -> None:
    found.witnessed = True


def _left_out(event: dict[str, Any], found: ProgramEvents) -> None:
    found.left_out = int(event["packets"])


_PROGRAM: dict[str, Callable[[dict[str, Any], ProgramEvents], None]] = {
    "start": _started,
    "exit": _ended,
    "process": _process,
    "end": _process_ended,
    "killed": _killed,
    "runtime": _runtime,
    "sandbox": _sandbox,
    "left out": _left_out,
    "witnessed": _witnessed,
    "error": _socket_error,
    "close": _socket_close,
    "shutdown": _socket_close,
    "stderr": _words,
    "stdout": _words,
    "unreached": _unreached,
    "reset": _reset,
    "test": _test,
}


def _time_ns(event: dict[str, Any]) -> int:
    return round(float(event["time"]) * 1e6) * 1000  # it was written in microseconds


def _peer(event: dict[str, Any]) -> str | None:
    return _socket(event["peer"]) if event["peer"] else None


def _connection(event: dict[str, Any]) -> ProgramConnection:
    library, how = event.get("library"), event.get("how")
    return ProgramConnection(
        int(event["pid"]),
        int(event["tid"]),
        str(event["command"]),
        library and str(library),
        how and str(how),
    )


def _note_sockets(
    event: dict[str, Any],
    program: ProgramConnection,
    known: dict[tuple[str, str], list[tuple[int, ProgramConnection]]],
) -> None:
    """A socket that was inherited, or accepted, is known by its handshake only; else connect(2) came
    first.
    """
    key = (_socket(event["local"]), _socket(event["peer"]))
    users = known.setdefault(key, [])
    if event["event"] == "tls" and any(user.pid == program.pid for _, user in users):
        return
    users.append((_time_ns(event), program))


def _socket(text: str) -> str:
    """``ip:port`` as ``Endpoint`` writes it."""
    address, port = text.rsplit(":", 1)
    if not 0 <= int(port) <= 0xFFFF:
        raise ValueError(port)
    return str(Endpoint(str(ipaddress.ip_address(address.strip("[]"))), int(port)))
