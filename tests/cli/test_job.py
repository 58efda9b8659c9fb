"""``plainwire run`` in a job of continuous integration."""

from __future__ import annotations

import json
import os
import re
import shlex
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner

from plainwire.cli.main import plainwire
from tests.needs import needs

if TYPE_CHECKING:
    from collections.abc import Iterator

FORGIVING = """
import http.client, sys
try:
    client = http.client.HTTPConnection("127.0.0.1", {port}, timeout=60)
    client.request("GET", "/object")
    client.getresponse()
except OSError:
    pass
"""
"""A program that meets a failure and succeeds."""


@contextmanager
def closing_server() -> Iterator[int]:
    """A server that takes a request and closes."""

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(1 << 16)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()


def run(folder: Path, *options: object, **environment: str) -> subprocess.CompletedProcess[str]:
    needs("root")
    unset = ("GITHUB_ACTIONS", "GITLAB_CI", "GITHUB_STEP_SUMMARY")
    kept = {name: value for name, value in os.environ.items() if name not in unset}
    with closing_server() as port:
        program = [sys.executable, "-c", FORGIVING.format(port=port)]
        command = [sys.executable, "-m", "plainwire", "run", "-o", folder, *options, "--", *program]
        words = list(map(str, command))
        return subprocess.run(words, env=kept | environment, capture_output=True, text=True, check=False)


def test_the_status_changes_only_where_that_is_asked_for(tmp_path: Path) -> None:
    assert run(tmp_path / "1").returncode == 0
    assert run(tmp_path / "2", "--fail-on", "tls-alert,goaway-error").returncode == 0
    done = run(tmp_path / "3", "--fail-on", "close-mid-request")
    assert done.returncode == 1
    assert "plainwire: --fail-on: close-mid-request" in done.stderr
    assert run(tmp_path / "4", "-q", "--fail-on", "any").returncode == 1


def test_what_a_baseline_knows_does_not_fail_the_job_again(tmp_path: Path) -> None:
    known = tmp_path / "known.json"
    assert run(tmp_path / "1", "--write-baseline", known).returncode == 0
    assert json.loads(known.read_bytes())["known"] == [{"code": "close-mid-request", "server": "127.0.0.1"}]
    assert run(tmp_path / "2", "--fail-on", "any", "--baseline", known).returncode == 0


def test_the_programs_own_failure_comes_first(tmp_path: Path) -> None:
    needs("root")
    words = [sys.executable, "-m", "plainwire", "run", "-qo", str(tmp_path / "case"), "--fail-on", "any"]
    assert subprocess.run([*words, "--", "sh", "-c", "exit 7"], check=False).returncode == 7


def test_github_gets_annotations_and_a_step_summary(tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    environment = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)}
    done = run(tmp_path / "1", "--ci", "--fail-on", "any", **environment)
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert sum(line.startswith("::error title=plainwire%3A close-mid-request") for line in lines) == 1
    assert lines.index("::group::plainwire: details") < lines.index("::endgroup::")
    assert summary.read_text().startswith("before\n## plainwire")


def test_gitlab_gets_the_details_folded_up(tmp_path: Path) -> None:
    done = run(tmp_path / "1", "--ci", GITLAB_CI="true")
    assert done.returncode == 0
    assert "\x1b[0Ksection_start:" in done.stderr
    assert not any(line.startswith("::") for line in done.stderr.splitlines())


def test_nothing_is_written_for_a_host_that_was_not_asked_for(tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    done = run(tmp_path / "1", GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(summary))
    assert not summary.exists()
    assert "::group" not in done.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--fail-on", "close-midrequest"], "did you mean close-mid-request"),
        (["--fail-on", ","], "is no code"),
        (["--baseline", "known.json"], "--baseline is for --fail-on"),
    ],
)
def test_a_slip_is_told_before_the_program_starts(options: list[str], said: str, tmp_path: Path) -> None:
    words = ["run", "-o", str(tmp_path / "case"), *options, "--", "touch", str(tmp_path / "started")]
    with pytest.raises(click.UsageError, match=said):
        CliRunner().invoke(plainwire, words, catch_exceptions=False, standalone_mode=False)
    assert list(tmp_path.iterdir()) == []


def test_the_commands_of_the_documentation_are_understood() -> None:
    """Each line that calls plainwire parses as it stands; what it would do is tested above."""
    text = (Path(__file__).parents[2] / "docs" / "ci.md").read_text(encoding="utf-8")
    commands = re.findall(
        r"^\s*(?:- |run: )*(?:sudo (?:-\S+ )*)?plainwire ((?:run|export|share) .*)$", text, re.MULTILINE
    )
    assert len(commands) >= 9
    for line in commands:
        name, *words = shlex.split(line)
        command = plainwire.get_command(click.Context(plainwire), name)
        assert command is not None
        command.make_context(name, [word.replace("$", "") for word in words])
