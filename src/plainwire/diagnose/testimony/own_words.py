"""What the program's words say of retries: a failure that the program itself told of was not hidden from it.

Libraries, too, write of what they met before they try again (urllib3's "Retrying (Retry(total=2", curl's
"Will retry in 1 second"): such a word makes the error beside it no word of the program's.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from plainwire.diagnose.traffic.told_failures import ToldFailures

from .sayings import lines_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from plainwire.model import ProgramEvents

    from .sayings import Said

_TRYING_AGAIN = re.compile(r"(?i)retr(?:y|ies|ied)|try(?:ing)? again|attempt|back(?:ing)?[ -]?off|giving up")


def spoken(events: ProgramEvents, said: Iterable[Said]) -> dict[int, ToldFailures]:
    """By process: when it told of failures, and when of attempts."""
    errors: dict[int, list[int]] = {}
    untimed: dict[int, int] = {}
    for each in said:
        if any(_TRYING_AGAIN.search(line.text) for line in each.lines):
            continue
        if each.untimed:
            untimed[each.pid] = untimed.get(each.pid, 0) + 1
        else:
            errors.setdefault(each.pid, []).append(each.time_ns)
    again: dict[int, list[int]] = {}
    for line in lines_of(events) if errors or untimed else ():
        if _TRYING_AGAIN.search(line.text):
            again.setdefault(line.pid, []).append(line.time_ns)
    return {
        pid: ToldFailures(sorted(errors.get(pid, ())), sorted(again.get(pid, ())), untimed.get(pid, 0))
        for pid in {*errors, *untimed}
    }
