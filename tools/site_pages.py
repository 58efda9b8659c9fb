"""``python tools/site_pages.py FOLDER``: the pages of the documentation, ready for MkDocs (``make docs``).

Copies ``docs/`` and the README, and generates what the program itself knows best: the help of every command,
and a page of every finding. Prints links that lead nowhere, one a line; exit status 1 if there are any.
"""

from __future__ import annotations

import re
import shutil
import sys
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import click

from plainwire.cli.main import COMMANDS, plainwire
from plainwire.diagnose.causes.catalogue import CAUSES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainwire.diagnose.causes.cause import Cause

TOP = Path(__file__).resolve().parents[1]
_COPIED = (".md", ".json", ".svg", ".service")
_LINK = re.compile(r"\[[^\]]*\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]*))?\)")
_HEADING = re.compile(r"^#+ +(.*)$", re.MULTILINE)
_CODE = re.compile(r"^```.*?^```|^    .*?$|`[^`\n]*`", re.MULTILINE | re.DOTALL)


def main(folder: Path) -> int:
    """Write the pages."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in (TOP / "docs").iterdir():
        if file.suffix in _COPIED:
            shutil.copy(file, folder)
    readme = (TOP / "README.md").read_text(encoding="utf-8")
    (folder / "index.md").write_text(readme.replace("](docs/", "]("), encoding="utf-8")
    (folder / "commands.md").write_text(commands(), encoding="utf-8")
    (folder / "findings.md").write_text(findings(), encoding="utf-8")
    broken = list(broken_links(folder))
    for line in broken:
        print(line)
    return 1 if broken else 0


def commands() -> str:
    """The help of all commands, as they print it."""
    root = click.Context(
        plainwire, info_name="plainwire", terminal_width=78, help_option_names=["-h", "--help"]
    )
    lines = ["# Commands", "", "```text", plainwire.get_help(root), "```", ""]
    for name in COMMANDS:
        command = plainwire.get_command(root, name)
        if command is not None:
            with click.Context(command, info_name=name, parent=root) as context:
                lines += [f"## plainwire {name}", "", "```text", command.get_help(context), "```", ""]
    return "\n".join(lines)


def findings() -> str:
    """All findings, by family."""
    lines = ["# Findings", "", f"{len(CAUSES)} codes; `plainwire explain CODE` prints the same.", ""]
    ordered = sorted(CAUSES.values(), key=lambda cause: (cause.family or cause.code, cause.code))
    for _, members in groupby(ordered, key=lambda cause: cause.family or cause.code):
        for cause in members:
            lines += [*_finding(cause), ""]
    return "\n".join(lines)


def _finding(cause: Cause) -> Iterator[str]:
    yield f"## {cause.code}"
    for title, text in (
        ("", f"{cause.title[:1].upper()}{cause.title[1:]}. {cause.meaning}"),
        ("Established by", cause.established),
        ("Refuted by", cause.refuted),
        ("Which second capture would decide", cause.second_capture),
        ("What the client's side can do", cause.client),
        ("What the server's side can do", cause.server),
        ("References", ", ".join(cause.references)),
    ):
        if text:
            yield ""
            yield f"**{title}:** {_plain(text)}" if title else _plain(text)


def _plain(text: str) -> str:
    """Words without markup in them."""
    return re.sub(r"([\\`*_\[\]<>|])", r"\\\1", text)


def broken_links(folder: Path) -> Iterator[str]:
    """Links between pages that lead to no page, or to no heading of it."""
    for page in sorted(folder.glob("*.md")):
        text = _CODE.sub("", page.read_text(encoding="utf-8"))
        for target, anchor in _LINK.findall(text):
            there = folder / target if target else page
            if not there.exists():
                yield f"{page.name}: {target}: no such page"
            elif anchor and anchor not in anchors(there.read_text(encoding="utf-8")):
                yield f"{page.name}: {target}#{anchor}: no such heading"


def anchors(text: str) -> set[str]:
    """What links to headings are called (Python-Markdown's toc)."""
    names = (re.sub(r"[^\w\s-]", "", heading).strip().lower() for heading in _HEADING.findall(text))
    return {re.sub(r"[\s-]+", "-", name) for name in names}


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
