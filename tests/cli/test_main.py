"""The command line as a whole: whatever fails is one line and an exit status that means no findings."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, NoReturn

import pytest

from plainwire import hunting, pipeline
from plainwire.cli import main
from plainwire.diagnose import order
from tests.cli import plain_capture
from tests.users import become_user, open_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["open_folder"]
LOADED = hunting, *(importlib.import_module(f"plainwire.cli.{name}") for name in main.COMMANDS)
"""What the command line loads when it is asked for: by then a user without rights may not reach the files."""

FINDINGS, MISUSE, FAULT = 1, 2, 4
PLAINWIRE = [sys.executable, "-m", "plainwire"]


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    return plain_capture.write(tmp_path / "failing.pcap")


@pytest.mark.parametrize(
    "arguments", [["analyze"], ["analyze", "--nonsense"], ["nonsense"], ["show"], ["run", "--"]]
)
def test_misuse_is_one_line_that_says_where_help_is(arguments: list[str]) -> None:
    done = subprocess.run([*PLAINWIRE, *arguments], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (MISUSE, "")
    assert done.stderr.startswith("plainwire: ")
    assert done.stderr.endswith(" --help)\n")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        (["shw"], "did you mean show?"),
        (["anlyze", "x"], "did you mean analyze?"),
        (["--", "true", "x"], "to run it: plainwire run -- true"),
    ],
)
def test_a_slip_is_told_what_may_be_meant(typed: list[str], hint: str) -> None:
    done = subprocess.run([*PLAINWIRE, *typed], capture_output=True, text=True, check=False)
    assert done.returncode == MISUSE
    assert hint in done.stderr


def test_help_of_a_command_is_that_behind_it() -> None:
    for typed, same in ((["help", "show"], ["show", "--help"]), (["help"], ["--help"])):
        said, wanted = (
            subprocess.run([*PLAINWIRE, *words], capture_output=True, text=True, check=True).stdout
            for words in (typed, same)
        )
        assert said.strip()
        assert said.splitlines()[2:] == wanted.splitlines()[2:]


@pytest.mark.parametrize("command", ["analyze", "show", "explain", "hunt"])
def test_escapes_in_a_name_are_printed_harmlessly(command: str) -> None:
    name = "\x1b]0;owned\x07\x9b2J\n\u202e" + ("" if command != "hunt" else "/x")
    more = ["--after", name, "--", "true"] if command == "hunt" else [name]
    done = subprocess.run([*PLAINWIRE, command, *more], capture_output=True, text=True, check=False)
    assert done.returncode == MISUSE
    assert done.stderr.removesuffix("\n").isprintable()
    assert "x1b]0;owned" in done.stderr


@pytest.mark.parametrize("words", [["analyze"], ["analyze", "--json"], ["show"], ["show", "--json"]])
@pytest.mark.parametrize(
    ("shell", "reason"),
    [('"$@" >/dev/full', "No space left on device"), ('"$@" >&-', "Bad file descriptor")],
    ids=["full disk", "closed"],
)
def test_output_that_cannot_be_written_is_one_line_and_no_finding(
    capture: Path, words: list[str], shell: str, reason: str
) -> None:
    command = ["sh", "-c", shell, "sh", *PLAINWIRE, *words, str(capture)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (MISUSE, f"plainwire: {reason}\n")


@pytest.mark.parametrize("shell", ['"$@" >/dev/full', '"$@" >&-'], ids=["full disk", "closed"])
@pytest.mark.parametrize(
    "words",
    [["--help"], ["explain", "bad-framing"], ["inspect", "true"], ["export", "--har"], ["export", "--sarif"]],
    ids=" ".join,
)
def test_no_command_that_cannot_write_ends_as_with_findings(
    capture: Path, words: list[str], shell: str
) -> None:
    words = [*words, str(capture)] if words[0] == "export" else words
    command = ["sh", "-c", shell, "sh", *PLAINWIRE, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (MISUSE, 1)
    assert done.stderr.startswith("plainwire: ")


def test_a_closed_standard_error_changes_no_status(capture: Path) -> None:
    for shell in ('"$@" 2>&-', '"$@" 2>/dev/full'):
        command = ["sh", "-c", shell, "sh", *PLAINWIRE, "analyze"]
        assert subprocess.run([*command, capture], capture_output=True, check=False).returncode == FINDINGS
        assert subprocess.run([*command, "/absent"], capture_output=True, check=False).returncode == MISUSE


@pytest.mark.parametrize(
    "words",
    [
        ["analyze", "CASE"],
        ["show", "CASE"],
        ["analyze", "CASE", "CASE"],
        ["export", "CASE", "--har"],
        ["open", "CASE"],
        ["query", "SELECT 1", "CASE"],
        ["share", "CASE"],
        ["verify", "CASE"],
    ],
)
def test_another_users_case_is_one_line(open_folder: Path, words: list[str]) -> None:
    case = open_folder / "case"
    case.mkdir(mode=0o700)
    status, said = in_child([word.replace("CASE", str(case)) for word in words], become_user)
    assert status == MISUSE
    assert said.startswith("plainwire: ")
    assert str(case) in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(("options", "shown"), [((), False), (("--debug",), True)])
def test_a_fault_of_our_own_is_one_line_and_a_status_of_its_own(
    capture: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], *, shown: bool
) -> None:
    def fails(*_: object, **__: object) -> NoReturn:
        name = "\x1b[2J from the wire"
        raise KeyError(name)

    monkeypatch.setattr(pipeline, "analyze", fails)
    status, said = in_child([*options, "analyze", str(capture)])
    assert status == FAULT
    assert said.startswith("plainwire: KeyError: this is a bug in plainwire")
    assert ("Traceback" in said) is shown
    assert "\x1b" not in said


def test_the_option_for_tracebacks_may_stand_behind_the_command_too(
    capture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "analyze", None)
    status, said = in_child(["analyze", "--debug", str(capture)])
    assert (status, "Traceback" in said) == (FAULT, True)


@pytest.mark.broken
@pytest.mark.parametrize("options", [(), ("--debug",)])
def test_a_rule_that_fails_is_a_line_and_the_rest_of_the_report_stands(
    capture: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    def fails(*_: object) -> NoReturn:
        name = "\x1b[2J from the wire"
        raise KeyError(name)

    monkeypatch.setattr(order, "COMPLETE", (fails,))
    monkeypatch.setattr(order, "COMPLETE_AND_PLAIN", (fails,))
    status, said = in_child([*options, "analyze", str(capture)])
    assert status == FAULT
    assert ("in fails" in said) is bool(options)
    assert "\x1b" not in said


def in_child(arguments: list[str], first: Callable[[], None] = lambda: None) -> tuple[int, str]:
    """Exit status and standard error of the command line in a fork of this process, as it is now."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.dup2(writing, 2)
        sys.stderr = os.fdopen(2, "w", closefd=False)
        sys.argv = ["plainwire", *arguments]
        first()
        main.main()
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = pipe.read()
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), said


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["explain", "keepalive-idle-race"]])
def test_what_only_prints_words_loads_neither_numpy_nor_rules(words: list[str]) -> None:
    code = (
        "import os, sys\n"
        "from plainwire.cli import main\n"
        "os._exit = lambda status: print('\\n'.join(['', status and 'failed' or 'done', *sys.modules]))\n"
        "main.main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
    loaded = done.stdout.splitlines()
    assert "done" in loaded
    assert not {"numpy", "plainwire.diagnose.order", "plainwire.diagnose.procedure"} & {*loaded}
    assert not [name for name in loaded if name.startswith("plainwire.lab")]


def test_help_names_every_command_on_one_line() -> None:
    text = subprocess.run([*PLAINWIRE, "--help"], capture_output=True, text=True, check=True).stdout
    for name in main.COMMANDS:
        assert re.search(rf"^  {name} +[A-Z].*\.$", text, re.MULTILINE)
        assert subprocess.run([*PLAINWIRE, name, "--help"], capture_output=True, check=True).stdout
