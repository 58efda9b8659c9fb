"""The command line as a whole: misuse is one line."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "arguments", [["analyze"], ["analyze", "--nonsense"], ["nonsense"], ["show"], ["run", "--"]]
)
def test_misuse_is_one_line_that_says_where_help_is(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "plainwire", *arguments], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("plainwire: ")
    assert done.stderr.endswith(" --help)\n")
    assert done.stderr.count("\n") == 1
