"""``plainwire run``: one program, recorded and explained.

    case folder -> capture -> program -> its end -> last packets -> packets of others out of the capture, and
    secrets into it -> report

The program comes first. Its exit status is ours whatever happens to our own work, and what was captured
stays.
"""

from __future__ import annotations

import contextlib
import math
import os
import signal
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field

from plainwire import case as cases
from plainwire import traced
from plainwire.acquire import attached as attached_program
from plainwire.acquire import board as boards
from plainwire.acquire import events, namespaces, spoken_words, supervise
from plainwire.acquire.attached import AttachedProgram
from plainwire.acquire.launch import Program, launch
from plainwire.acquire.patcher import Patcher
from plainwire.acquire.via import ANYHOW, Via
from plainwire.capture import live
from plainwire.capture.pcapng import embed_secrets
from plainwire.guard import guarded
from plainwire.model import NoRightError, UserError
from plainwire.opened_before import OpenedBefore
from plainwire.plurals import count
from plainwire.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from plainwire.case import Case
    from plainwire.model import Report


_ALL_BY_ORDER = (
    "the case holds all packets of this machine while the program ran (--keep-all), not only its own"
)
_ALL_FOR_DOUBT = (
    "which connections are the program's own could not be seen: the case holds all packets of this machine "
    "while it ran, and some of the connections may be of other programs"
)


_LAST_LOOK = 200.0
"""Seconds at the end of a recording of running programs for secrets that are still looked for. That is some
seconds of computing; the machine may have others to serve.
"""
_UNSEEN = Progress()
_LAST_PACKETS = 0.5  # seconds until what came last is in the file


class Recording(Struct):
    """What came of it. ``report`` is None where the analysis failed; ``notes`` say what went wrong.

    ``how`` names what captured. ``spoiled`` says what somebody did to the case meanwhile. ``for_caller``: all
    that is in the case may be given to whoever called sudo.
    """

    case: Case
    end: supervise.ProgramEnd
    how: str
    report: Report | None = None
    packets: int = 0
    notes: list[str] = field(default_factory=list)
    traceback: str = ""
    spoiled: str | None = None
    left_out: int = 0  # packets, of other programs
    for_caller: bool = True
    via: Via = ANYHOW


def record(
    command: Sequence[str],
    *,
    folder: Path | None = None,
    case: Case | None = None,
    interface: str = live.ANY,
    capture_filter: str = "",
    restore: bool = True,
    keep_all: bool = False,
    key_logs: Sequence[Path] = (),
    via: Via = ANYHOW,
    relay: str | None = None,
    followed: bool = False,
    progress: Progress = _UNSEEN,
) -> Recording:
    """Run ``command`` to its end and leave a case folder, by default a new one in the working directory.

    ``case`` is one that was made already, and where nothing may be but the program's own output.
    ``restore``: programs that are started with an environment of their own belong to it too. ``keep_all``:
    packets of other programs stay in the capture.
    ``key_logs``: files that the program writes key logs to by itself; by its end their lines are taken.
    ``via`` forces how connections are seen and secrets are had. ``relay``: all packets are those of a relay
    that made this network; what is to be said of that. ``followed``: somebody reads the program's events
    while it runs, so that they go into their file at once.
    ``progress`` is told what is being done once the program has ended.

    Raises:
        UserError: the program was not started (bad folder, no right to capture, no such command); nothing
            is left behind.

    """
    made = case
    if case is None:
        case = cases.create(folder) if folder else cases.create_named(Path.cwd(), time.time())
    board = None if followed else boards.made(case)
    closed = contextlib.nullcontext() if board is None else contextlib.closing(board)
    with guarded(case, board, keep_all=keep_all), closed, supervise.held_signals() as wait:
        capture, program = _start(
            command, case, interface, capture_filter, board, restore=restore, key_logs=key_logs, via=via
        )
        if relay is not None:
            note = {"event": "note", "text": relay, "relayed": True}
            events.append(case.place.made[case.program.name], note)
        meanwhile = (lambda: None) if board is None else board.empty
        recording = Recording(case, wait(program.pid, meanwhile, boards.EMPTIED_EVERY), capture.how, via=via)
        progress.step("the program has ended; taking the last packets")
        with _kept(recording, "the end of the recording"):
            if board is not None:
                board.close()
            _collect(recording, capture, program, progress, keep_all=keep_all)
    _conclude(recording, progress)
    if made is None:
        case.close()
    return recording


