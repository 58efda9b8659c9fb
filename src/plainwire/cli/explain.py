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

    Without CODE: all codes, one a line. With the stem of a family of codes (tls-alert): those of the family.
    """
    if code is None:
        click.echo(_list(list(CAUSES.values())))
        return
    spelled = code.lower().replace("_", "-")  # as some codes were spelled up to 0.1
    cause = CAUSES.get(spelled)
    family = [member for member in CAUSES.values() if member.family == spelled]
    if cause is None and not family:
        raise UserError(_unknown(code, spelled))
    click.echo(_list(family) if cause is None else _text(cause))


def _list(causes: list[Cause]) -> str:
    width = max(len(cause.code) for cause in causes)
    return "\n".join(f"{cause.code.ljust(width)}  {cause.title}" for cause in causes)


def _unknown(code: str, spelled: str) -> str:
    near = [known for known in CAUSES if spelled in known]
    near = near[:3] or difflib.get_close_matches(spelled, CAUSES, n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(near)}?" if near else "plainwire explain lists them"
    return f"{code!r}: no such finding; {hint}"


def _text(cause: Cause) -> str:
    parts = [
        ("", cause.meaning),
        ("Established by", cause.established),
        ("Refuted by", cause.refuted),
        ("Which second capture would decide", cause.second_capture),
        *_advice(cause),
        ("References", ", ".join(cause.references)),
    ]
    lines = [f"{cause.code}: {cause.title}"]
    for title, text in parts:
        if text:
            lines += ["", *([title] if title else []), *_paragraph(text, "  " if title else "")]
    return "\n".join(lines)


def _advice(cause: Cause) -> list[tuple[str, str]]:
    """What either side can do; in a family of codes, by who sent the code."""
    if not cause.family:
        return [
            ("What the client's side can do", cause.client),
            ("What the server's side can do", cause.server),
        ]
    parts: list[tuple[str, str]] = []
    for sender, said in (("server", cause.by_server), ("client", cause.by_client)):
        if said is not None:
            parts += [
                (f"Where the {sender} sends it", f"It says that {said.means}."),
                ("... what the client's side can do", said.client),
                ("... what the server's side can do", said.server),
            ]
    return parts


def _paragraph(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        text, _WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
    )
