"""The manual page and the completions are made of the commands themselves."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import manual

from plainwire.cli.main import COMMANDS
from tests.needs import needs, tool

if TYPE_CHECKING:
    from pathlib import Path


def test_the_page_has_every_command_and_its_words_are_no_requests(tmp_path: Path) -> None:
    needs("groff")
    assert manual.main(tmp_path) == 0
    page = tmp_path / "man" / "man1" / "plainwire.1"
    done = subprocess.run(
        [tool("groff"), "-man", "-ww", "-Tascii", "-P-cbou", page],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stderr == ""
    assert [name for name in COMMANDS if f"   plainwire {name} " not in done.stdout] == []
    assert "--fail-on CODES|any" in done.stdout


def test_shells_can_read_what_they_complete_with(tmp_path: Path) -> None:
    assert manual.main(tmp_path) == 0
    subprocess.run([tool("bash"), "-n", tmp_path / "bash-completion/completions/plainwire"], check=True)
    assert "#compdef plainwire" in (tmp_path / "zsh/site-functions/_plainwire").read_text()
    assert "plainwire" in (tmp_path / "fish/vendor_completions.d/plainwire.fish").read_text()
