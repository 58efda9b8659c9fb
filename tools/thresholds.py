"""``python tools/thresholds.py``: numbers that judge in ``diagnose/`` stand beside their unit and source.

* No number but 0, 1 and 2 is compared with inside a function: it has a name, at the head of the file or in
  ``thresholds.py``.
* Each such name says in a line below it, or in a comment, what its unit is and where it comes from: an RFC, a
  default of a kernel or program, an experiment; or that it was chosen, and why.
* One name has one value, wherever it stands.

Names with MOST in them, and NEIGHBOURS, bound the work or the number of things told; they judge nothing, and
may do without. So may the room ``statistics/``, whose numbers are of mathematics, and the words of causes.

Prints what breaks this, one line each; exit status 1 if anything does.
"""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SMALL = frozenset((0, 1, 2))
ELSEWHERE = ("statistics", "words.py", "wording.py", "fingerprints.py")
"""Files of other numbers: mathematics, words, how numbers are told, and defaults of programs by name."""


def main() -> int:
    """Check the folder that this file's folder is in."""
    room = Path(__file__).resolve().parents[1] / "src/plainwire/diagnose"
    broken = list(shortcomings(room))
    for line in broken:
        print(line)
    return 1 if broken else 0


def shortcomings(room: Path) -> Iterator[str]:
    """What breaks the promises."""
    values: dict[str, dict[str, str]] = defaultdict(dict)
    for path in sorted(room.rglob("*.py")):
        if any(part in path.parts for part in ELSEWHERE):
            continue
        place = path.relative_to(room).as_posix()
        text = path.read_text(encoding="utf-8")
        tree = ast.parse(text)
        yield from (f"{place}:{line}: a bare number judges: {what}" for line, what in _bare(tree))
        for name, value, line, told in _constants(tree, text.splitlines()):
            if "MOST" in name or "NEIGHBOURS" in name:
                continue
            if not told:
                yield f"{place}:{line}: {name} has no line with its unit and source"
            values[name.lstrip("_")].setdefault(value, f"{place}:{line}")
    for name, places in values.items():
        if len(places) > 1:
            yield f"{name} has several values: {', '.join(f'{v} in {p}' for v, p in places.items())}"


def _bare(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Comparisons with a number inside functions."""
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    seen: set[int] = set()
    for node in (inner for function in functions for inner in ast.walk(function)):
        if not isinstance(node, ast.Compare) or node.lineno in seen:
            continue
        cut = {n for inner in ast.walk(node) if isinstance(inner, ast.Slice) for n in ast.walk(inner)}
        numbers = [n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and n not in cut]
        if any(type(n) in {int, float} and n not in SMALL for n in numbers):
            seen.add(node.lineno)
            yield node.lineno, ast.unparse(node)


def _constants(tree: ast.Module, lines: list[str]) -> Iterator[tuple[str, str, int, bool]]:
    """Names of numbers at the head of a file: name, value, line, and whether it says what it is."""
    for place, node in enumerate(tree.body):
        if not isinstance(node, ast.Assign) or not _is_number(node.value):
            continue
        following = tree.body[place + 1] if place + 1 < len(tree.body) else None
        told = isinstance(following, ast.Expr) or "#" in lines[(node.end_lineno or 1) - 1]
        name = ast.unparse(node.targets[0])
        yield name.strip("()"), ast.unparse(node.value), node.lineno, told


def _is_number(node: ast.expr) -> bool:
    """Whether the value is made of numbers only."""
    constants = [n.value for n in ast.walk(node) if isinstance(n, ast.Constant)]
    named = any(isinstance(n, ast.Name) and n.id not in {"frozenset", "range"} for n in ast.walk(node))
    return bool(constants) and not named and all(type(c) in {int, float} for c in constants)


if __name__ == "__main__":
    sys.exit(main())
