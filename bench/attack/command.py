"""The command line of ``bench/attack``, and its table."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from attack.programs import PROGRAMS
from attack.starts import alone, under_plainwire

if TYPE_CHECKING:
    from collections.abc import Iterator

    from attack.programs import Program
    from attack.starts import Outcome, Way

_WHOLE_EVERY = 20
"""Of so many starts one is by the whole of ``plainwire run``, which takes a second."""


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
    with tempfile.TemporaryDirectory(prefix="plainwire-attack-") as folder:
        found = list(differences(program, Path(folder), _ways(starts)))
    print(f"{program.name:22} {starts:6} {len(found):9} {time.monotonic() - began:8.1f}", flush=True)
    for line in found[:3]:
        print(f"    {line}")
    return len(found)


def _ways(starts: int) -> Iterator[Way]:
    for number in range(starts):
        if number % _WHOLE_EVERY == _WHOLE_EVERY - 1:
            yield "whole"
        else:
            yield "child" if number % 2 else "launched"


def differences(program: Program, folder: Path, ways: Iterator[Way]) -> Iterator[str]:
    """Start ``program``, built in ``folder``, alone and under plainwire in turn; a line a difference."""
    command = program.build(folder)
    for way in ways:
        without, with_it = alone(command, way), under_plainwire(command, way)
        for part in ("status", "output", "errors"):
            one, other = _part(program, without, part), _part(program, with_it, part)
            if one != other:
                yield f"{way}: {part} {one!r} alone, {other!r} under plainwire"


def _part(program: Program, outcome: Outcome, part: str) -> int | bytes:
    value: int | bytes = getattr(outcome, part)
    return program.plain(value) if isinstance(value, bytes) else value


if __name__ == "__main__":
    sys.exit(main())
