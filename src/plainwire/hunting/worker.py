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

from plainwire import case as cases
from plainwire.acquire import events, sudo
from plainwire.model import UserError
from plainwire.recording import record

from .runs import Run, decode, encode, of_report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plainwire.recording import Recording

    from .aim import Pauses

_FAILED_HERE = 70
"""Exit status of a worker that could not do its work (sysexits.h)."""


def start(
    hunt: cases.HuntFolder,
    number: int,
    command: Sequence[str],
    *,
    interface: str,
    capture_filter: str,
    pauses: Pauses | None,
    alone: bool,
) -> int:
    """Begin run ``number`` and return the pid of the process that watches over it.

    ``alone``: no other run is going on, so that connections need not be told from those of others.

    Raises:
        OSError: no more processes, no more disk.

    """
    descriptors = [os.open(os.devnull, os.O_RDONLY)]
    try:
        for kind in ("stdout", "stderr"):
            descriptors.append(cases.private_file(hunt.passing(number, kind)))  # noqa: PERF401 - closed below
        with contextlib.suppress(OSError):
            sudo.hand_over(hunt.folder)  # the program may open its own output once more, by /dev/stderr
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            _live(hunt, number, command, descriptors, interface, capture_filter, pauses, alone=alone)
    finally:
        for descriptor in descriptors:
            os.close(descriptor)
    return pid


def _live(
    hunt: cases.HuntFolder,
    number: int,
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
        cases.write(
            hunt.passing(number, "row"),
            _run(hunt, number, command, interface, capture_filter, pauses, alone=alone),
        )
        status = 0
    except BaseException as error:  # noqa: BLE001 - whatever it was, this process ends here
        said = str(error) if isinstance(error, UserError) else type(error).__name__
        with contextlib.suppress(OSError):
            cases.write(hunt.passing(number, "row"), orjson.dumps({"lost": said}))
    finally:
        os._exit(status)


def _run(
    hunt: cases.HuntFolder,
    number: int,
    command: Sequence[str],
    interface: str,
    capture_filter: str,
    pauses: Pauses | None,
    *,
    alone: bool,
) -> bytes:
    """Record, and return the row of this run, or what kept it from being run."""
    case, started_ns = hunt.case(number), time.time_ns()
    if pauses is not None:
        threading.Thread(target=pauses.make, args=(case, number), daemon=True).start()
    try:
        recording = record(command, folder=case.folder, interface=interface, capture_filter=capture_filter)
    except UserError as error:
        return _refusal(str(error), error.exit_code)
    if not alone and not _watched(case):
        return _refusal("the program cannot be watched, so that its runs mix with --jobs: do without it", 2)
    for kind, path in (("stdout", case.stdout), ("stderr", case.stderr)):
        hunt.passing(number, kind).rename(path)
    with contextlib.suppress(OSError):
        sudo.hand_over(case.folder)
    return encode(_row(recording, number, started_ns))


def _refusal(message: str, exit_code: int) -> bytes:
    return orjson.dumps({"error": message, "exit_code": exit_code})


def _watched(case: cases.Case) -> bool:
    """Whether the program's own connections are known, so that those of other runs are left out."""
    seen = events.read(case.program)
    return bool(seen.by_client_random or seen.by_sockets or not seen.notes)


def _row(recording: Recording, number: int, started_ns: int) -> Run:
    end, report = recording.end, recording.report
    if report is None:
        raise UserError("; ".join(recording.notes))
    duration_ns = time.time_ns() - started_ns
    status = 128 + end.signal if end.signal else end.status
    run = of_report(report, number=number, started_ns=started_ns, duration_ns=duration_ns, status=status)
    run.notes += [note for note in recording.notes if note not in run.notes]
    return run


def collect(hunt: cases.HuntFolder, number: int) -> Run | str:
    """What came of run ``number``, whose process has ended, or why nothing did.

    Raises:
        UserError: the program could not be started.

    """
    path = hunt.passing(number, "row")
    try:
        line = path.read_bytes()
        path.unlink()
    except OSError as error:
        return error.strerror or type(error).__name__
    if line.startswith(b'{"lost"'):
        return str(orjson.loads(line)["lost"])
    if line.startswith(b'{"error"'):
        said = orjson.loads(line)
        raise UserError(said["error"], said["exit_code"])
    return decode(line)


def discard(hunt: cases.HuntFolder, number: int) -> None:
    """Remove what a run left that is not to be kept."""
    for kind in ("stdout", "stderr", "row"):
        hunt.passing(number, kind).unlink(missing_ok=True)
    cases.discard(hunt.case(number))
