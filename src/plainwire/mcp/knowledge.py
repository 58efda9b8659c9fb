"""What plainwire knows of causes, and of what programs say, as plain values."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from plainwire.diagnose.causes.catalogue import CAUSES

from .answers import AbsentError

if TYPE_CHECKING:
    from plainwire.diagnose.causes.cause import Cause

    from .answers import Answer


def explained(asked: str) -> Answer:
    """A code, a family of codes, or words of a program.

    Raises:
        AbsentError: none of them; the message names codes that are spelled alike.

    """
    spelled = asked.strip().lower().replace("_", "-")
    cause = CAUSES.get(spelled)
    if cause is not None:
        return _cause(cause)
    family = [each for each in CAUSES.values() if each.family == spelled]
    if family:
        return {"family": spelled, "codes": {each.code: each.title for each in family}}
    behind = _behind(asked)
    if behind:
        return {
            "words": asked[:200],
            "may_be_behind": behind,
            "note": "Words do not tell these apart, packets do: run the program with the tool run.",
        }
    near = difflib.get_close_matches(spelled, CAUSES, n=3, cutoff=0.4)
    message = f"no such finding, and no such words; codes like it: {', '.join(near) or 'none'}"
    raise AbsentError(message)


def _cause(cause: Cause) -> Answer:
    return {
        "code": cause.code,
        "title": cause.title,
        "meaning": cause.meaning,
        "established_by": cause.established,
        "refuted_by": cause.refuted,
        "second_capture": cause.second_capture,
        "fix": {"client": cause.client, "server": cause.server},
        "references": list(cause.references),
    }


def _behind(words: str) -> dict[str, str]:
    """Codes that may be behind an exception, an errno, curl's exit status, with their titles."""
    from plainwire.diagnose.testimony import spoken_causes  # noqa: PLC0415 - large tables, seldom asked for

    call, rows = spoken_causes.system_call(words), spoken_causes.wordings_of(words)
    wire = dict.fromkeys(call[1] if call is not None else ())
    for row in rows:
        wire |= dict.fromkeys([*row.wire, *(each for blur in row.blurs for each in blur.wire)])
    codes = dict.fromkeys(code for each in wire for code in spoken_causes.CODES[each])
    return {code: CAUSES[code].title for code in codes if code in CAUSES}
