"""A recording as a whole: what is kept where our own work fails, and whose it is."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, NoReturn

import pytest

from plainwire import pipeline
from plainwire.acquire import events
from plainwire.acquire.supervise import ProgramEnd
from plainwire.case import Case
from plainwire.model import UserError
from plainwire.recording import record
from tests.needs import needs, tool

if TYPE_CHECKING:
    from pathlib import Path

NOBODY = "65534"


@pytest.fixture(autouse=True)
def _may_capture() -> None:
    needs("root", "tshark")


def failing(error: BaseException) -> object:
    def analyze(*_: object, **__: object) -> NoReturn:
        raise error

    return analyze


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (RuntimeError("\x1b[2J from the wire"), "RuntimeError"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
        (UserError("capture.pcapng: not readable"), "capture.pcapng: not readable"),
    ],
)
def test_where_the_analysis_fails_status_and_capture_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, said: str
) -> None:
    monkeypatch.setattr(pipeline, "analyze", failing(error))
    recording = record(["sh", "-c", "exit 3"], folder=tmp_path / "case")
    assert recording.end == ProgramEnd(status=3)
    assert recording.report is None
    assert recording.notes == [f"the analysis failed ({said}); what was captured is kept"]
    subprocess.run([tool("tshark"), "-n", "-r", str(recording.case.capture)], capture_output=True, check=True)


def test_where_the_report_cannot_be_written_it_is_still_there(tmp_path: Path) -> None:
    folder = tmp_path / "case"
    recording = record(["mkdir", str(Case(folder).report_json)], folder=folder)
    assert recording.end == ProgramEnd(status=0)
    assert recording.report is not None
    assert recording.notes == ["the report could not be written: File exists"]


def test_under_sudo_program_and_case_are_the_callers(tmp_path: Path) -> None:
    case = Case(tmp_path / "case")
    caller = {
        "SUDO_UID": NOBODY,
        "SUDO_GID": NOBODY,
        "SUDO_USER": "nobody",
        "SUDO_COMMAND": "/bin/plainwire run",
    }
    done = subprocess.run(
        [sys.executable, "-m", "plainwire", "run", "-q", "-o", str(case.folder), "--", "id", "-u"],
        env={**os.environ, **caller},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"{NOBODY}\n"
    entries = [case.folder, *case.folder.iterdir()]
    assert len(entries) == 6
    assert {entry.stat().st_uid for entry in entries} == {int(NOBODY)}


def test_secrets_of_the_command_line_and_of_its_words_are_in_no_file(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import sys, time\n"
        "sys.stderr.write('url: /x?api_key=hun')\n"
        "time.sleep(0.1)\n"
        "sys.stderr.write('ter2\\n')\n"
    )
    recording = record([sys.executable, str(program), "--token", "hunter3"], folder=tmp_path / "case")
    seen = events.read(recording.case.program)
    assert seen.command[-2:] == ["--token", "[redacted]"]
    assert seen.words
    assert {word.text for word in seen.words} == {"url: /x?api_key=[redacted]\n"}
    for path in recording.case.folder.iterdir():
        text = path.read_bytes()
        assert b"ter2" not in text
        assert b"hunter3" not in text