def attach(
    pids: Sequence[int],
    *,
    folder: Path | None = None,
    interface: str = live.ANY,
    capture_filter: str = "",
    children: bool = False,
    duration: float | None = None,
    keep_all: bool = False,
    via: Via = ANYHOW,
    attached: Callable[[AttachedProgram], None] = lambda _: None,
    progress: Progress = _UNSEEN,
) -> Recording:
    """Record processes that run already until they end, ``duration`` seconds are over, or a signal that ends
    programs comes; then put them back as they were.

    ``via`` forces how connections are seen and secrets are had.
    ``attached`` is called when that has begun.

    Raises:
        UserError: as for ``record``; or one of them is not there, or may not be looked at.

    """
    patcher = Patcher()  # before there is a thread
    try:
        case = cases.create(folder) if folder else cases.create_named(Path.cwd(), time.time())
        with _until_asked_to_end() as asked:
            try:
                program = AttachedProgram(
                    pids,
                    case,
                    patcher,
                    without_secrets,
                    children=children,
                    patches=via.allows("patch"),
                )
                try:
                    with namespaces.network_of(program.pid):
                        capture = _capture(case, interface, capture_filter, via)
                except BaseException:
                    program.discard()
                    raise
            except BaseException:
                cases.discard(case)
                raise
            scanned = via.allows("memory")
            opened = program.begin()
            before = OpenedBefore(case.place.open(case.capture.name), opened if scanned else ())
            attached(program)
            end = time.monotonic() + (math.inf if duration is None else duration)
            while program.alive and not asked() and (left := end - time.monotonic()) > 0:
                program.wait(min(left, attached_program.LOOK_EVERY))
                program.look()
                before.add(program.new_connections() if scanned else ())
                program.add_found(before.look())
            progress.step("looking for the secrets of connections that were open before")
            if scanned:
                _look_last(before, program, asked)
        recording = Recording(case, supervise.ProgramEnd(), capture.how, via=via)
        with _kept(recording, "the end of the recording"):
            progress.step("taking the last packets")
            _collect(recording, capture, program, progress, keep_all=keep_all)
    finally:
        patcher.close()
    _conclude(recording, progress)
    case.close()
    return recording


def _look_last(before: OpenedBefore, program: AttachedProgram, asked: Callable[[], int]) -> None:
    """As long as a connection is open its secrets are in memory. A second Ctrl-C ends this, too."""
    already, began = asked(), time.monotonic()
    program.look()
    before.add(program.new_connections())
    program.add_found(before.look(at_once=True))
    while program.alive and asked() == already:
        passed = time.monotonic() - began
        if passed > _LAST_LOOK or not (before.busy or (before.lacks_records and passed < _LAST_PACKETS)):
            break
        program.wait()
        program.look()
        program.add_found(before.look(at_once=True))
    before.stop()


@contextlib.contextmanager
def _until_asked_to_end() -> Iterator[Callable[[], int]]:
    """While the body runs, signals that end programs do not end us; it can ask how many came."""
    came: list[int] = []
    asking = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    old = {n: signal.signal(n, lambda number, _: came.append(number)) for n in asking}
    try:
        yield lambda: len(came)
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


def _conclude(recording: Recording, progress: Progress) -> None:
    """The report, and the case to whom it belongs."""
    case = recording.case
    with _kept(recording, "the analysis"):
        _analyze(recording, progress)
    with contextlib.suppress(OSError):
        case.place.hand_over(*(n for n in case.place.made if recording.for_caller or n != case.capture.name))


@contextlib.contextmanager
def _kept(recording: Recording, what: str) -> Iterator[None]:
    """Turn an error of ours, or Ctrl-C while we work, into a note: the program's status goes on."""
    try:
        yield
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - as said above
        said = str(error) if isinstance(error, UserError) else type(error).__name__
        recording.notes.append(f"{what} failed ({said}); what was captured is kept")
        recording.traceback += traceback.format_exc()


def _start(
    command: Sequence[str],
    case: Case,
    interface: str,
    capture_filter: str,
    board: boards.Board | None,
    *,
    restore: bool,
    key_logs: Sequence[Path],
    via: Via,
) -> tuple[live.Capture, Program]:
    try:
        capture = _evidence(command, case, interface, capture_filter, via)
        try:
            return capture, launch(
                command, case, without_secrets, restore=restore, key_logs=key_logs, via=via, board=board
            )
        except BaseException:
            capture.stop()
            raise
    except BaseException:
        cases.discard(case)
        raise


def _evidence(
    command: Sequence[str], case: Case, interface: str, capture_filter: str, via: Via
) -> live.Capture:
    """Packets, where the user may capture them; else the program's calls on its sockets."""
    if via.evidence != "sockets":
        try:
            return _capture(case, interface, capture_filter, via)
        except NoRightError as error:
            why = traced.refused(command, interface, capture_filter, via)
            if via.evidence is not None or why is not None:
                raise traced.instead(error, why or "--via asks for packets") from None
    elif (why := traced.refused(command, interface, capture_filter, via)) is not None:
        message = f"its sockets cannot be traced: {why}"
        raise UserError(message)
    return traced.SocketTrace(case)


def without_secrets(command: Sequence[str]) -> list[str]:
    """A command line as it may be kept."""
    from plainwire.report import redact  # noqa: PLC0415 - its imports would delay the program's start

    return redact.arguments(command)


