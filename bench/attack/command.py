"""The command line of ``bench/attack``, and its table."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from attack.programs import PROGRAMS
from attack.starts import Outcome, alone, repeated, under_plainwire

if TYPE_CHECKING:
    from collections.abc import Iterator

    from attack.programs import Program
    from attack.starts import Way

_FEW: tuple[Way, ...] = ("launched", "child", "launched")
_FIRST: tuple[Way, ...] = ("launched", "child", "whole", "whole")
"""How the first starts are made. The whole of ``plainwire run`` takes a second or more, so all others are
made by a runner, under one.
"""


def main() -> int:
    """Print a line for each program; 1 where one was not the same."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--starts", type=int, default=300, help="of each program, alone and under plainwire")
    parser.add_argument("names", nargs="*", metavar="PROGRAM", help="these only")
    options = parser.parse_args()
    chosen = [program for program in PROGRAMS if not options.names or program.name in options.names]
    different = 0
    print(f"{'program':22} {'starts':>6} {'different':>9} {'seconds':>8}")
    for program in chosen:
        different += _attack(program, options.starts)
    print(f"{len(chosen)} programs, {different} differences")
    return 1 if different else 0


def _attack(program: Program, starts: int) -> int:
    missing = program.missing()
    if missing:
        print(f"{program.name:22} not here: {', '.join(missing)}")
        return 0
    began = time.monotonic()
    ways = (_FEW if starts <= len(_FEW) else _FIRST)[:starts]
    with tempfile.TemporaryDirectory(prefix="plainwire-attack-") as folder:
        found = list(differences(program, Path(folder), iter(ways)))
    if starts > len(ways):
        with tempfile.TemporaryDirectory(prefix="plainwire-attack-") as folder:
            found += repeated_differences(program, Path(folder), starts - len(ways))
    print(f"{program.name:22} {starts:6} {len(found):9} {time.monotonic() - began:8.1f}", flush=True)
    for line in found[:3]:
        print(f"    {line}")
    return len(found)


def repeated_differences(program: Program, folder: Path, starts: int) -> Iterator[str]:
    """Start ``program``, built in ``folder``, so often alone and so often under one ``plainwire run``.

    A line for each start under plainwire of which came what came of none alone.
    """
    command = program.build(folder)
    without, with_it = (repeated(command, starts, under=under) for under in (False, True))
    known = {_plain(program, outcome) for outcome in without}
    for outcome, times in with_it.items():
        plain = _plain(program, outcome)
        if plain not in known:
            yield from [f"repeated: {plain} under plainwire, {next(iter(known))} alone"] * times
    if with_it.total() != starts:
        yield f"repeated: {with_it.total()} of {starts} starts under plainwire"


def differences(program: Program, folder: Path, ways: Iterator[Way]) -> Iterator[str]:
    """Start ``program``, built in ``folder``, alone and under plainwire in turn; a line a difference."""
    command = program.build(folder)
    for way in ways:
        without, with_it = alone(command, way), under_plainwire(command, way)
        for part in ("status", "output", "errors"):
            one, other = _part(program, without, part), _part(program, with_it, part)
            if one != other:
                yield f"{way}: {part} {one!r} alone, {other!r} under plainwire"


def _plain(program: Program, outcome: Outcome) -> Outcome:
    return Outcome(outcome.status, program.plain(outcome.output), program.plain(outcome.errors))


def _part(program: Program, outcome: Outcome, part: str) -> int | bytes:
    value: int | bytes = getattr(_plain(program, outcome), part)
    return value


if __name__ == "__main__":
    sys.exit(main())
