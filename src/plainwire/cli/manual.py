"""The manual page: all commands with their options, made of their help texts (man(7) macros)."""

from __future__ import annotations

import inspect
from importlib.metadata import version
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator


def page(root: click.Context) -> str:
    """Return the page plainwire(1)."""
    group = root.command
    lines = [
        f'.TH PLAINWIRE 1 "" "plainwire {version("plainwire")}" "User Commands"',
        ".SH NAME",
        "plainwire \\- find out what really happened on an HTTPS connection, and who hung up",
        ".SH SYNOPSIS",
        ".B plainwire",
        "COMMAND [OPTION]... [ARGUMENT]...",
        ".SH COMMANDS",
    ]
    if isinstance(group, click.Group):
        for name in group.list_commands(root):
            found = group.get_command(root, name)
            if found is not None:
                lines += _command(found, click.Context(found, info_name=name, parent=root))
    return "\n".join(lines) + "\n"


def _command(command: click.Command, context: click.Context) -> Iterator[str]:
    pieces = " ".join(command.collect_usage_pieces(context))
    yield f".SS {_text(f'plainwire {context.info_name} {pieces}')}"
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        yield ".PP"
        yield from map(_text, paragraph.splitlines())
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None:
            yield ".TP"
            yield f".B {_text(record[0])}"
            yield _text(record[1])
    if command.epilog:
        yield ".PP"
        yield _text(command.epilog)


def _text(line: str) -> str:
    r"""A line of text: ``-`` is a minus sign only as ``\-``, and what begins with a dot is no macro."""
    escaped = line.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped
