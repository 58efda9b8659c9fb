"""Where healthy traffic is found: the corpus, controls of the field cases, plays of the lab, any folder."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from conformance import reference

from plainwire.lab import scenarios

if TYPE_CHECKING:
    from collections.abc import Iterator

FIELD = Path(__file__).resolve().parents[3] / "shared" / "field"
LAB = Path(__file__).resolve().parents[1] / "build" / "perturb-lab"
_PLAY_SECONDS = 120


class Source(NamedTuple):
    """One capture, with the files that hold its secrets."""

    name: str
    path: Path
    keys: tuple[Path, ...] = ()
    private_keys: tuple[Path, ...] = ()


def corpus(folder: Path) -> Iterator[Source]:
    """Every capture of the corpus."""
    for each in reference.captures(folder):
        yield Source(f"corpus/{each.name}", each.path, each.keys, each.private_keys)


def folder(place: Path, name: str) -> Iterator[Source]:
    """Every ``capture.*`` in or below the folder, with the ``keys.log`` beside it."""
    for path in sorted(place.rglob("capture.pcap*")):
        keys = (path.parent / "keys.log",)
        label = f"{name}/{path.parent.relative_to(place)}"
        yield Source(label, path, keys if keys[0].exists() else ())


def controls() -> Iterator[Source]:
    """The field cases in which nothing failed, by their table."""
    with (FIELD / "expected.tsv").open(encoding="utf-8", newline="") as table:
        rows = csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE)
        healthy = {row["name"] for row in rows if row["want"].split(",")[0].strip() == "-"}
    return (source for source in folder(FIELD, "field") if source.name.partition("/")[2] in healthy)


def lab() -> Iterator[Source]:
    """Every scenario of the lab, played once and kept: most of its exchanges are healthy."""
    for scenario in scenarios.SCENARIOS:
        place = LAB / scenario.name
        if not place.exists():
            place.mkdir(parents=True)
            _play(scenario.name, place)
    yield from folder(LAB, "lab")


def _play(name: str, place: Path) -> None:
    command = [sys.executable, "-m", "plainwire.lab.play", name, str(place)]
    with (place / "play.log").open("wb") as log:
        try:
            subprocess.run(command, stdout=log, stderr=log, timeout=_PLAY_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            log.write(b"not over in time\n")
