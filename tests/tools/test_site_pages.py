"""The pages of the documentation."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import site_pages

from plainwire.cli.main import COMMANDS
from plainwire.diagnose.causes.catalogue import CAUSES


def test_all_pages_are_written_and_no_link_leads_nowhere(tmp_path: Path) -> None:
    assert site_pages.main(tmp_path) == 0
    assert {"index.md", "commands.md", "findings.md", "report.md"} <= {p.name for p in tmp_path.iterdir()}


def test_every_finding_and_every_command_has_its_place() -> None:
    text = site_pages.findings()
    assert [code for code in CAUSES if f"\n## {code}\n" not in text] == []
    assert [name for name in COMMANDS if f"\n## plainwire {name}\n" not in site_pages.commands()] == []


def test_the_help_is_what_the_program_prints() -> None:
    said = subprocess.check_output([sys.executable, "-m", "plainwire", "show", "--help"], text=True)
    assert said.strip().splitlines()[3:] == _of("show")[3:]


def _of(name: str) -> list[str]:
    """In a process of its own: click keeps the help option that a command was first called with."""
    script = "import site_pages; print(site_pages.commands())"
    place = Path(site_pages.__file__).parent
    pages = subprocess.check_output([sys.executable, "-c", script], text=True, cwd=place)
    part = pages.split(f"## plainwire {name}\n\n```text\n")[1]
    return part.split("\n```")[0].strip().splitlines()


def test_a_link_to_a_page_or_heading_that_is_not_there_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(
        "# One thing\n[x](b.md) [y](#one-thing) [z](#other) `[w](c.md)` [v](https://e)\n"
    )
    assert list(site_pages.broken_links(tmp_path)) == [
        "a.md: b.md: no such page",
        "a.md: #other: no such heading",
    ]
