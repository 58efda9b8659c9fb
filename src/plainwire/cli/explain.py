"""``plainwire explain``: what a finding means, how it is established, what refutes it, the fix.

And what may be behind an exception, an error's name or curl's exit status, for who has no finding yet.
"""

from __future__ import annotations

import difflib
import sys
import textwrap

import click

from plainwire.cli import completion, output
from plainwire.diagnose.causes.catalogue import CAUSES, Cause
from plainwire.model import UserError
from plainwire.plurals import alternatives

_WIDTH = 80
_LEAST_TITLE = 24
"""Columns that a title needs beside its code."""
_FEW = 12
"""Words that stand for more things than this wrap others, which tell more (our own choice)."""


@click.command("explain", epilog="Example: plainwire explain keepalive-idle-race")
@click.argument("words", nargs=-1, metavar="[CODE | WORDS]", shell_complete=completion.codes)
def command(words: tuple[str, ...]) -> None:
    """What the finding CODE means, how it is established, what would refute it, and the fix.

    Without CODE: all codes, one a line. With the stem of a family of codes (tls-alert): those of the family.

    In place of a code what a program said: an exception (RemoteDisconnected), words ("socket hang up"), an
    error's name (ECONNRESET), an exit status of curl (52): then which findings may be behind it.
    """
    code = " ".join(words)
    if not code:
        click.echo(_list(list(CAUSES.values())))
        return
    spelled = code.lower().replace("_", "-")  # as some codes were spelled up to 0.1
    cause = CAUSES.get(spelled)
    family = [member for member in CAUSES.values() if member.family == spelled]
    if cause is not None:
        click.echo(_text(cause))
    elif family:
        click.echo(_list(family))
    elif (said := _said(code)) is not None:
        click.echo(said)
    else:
        raise UserError(_unknown(code, spelled))


def _list(causes: list[Cause], indent: str = "") -> str:
    """A line each; on a terminal that is too narrow for it some, the title in a column of its own."""
    code = max(len(cause.code) for cause in causes)
    lines = [f"{indent}{cause.code.ljust(code)}  {cause.title}" for cause in causes]
    if not sys.stdout.isatty():
        return "\n".join(lines)
    width, column = output.width(sys.stdout), " " * (len(indent) + code + 2)
    if width < len(column) + _LEAST_TITLE:
        return "\n".join(lines)
    wrapped = [textwrap.fill(line, width, subsequent_indent=column, break_on_hyphens=False) for line in lines]
    return "\n".join(wrapped)


def _said(words: str) -> str | None:
    """What may be behind words of a program; None where no table knows them."""
    from plainwire.diagnose.testimony import spoken_causes  # noqa: PLC0415 - codes need none of it

    call, rows = spoken_causes.system_call(words), spoken_causes.wordings_of(words)
    if call is None and not rows:
        return None
    wire = dict.fromkeys(call[1] if call is not None else ())
    lines = []
    if call is not None:
        lines += _paragraph(
            f"{call[0]}: the kernel says it of {alternatives([each.value for each in wire])}.", ""
        )
    special = any(len(row.wire) <= _FEW for row in rows)
    for row in rows:
        blurs = [each for blur in row.blurs for each in blur.wire]
        told = sorted(row.wire, key=list(spoken_causes.CODES).index)
        if len(told) <= _FEW or (len(told) < len(spoken_causes.CODES) and not special):
            wire |= dict.fromkeys([*told, *blurs])
            told_of = alternatives([each.value for each in told])
        else:
            told_of = "nearly anything: what it wraps tells more"
        lines += _paragraph(f"{row.client}, {row.label}: it stands for {told_of}.", "")
        notes = [row.note] if row.note else []
        notes += [f"{blur.why}: {alternatives([each.value for each in blur.wire])}." for blur in row.blurs]
        lines += [line for note in dict.fromkeys(notes) for line in _paragraph(note, "  ")]
    for each in wire:
        causes = _named(spoken_causes.CODES[each])
        if causes:
            lines += ["", each.value[0].upper() + each.value[1:], _list(causes, "  ")]
    lines += ["", *_paragraph(_DECIDES, "")]
    return "\n".join(lines)


_DECIDES = "Words do not tell these apart, packets do: plainwire run -- CMD, or plainwire analyze CAPTURE."


def _named(codes: tuple[str, ...]) -> list[Cause]:
    """The causes of codes; a stem stands for its family, of which three are enough to be shown."""
    found: list[Cause] = []
    for code in codes:
        family = [cause for cause in CAUSES.values() if cause.family == code]
        found += [CAUSES[code]] if code in CAUSES else family[:3]
    return found


def _unknown(code: str, spelled: str) -> str:
    near = [known for known in CAUSES if spelled in known]
    near = near[:3] or difflib.get_close_matches(spelled, CAUSES, n=3, cutoff=0.4)
    hint = f"did you mean {alternatives(near)}?" if near else "plainwire explain lists them"
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
