"""``python tools/manual.py FOLDER``: the manual page and what shells complete with, as under ``share/``.

Both come of the commands themselves; ``tools/wheels.py`` puts them into what it builds.
"""

from __future__ import annotations

import re
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.shell_completion import get_completion_class

from plainwire.cli.main import COMMANDS, plainwire

if TYPE_CHECKING:
    from collections.abc import Iterator

_COMPLETIONS = {
    "bash": "bash-completion/completions/plainwire",
    "zsh": "zsh/site-functions/_plainwire",
    "fish": "fish/vendor_completions.d/plainwire.fish",
}


def main(folder: Path) -> int:
    """Write them."""
    made = {"man/man1/plainwire.1": page()}
    for shell, name in _COMPLETIONS.items():
        completing = get_completion_class(shell)
        if completing is not None:
            made[name] = completing(plainwire, {}, "plainwire", "_PLAINWIRE_COMPLETE").source()
    for name, text in made.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.rstrip() + "\n", encoding="utf-8")
    return 0


def page() -> str:
    """The manual page, man(7): all commands with their options."""
    root = click.Context(plainwire, info_name="plainwire", help_option_names=["-h", "--help"])
    does = plainwire.get_short_help_str(limit=200)
    lines = [
        f'.TH PLAINWIRE 1 "" "plainwire {version("plainwire")}" "User Commands"',
        ".SH NAME",
        rf"plainwire \- {_text(does[:1].lower() + does[1:].rstrip('.'))}",
        ".SH SYNOPSIS",
        r".B plainwire",
        r"[\fIOPTIONS\fR] \fICOMMAND\fR [\fIARGS\fR]...",
        ".SH OPTIONS",
        *_options(plainwire, root),
        ".SH COMMANDS",
    ]
    for name in COMMANDS:
        command = plainwire.get_command(root, name)
        if command is not None:
            with click.Context(command, info_name=name, parent=root) as context:
                lines += _section(command, context)
    lines += [".SH SEE ALSO", r"\fBtcpdump\fR(8), \fBpcap\-filter\fR(7), \fBtshark\fR(1)"]
    return "\n".join(lines)


def _section(command: click.Command, context: click.Context) -> Iterator[str]:
    usage = " ".join(command.collect_usage_pieces(context))
    yield f".SS {_text(context.command_path)} {_text(usage)}"
    for paragraph in re.split(r"\n\s*\n", (command.help or "").replace("\b", "").strip()):
        yield from (".PP", _text(" ".join(paragraph.split())))
    yield from _options(command, context)
    if command.epilog:
        yield from (".PP", _text(command.epilog))


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None:
            yield from (".TP", rf"\fB{_text(record[0])}\fR", _text(" ".join(record[1].split())))


def _text(words: str) -> str:
    r"""As roff takes it: a minus that can be copied, and no request at the start of a line."""
    escaped = words.replace("\\", r"\e").replace("-", r"\-")
    return rf"\&{escaped}" if escaped.startswith((".", "'")) else escaped


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
