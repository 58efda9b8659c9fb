"""``python tools/codes.py``: each code is complete, so that one search for it finds all that belongs to it.

Of each code (of each family of codes its stem) there must be, beside its words in ``words.py``:

* a rule: ``diagnose/causes/<family>/<code>.py``, or what ``made_by`` names, which says the code;
* a line of ``diagnose/order.py``, if its rule is among the causes;
* a test of the rule's name at the same place of the tests, which says the code;
* a story of the lab that expects it, or a sentence (``unplayed``) that says why there is none.

Prints what is missing, one line each; exit status 1 if anything is.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from plainwire.diagnose import CAUSES
from plainwire.lab.scenarios import SCENARIOS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainwire.diagnose.causes.cause import Cause

PYTHON_NAMES = {"100-continue-stall": "continue_stall"}
"""Files of codes that no name in Python can spell."""


def main() -> int:
    """Check the folder that this file's folder is in."""
    missing = list(incomplete(Path(__file__).resolve().parents[1]))
    for line in missing:
        print(line)
    return 1 if missing else 0


def incomplete(top: Path) -> Iterator[str]:
    """What codes lack."""
    played = {code for story in SCENARIOS for code in story.expects}
    rules = {path.stem: path for path in (top / "src/plainwire/diagnose/causes").glob("*/*.py")}
    for stem, members in _by_stem().items():
        cause = members[0]
        if not (cause.unplayed or any(member.code in played for member in members)):
            yield f"{stem}: no story of the lab expects it, and no sentence (unplayed) says why"
        if cause.made_by.startswith("none"):
            continue
        name = PYTHON_NAMES.get(stem, stem.replace("-", "_"))
        rule = top / "src/plainwire/diagnose" / cause.made_by if cause.made_by else rules.get(name)
        if rule is None or not rule.is_file():
            yield f"{stem}: no rule: {rule or name + '.py'} is not there"
        else:
            yield from _beside(top, stem, rule)


def _beside(top: Path, stem: str, rule: Path) -> Iterator[str]:
    """What lacks of a code that has a rule."""
    order = (top / "src/plainwire/diagnose/order.py").read_text(encoding="utf-8")
    place = rule.relative_to(top / "src/plainwire")
    if not _says(rule, stem) and not _imported_family_says(rule, stem):
        yield f"{stem}: {place} does not say the code"
    if place.parts[1] == "causes" and f".{rule.stem} import" not in order and not _used_beside(rule):
        yield f"{stem}: {place} is not in diagnose/order.py, nor is what uses it"
    folder = top / "tests" / place.parent
    tests = sorted(folder.glob(f"test_{rule.stem}*.py"))
    if not tests:
        yield f"{stem}: no test: {folder.relative_to(top)}/test_{rule.stem}.py is not there"
    elif not any(_says(test, stem) for test in tests):
        yield f"{stem}: {tests[0].relative_to(top)} does not say the code"


def _imported_family_says(rule: Path, stem: str) -> bool:
    """Whether a file beside the rule declares the family of codes with this stem."""
    return any(f'stem="{stem}"' in path.read_text(encoding="utf-8") for path in rule.parent.glob("*.py"))


def _used_beside(rule: Path) -> bool:
    """Whether another rule of the family calls this one: a sharper verdict in place of its own."""
    beside = (path for path in rule.parent.glob("*.py") if path != rule)
    return any(f"from .{rule.stem} import" in path.read_text(encoding="utf-8") for path in beside)


def _says(path: Path, stem: str) -> bool:
    return stem in path.read_text(encoding="utf-8")


def _by_stem() -> dict[str, list[Cause]]:
    found: dict[str, list[Cause]] = {}
    for cause in CAUSES.values():
        found.setdefault(cause.family or cause.code, []).append(cause)
    return found


if __name__ == "__main__":
    sys.exit(main())