def _take_out_spoken_secrets(case: Case) -> None:
    from plainwire.report import redact  # noqa: PLC0415 - as above

    spoken_words.take_out_secrets(case.program, redact.line, case.place)


def _capture(case: Case, interface: str, capture_filter: str, via: Via = ANYHOW) -> live.Capture:
    try:
        case.place.make(case.capture.name)
    except OSError as error:
        message = f"{case.capture}: {error.strerror}"
        raise UserError(message) from error
    file = case.place.open(case.capture.name)
    return live.start(file, interface=interface, capture_filter=capture_filter, only=via.evidence)


def _collect(
    recording: Recording,
    capture: live.Capture,
    program: Program | AttachedProgram,
    progress: Progress,
    *,
    keep_all: bool,
) -> None:
    """The program's end, the last packets, and the secrets ahead of them."""
    recording.for_caller = False  # until what is others' is out of the capture
    if isinstance(program, Program):
        program.wait()
        program.tell_calls()
    captured = capture.stop()
    recording.packets = captured.packets
    if captured.trouble:
        recording.notes.append(f"the capture ended too early: {captured.trouble}; what came before is kept")
    program.finish()
    recording.spoiled = recording.case.place.amiss()
    if recording.case.place.exists():
        _complete(recording, program, progress, keep_all=keep_all)


def _complete(
    recording: Recording, program: Program | AttachedProgram, progress: Progress, *, keep_all: bool
) -> None:
    """The case as it is to be read: the program's packets, with their secrets ahead of them, and nowhere
    else.
    """
    case = recording.case
    try:
        _take_out_spoken_secrets(case)
    except OSError as error:
        recording.notes.append(
            f"{case.program}: {error.strerror}; what the program wrote stays in it as it was"
        )
    keep, may_go = None, True
    try:
        keep = _own_packets(recording, program, progress, keep_all=keep_all)
    except Exception as error:  # noqa: BLE001 - a bug of ours must not cost the secrets
        may_go = False
        said = str(error) if isinstance(error, UserError) else type(error).__name__
        recording.notes.append(f"the packets of other programs could not be left out ({said})")
        recording.traceback += traceback.format_exc()
    try:
        with os.fdopen(case.place.open(case.keys.name).reader(), "rb") as keys:
            embed_secrets(case.capture, keys, case.place, keep)
        case.place.remove(case.keys.name)
        recording.for_caller = may_go
    except UserError as error:
        recording.notes.append(
            f"{error}; it still holds what other programs sent, and the secrets are in {case.keys}"
        )


def _own_packets(
    recording: Recording, program: Program | AttachedProgram, progress: Progress, *, keep_all: bool
) -> bytearray | None:
    """Which packets stay in the case; None where all do. What that was goes into the program's events."""
    from plainwire import attribution  # noqa: PLC0415 - as above
    from plainwire.keys import read_keys  # noqa: PLC0415 - its imports would delay the program's start
    from plainwire.sifting import own_packets  # noqa: PLC0415 - as above

    case = recording.case
    journal = case.place.made[case.program.name]
    if recording.via.words:
        events.append(journal, {"event": "note", "text": recording.via.words})
    if recording.how == traced.HOW:
        note = traced.NOTE if recording.via.evidence is None else traced.NOTE_FORCED
        events.append(journal, {"event": "note", "text": note})
        return None
    if keep_all or (program.unwatched and not program.witnessed):
        events.append(journal, {"event": "note", "text": _ALL_BY_ORDER if keep_all else _ALL_FOR_DOUBT})
        return None
    keys = read_keys([case.place.open(case.keys.name)])
    seen = events.read(case.place.open(case.program.name))
    seen.unwatched, seen.witnessed = program.unwatched, program.witnessed  # as we know ourselves
    if program.confirmed is not None:
        claimed = attribution.unconfirmed(seen, program.confirmed)
        if claimed:
            what = count(claimed, "socket")
            text = f"{what} that the program called its own, of which the kernel knows nothing"
            events.append(journal, {"event": "note", "text": text})
    capture = case.place.open(case.capture.name)
    progress.step("leaving out what other programs sent", 2 * os.fstat(capture.descriptor).st_size)
    kept = own_packets(capture, seen, keys, program.sent, progress.through)
    progress.step("putting the secrets into the capture")
    recording.left_out = kept.left_out
    if not kept.left_out:
        return None
    events.append(journal, {"event": "left out", "packets": kept.left_out})
    return kept.flags


def _analyze(recording: Recording, progress: Progress) -> None:
    from plainwire import provenance, reading, stored  # noqa: PLC0415 - imports would delay the program's start

    case = recording.case
    report = reading.analyze(case, progress=progress)
    report.coverage.notes.extend(recording.notes)
    recording.report = report
    if not case.place.exists():
        return
    progress.step("writing the report")
    try:
        stored.write(case, report, provenance.about(case.folder, recorded_here=True))
    except OSError as error:
        recording.notes.append(f"the report could not be written: {error.strerror}")
