"""The manual page."""

from __future__ import annotations

import subprocess

from click.testing import CliRunner

from plainwire.cli.main import COMMANDS, plainwire
from tests.needs import needs


def test_all_commands_and_options_stand_in_it() -> None:
    page = CliRunner().invoke(plainwire, ["help", "--man"], catch_exceptions=False).output
    for name in COMMANDS:
        assert f".SS plainwire {name}" in page
    assert ".B \\-\\-fail\\-on CODES|any" in page


def test_man_reads_it_without_a_warning() -> None:
    needs("man", "groff")
    page = CliRunner().invoke(plainwire, ["help", "--man"], catch_exceptions=False).output
    command = ["groff", "-man", "-Tutf8", "-ww", "-z"]
    done = subprocess.run(command, input=page, capture_output=True, text=True, check=True)
    assert "macro" not in done.stderr
