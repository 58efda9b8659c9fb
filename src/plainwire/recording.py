"""``plainwire run``: one program, recorded and explained.

    case folder -> capture -> program -> its end -> last packets -> secrets into the capture -> report

The program comes first. Its exit status is ours whatever happens to our own work, and what was captured
stays.
"""

from __future__ import annotations

import contextlib
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field

from plainwire import case as cases
from plainwire.acquire import events, spoken_words, sudo, supervise
from plainwire.acquire.launch import launch
from plainwire.capture import live
from plainwire.capture.pcapng import embed_secrets
from plainwire.model import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from plainwire.acquire.launch import Program
    from plainwire.case import Case
    from plainwire.model import Report


class Recording(Struct):
    """What came of it. ``report`` is None where the analysis failed; ``notes`` say what went wrong.

    ``how`` names what captured.
    """

    case: Case
    end: supervise.ProgramEnd
    how: str
    report: Report | None = None
    packets: int = 0
    notes: list[str] = field(default_factory=list)
    traceback: str = ""


def record(
    command: Sequence[str],
    *,
    folder: Path | None = None,
    interface: str = live.ANY,
    capture_filter: str = "",
    progress: Callable[[str], None] = lambda _: None,
) -> Recording:
    """Run ``command`` to its end and leave a case folder, by default a new one in the working directory.

    ``progress`` is told what is being done once the program has ended.

    Raises:
        UserError: the program was not started (bad folder, no right to capture, no such command); nothing
            is left behind.

    """
    case = cases.create(folder) if folder else cases.create_named(Path.cwd(), time.time())
    with supervise.held_signals() as wait:
        capture, program = _start(command, case, interface, capture_filter)
        recording = Recording(case, wait(program.pid), capture.how)
        progress("the program has ended; taking the last packets")
        with _kept(recording, "the end of the recording"):
            _collect(recording, capture, program)
    with _kept(recording, "the analysis"):
        progress("decrypting and analysing")
        _analyze(recording)
    with contextlib.suppress(OSError):
        sudo.hand_over(case.folder)
    return recording


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
    command: Sequence[str], case: Case, interface: str, capture_filter: str
) -> tuple[live.Capture, Program]:
    try:
        capture = live.start(case.capture, interface=interface, capture_filter=capture_filter)
        try:
            return capture, launch(command, case, _without_secrets)
        except BaseException:
            capture.stop()
            raise
    except BaseException:
        cases.discard(case)
        raise


def _without_secrets(command: Sequence[str]) -> list[str]:
    from plainwire.report import redact  # noqa: PLC0415 - its imports would delay the program's start

    return redact.arguments(command)


def _take_out_spoken_secrets(case: Case) -> None:
    from plainwire.report import redact  # noqa: PLC0415 - as above

    spoken_words.take_out_secrets(case.program, redact.line)


def _collect(recording: Recording, capture: live.Capture, program: Program) -> None:
    """The program's end, the last packets, and the secrets ahead of them."""
    program.wait()
    captured = capture.stop()
    recording.packets = captured.packets
    if captured.trouble:
        recording.notes.append(f"the capture ended too early: {captured.trouble}; what came before is kept")
    program.finish()
    case = recording.case
    try:
        _take_out_spoken_secrets(case)
    except OSError as error:
        recording.notes.append(
            f"{case.program}: {error.strerror}; what the program wrote stays in it as it was"
        )
    try:
        embed_secrets(case.capture, case.keys.read_bytes())
        case.keys.unlink()
    except UserError as error:
        recording.notes.append(f"{error}; they stay in {case.keys}")
    except OSError as error:
        recording.notes.append(f"{case.keys}: {error.strerror}")


def analyze(
    case: Case,
    keys: Sequence[Path | str] = (),
    *,
    private_keys: Sequence[Path | str] = (),
    psks: Sequence[str] = (),
    keep_bodies: bool = False,
) -> Report:
    """Read a case: its packets, which hold everything, with what its program's side saw.

    Raises:
        UserError: there is no capture in it, or it cannot be read.

    """
    from plainwire import pipeline  # noqa: PLC0415 - its imports would delay the program's start

    if not case.capture.exists():
        message = f"{case.folder}: no case, there is no {case.capture.name} in it"
        raise UserError(message)
    program = events.read(case.program) if case.program.exists() else None
    return pipeline.analyze(
        [case.capture],
        keys,
        private_keys=private_keys,
        psks=psks,
        events=program,
        program_only=program is not None,
        keep_bodies=keep_bodies,
    )


def _analyze(recording: Recording) -> None:
    from plainwire.report import html, json  # noqa: PLC0415 - its imports would delay the program's start

    case = recording.case
    report = analyze(case, [case.keys] if case.keys.exists() else [])
    report.coverage.notes.extend(recording.notes)
    recording.report = report
    try:
        cases.write(case.report_json, json.encode(report))
        cases.write(case.report_html, html.render(report).encode())
    except OSError as error:
        recording.notes.append(f"the report could not be written: {error.strerror}")
