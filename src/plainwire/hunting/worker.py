"""One run, in a process of its own: the same recording as that of ``plainwire run``.

The process is forked, so that what plainwire imports is imported once for all runs. The program's input is
empty, and its output goes to files: many runs, several at a time, would only be a muddle on the terminal.
What is learnt comes back as one line in a file.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING

import orjson
from msgspec import Struct
from msgspec.structs import replace

from plainwire import case as cases
from plainwire.acquire import events
from plainwire.model import UserError
from plainwire.recording import record

from .runs import Run, decode, encode, of_report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plainwire.recording import Recording

    from .aim import Pauses

_OUTPUTS = ("stdout", "stderr")
_FAILED_HERE = 70
"""Exit status of a worker that could not do its work (sysexits.h)."""


class Started(Struct, frozen=True):
    """A run that is going on. ``row`` is an open file without a name: what is learnt goes there."""

    number: int
    hunt: cases.HuntFolder
    case: cases.Case
    row: int
    pid: int = 0


def start(
    hunt: cases.HuntFolder,
    number: int,
    command: Sequence[str],
    *,
    interface: str,
    capture_filter: str,
    pauses: Pauses | None,
    alone: bool,
) -> Started:
    """Begin run ``number``, in a process that watches over it.

    ``alone``: no other run is going on, so that connections need not be told from those of others.

    Raises:
        OSError: no more processes, no more disk.

    """
    run = Started(number, hunt, hunt.begin(number), os.memfd_create("row", os.MFD_CLOEXEC))
    place, outputs = hunt.place, [hunt.passing(number, kind) for kind in _OUTPUTS]
    descriptors = [os.open(os.devnull, os.O_RDONLY), *(place.make(name) for name in outputs)]
    try:
        with contextlib.suppress(OSError):
            place.hand_over(*outputs)  # the program may open its own output once more, by /dev/stderr
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            _live(run, command, descriptors, interface, capture_filter, pauses, alone=alone)
    finally:
        os.close(descriptors[0])
        for name in outputs:
            place.let_go(name)
    return replace(run, pid=pid)


def _live(
    run: Started,
    command: Sequence[str],
    descriptors: list[int],
    interface: str,
    capture_filter: str,
    pauses: Pauses | None,
    *,
    alone: bool,
) -> None:
    """The life of the forked process; never returns."""
    status = _FAILED_HERE
    try:
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        for target, descriptor in enumerate(descriptors):
            os.dup2(descriptor, target)
        _write(run.row, _run(run, command, interface, capture_filter, pauses, alone=alone))
        status = 0
    except BaseException as error:  # noqa: BLE001 - whatever it was, this process ends here
        said = str(error) if isinstance(error, UserError) else type(error).__name__
        with contextlib.suppress(OSError):
            _write(run.row, orjson.dumps({"lost": said}))
    finally:
        os._exit(status)


def _write(descriptor: int, data: bytes) -> None:
    with os.fdopen(descriptor, "wb", closefd=False) as file:
        file.write(data)


def _run(
    started: Started,
    command: Sequence[str],
    interface: str,
    capture_filter: str,
    pauses: Pauses | None,
    *,
    alone: bool,
) -> bytes:
    """Record, and return the row of this run, or what kept it from being run."""
    case, number, started_ns = started.case, started.number, time.time_ns()
    if pauses is not None:
        threading.Thread(target=pauses.make, args=(case, number), daemon=True).start()
    try:
        recording = record(
            command,
            case=case,
            interface=interface,
            capture_filter=capture_filter,
            followed=pauses is not None,
        )
    except UserError as error:
        return _refusal(str(error), error.exit_code)
    if not alone and not _watched(case):
        return _refusal("the program cannot be watched, so that its runs mix with --jobs: do without it", 2)
    row = encode(_row(recording, number, started_ns))
    for kind, path in zip(_OUTPUTS, (case.stdout, case.stderr), strict=True):
        started.hunt.place.move(started.hunt.passing(number, kind), case.place, path.name)
    return row


def _refusal(message: str, exit_code: int) -> bytes:
    return orjson.dumps({"error": message, "exit_code": exit_code})


def _watched(case: cases.Case) -> bool:
    """Whether the program's own connections are known, so that those of other runs are left out."""
    seen = events.read(case.place.open(case.program.name))
    return seen.witnessed or not seen.unwatched


def _row(recording: Recording, number: int, started_ns: int) -> Run:
    end, report = recording.end, recording.report
    if report is None or recording.spoiled is not None:
        raise UserError("; ".join([recording.spoiled] if recording.spoiled else recording.notes))
    duration_ns = time.time_ns() - started_ns
    status = 128 + end.signal if end.signal else end.status
    run = of_report(report, number=number, started_ns=started_ns, duration_ns=duration_ns, status=status)
    run.notes += [note for note in recording.notes if note not in run.notes]
    return run


def collect(run: Started) -> Run | str:
    """What came of a run whose process has ended, or why nothing did.

    Raises:
        UserError: the program could not be started.

    """
    with os.fdopen(run.row, "rb") as file:
        file.seek(0)
        line = file.read()
    if not line:
        return "its process was killed"
    if line.startswith(b'{"lost"'):
        return str(orjson.loads(line)["lost"])
    if line.startswith(b'{"error"'):
        said = orjson.loads(line)
        raise UserError(said["error"], said["exit_code"])
    return decode(line)


def discard(run: Started) -> None:
    """Remove what a run left that is not to be kept."""
    for kind in _OUTPUTS:
        run.hunt.place.remove(run.hunt.passing(run.number, kind))
    cases.discard(run.case)
