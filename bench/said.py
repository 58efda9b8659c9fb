"""What becomes of what programs said: ``python bench/said.py [FOLDER] [NAME...] [--show]``.

Each folder of FOLDER (default: ../shared/field) that has a ``program.jsonl`` becomes a case folder: its
capture with the secrets inside, and the program's account. Every line that the program said is then tied to
a finding, an exchange or a connection, or told as unexplained with a reason, or it tells of no failure.
Prints how many cases are accounted for whole, and what is not; exit status 1 where one falls short.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plainwire import reading
from plainwire.acquire import events
from plainwire.capture import pcapng
from plainwire.case import Case
from plainwire.lab.contradictions import contradictions
from plainwire.report import json as report_json

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
DEFAULT = ROOT.parent / "shared" / "field"


def make_case(source: Path, folder: Path) -> Case:
    """A case folder as ``plainwire run`` leaves it, of what lies in ``source``.

    Raises:
        UserError: its capture cannot take the secrets.

    """
    case = Case(folder)
    folder.mkdir(mode=0o700)
    shutil.copyfile(next(source.glob("capture.*")), case.capture)
    shutil.copyfile(source / "program.jsonl", case.program)
    if (source / "keys.log").exists():
        pcapng.embed_secrets(case.capture, (source / "keys.log").read_bytes())
    return case


def fates(report: dict[str, Any]) -> Counter[str]:
    """How many lines were tied, told as unexplained, lost, or tell of no failure."""
    program = report["program"]
    found: Counter[str] = Counter()
    for said in program["said"]:
        tied = any(said[key] is not None for key in ("code", "exchange", "connection"))
        found["tied" if tied else "unexplained" if said["why"] else "lost"] += said["lines"]
    found["no failure"] = program["lines"] - found.total()
    return found


def cases(base: Path, names: list[str]) -> Iterator[Path]:
    """The folders in which a program said something."""
    for folder in sorted(base.iterdir()):
        program = folder / "program.jsonl"
        chosen = not names or any(name in folder.name for name in names)
        if chosen and program.exists() and events.read(program).words:
            yield folder


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, nargs="?", default=DEFAULT)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--show", action="store_true", help="print what was said and what became of it")
    chosen = parser.parse_args()
    total: Counter[str] = Counter()
    whole = count = 0
    for source in cases(chosen.folder, chosen.names):
        with tempfile.TemporaryDirectory() as scratch:
            report = json.loads(
                report_json.encode(reading.analyze(make_case(source, Path(scratch) / "case")))
            )
        found, wrong = fates(report), contradictions(report)
        total += found
        count += 1
        short = found["lost"] > 0 or bool(wrong) or not report["program"]["said"]
        whole += not short
        if short or chosen.show:
            print(f"{source.name}: {dict(found)}", *wrong, sep="\n    ")
            for said in report["program"]["said"] if chosen.show else ():
                print(f"    {said['text'][:90]} -> {said['code'] or said['exchange'] or said['why']}")
    print(f"{whole}/{count} cases in which a program said something are accounted for whole")
    print(", ".join(f"{total[kind]} lines {kind}" for kind in ("tied", "unexplained", "no failure", "lost")))
    return 0 if whole == count else 1


if __name__ == "__main__":
    sys.exit(main())
