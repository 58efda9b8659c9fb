"""A case made of segments: the minutes around something, in the form that every command reads."""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING, BinaryIO

import orjson

from plainwire import provenance, reading, stored, sudo
from plainwire.acquire import spoken_words
from plainwire.capture import reader
from plainwire.capture.pcapng import embed_secrets, joined
from plainwire.case import Case, discard
from plainwire.model import UserError
from plainwire.recorder import home, ring, shedding
from plainwire.recorder.examination import fresh_lines, handed_lines
from plainwire.recorder.jobs import Saved
from plainwire.report import redact

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plainwire.folder import Folder
    from plainwire.model import Report
    from plainwire.recorder.carried import Lines
    from plainwire.recorder.home import Home
    from plainwire.recorder.jobs import Interest
    from plainwire.recorder.ring import RingSegment

_MOST_NAMES = 1000


def save(where: Home, segments: Sequence[RingSegment], because: str, at: float, wanted: Interest) -> Saved:
    """Make a case of these segments, which are one behind the other, with its report."""
    began, done = time.process_time(), Saved(because, at)
    if not segments:
        done.trouble = "the ring has nothing of that time any more"
        return done
    case: Case | None = None
    try:
        case = _made(where.cases, because, at)
        _fill(case, where.ring, segments, because, wanted)
        report = reading.analyze(case)
        _write_report(case, report, segments, because)
        done.codes = sorted({finding.code for finding in report.findings})
        done.name = case.folder.name
        done.size = sum(os.fstat(descriptor).st_size for descriptor in case.place.made.values())
        case.place.hand_over()
    except (OSError, UserError) as error:
        done.trouble = str(error.strerror) if isinstance(error, OSError) else str(error)
        if case is not None:
            discard(case)
    done.seconds = time.process_time() - began
    return done


def _made(cases: Folder, because: str, at: float) -> Case:
    words = "".join(c if c.isalnum() and c.isascii() else "-" for c in because)[:40].strip("-")
    name = time.strftime("%Y%m%d-%H%M%S-", time.localtime(at)) + (words or "asked")
    for ordinal in range(1, _MOST_NAMES):
        folder = name if ordinal == 1 else f"{name}-{ordinal}"
        with contextlib.suppress(FileExistsError):
            return Case(cases.path / folder, cases.folder(folder))
    message = f"{cases.path / name}: there are too many cases of that name"
    raise UserError(message)


def _fill(case: Case, place: Folder, segments: Sequence[RingSegment], because: str, wanted: Interest) -> None:
    handed = handed_lines(place, segments[0])
    lines = [handed, *(fresh_lines(place, each, wanted) for each in segments)]
    case.place.fill(case.capture.name, lambda file: _join(file, place, segments))
    secrets = b"\n".join(dict.fromkeys(line for each in lines for line in each.keys))
    share = shedding.share_of(segments)
    keep = share.flags(reader.read([case.capture])) if share is not None else None
    embed_secrets(case.capture, secrets, case.place, keep)
    if not wanted.program:
        return
    told = [orjson.dumps({"event": "note", "text": _note(segments, because)})]
    left_out = sum(each.left_out for each in segments)
    told += [orjson.dumps({"event": "left out", "packets": left_out})] if left_out else []
    case.place.write(case.program.name, b"".join(line + b"\n" for line in _events(segments, lines, told)))
    spoken_words.take_out_secrets(case.program, redact.line, case.place)


def _events(segments: Sequence[RingSegment], lines: list[Lines], told: list[bytes]) -> list[bytes]:
    share = shedding.share_of(segments)
    events = (line for each in lines for line in each.events)
    return [*(events if share is None else filter(share.has_event, events)), *told]


def _join(file: BinaryIO, place: Folder, segments: Sequence[RingSegment]) -> None:
    with contextlib.ExitStack() as held:
        opened = (os.fdopen(ring.opened(place, each.name(ring.PACKETS)), "rb") for each in segments)
        joined([held.enter_context(each) for each in opened], file)


def _write_report(case: Case, report: Report, segments: Sequence[RingSegment], because: str) -> None:
    note = _note(segments, because)
    if note not in report.coverage.notes:
        report.coverage.notes.append(note)
    stored.write(case, report, provenance.about(case.folder, recorded_here=True))


def _note(segments: Sequence[RingSegment], because: str) -> str:
    first, last = (time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(t)) for t in _span(segments))
    told = f"Saved by the flight recorder ({because}): what was captured from {first} to {last} UTC."
    level = shedding.level_of(segments)
    return f"{told} {shedding.note(level)}" if level else told


def _span(segments: Sequence[RingSegment]) -> tuple[float, float]:
    return segments[0].began, segments[-1].ended


def log(where: Home, saved: Saved) -> None:
    """A line on a saved case, or on why it was not, beside the cases."""
    row = {
        "case": f"{home.CASES}/{saved.name}" if saved.name else None,
        "because": saved.because,
        "at": saved.at,
        "findings": saved.codes,
        "trouble": saved.trouble or None,
    }
    with contextlib.suppress(OSError):
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        with sudo.as_caller():
            descriptor = os.open(home.LOG, flags, 0o600, dir_fd=where.place.descriptor)
        os.write(descriptor, orjson.dumps(row) + b"\n")
        os.close(descriptor)
