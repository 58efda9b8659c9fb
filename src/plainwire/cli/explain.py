"""``plainwire explain``: what a finding means, how it is established, what refutes it, the fix."""

from __future__ import annotations

import difflib
import textwrap

import click

from plainwire.diagnose.causes.catalogue import CAUSES, Cause
from plainwire.model import UserError

_WIDTH = 80


@click.command("explain", epilog="Example: plainwire explain keepalive-idle-race")
@click.argument("code", required=False)
def command(code: str | None) -> None:
    """What the finding CODE means, how it is established, what would refute it, and the fix.

    Without CODE: all codes, one a line.
    """
    if code is None:
        width = max(map(len, CAUSES))
        click.echo("\n".join(f"{cause.code.ljust(width)}  {cause.title}" for cause in CAUSES.values()))
        return
    cause = CAUSES.get(code.lower())
    if cause is None:
        raise UserError(_unknown(code))
    click.echo(_text(cause))


def _unknown(code: str) -> str:
    near = [known for known in CAUSES if code.lower() in known]
    near = near[:3] or difflib.get_close_matches(code.lower(), CAUSES, n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(near)}?" if near else "plainwire explain lists them"
    return f"{code!r}: no such finding; {hint}"


def _text(cause: Cause) -> str:
    parts = [
        ("", cause.meaning),
        ("Established by", cause.established),
        ("Refuted by", cause.refuted),
        ("Which second capture would decide", cause.second_capture),
        ("What the client's side can do", cause.client),
        ("What the server's side can do", cause.server),
        ("References", ", ".join(cause.references)),
    ]
    lines = [f"{cause.code}: {cause.title}"]
    for title, text in parts:
        if text:
            lines += ["", *([title] if title else []), *_paragraph(text, "  " if title else "")]
    return "\n".join(lines)


def _paragraph(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        text, _WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
    )
