"""The command line: which healthy traffic, which damage; prints counts, and each accusation."""

from __future__ import annotations

import argparse
import functools
import struct
import traceback
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from conformance import reference, workers

from . import sources, units
from .damage import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainwire.model import PacketBatch

    from .sources import Source

_SECONDS, _MEGABYTES = 900, 4096
_NANOSECOND_PCAP = 0xA1B23C4D
_LARGEST_LINK = 0xFFFF


class Wrong(NamedTuple):
    """A variant with something in its report that the traffic does not deserve."""

    unit: str
    done: str
    told: list[str]


class Counts(NamedTuple):
    """What became of one capture: units, variants by kind of damage, and the wrong ones."""

    units: int
    variants: Counter[str]
    wrong: list[Wrong]


def main() -> int:
    """Print the table; 1 where anything was accused, or an analysis failed."""
    options = _options()
    if options.write:
        return _write(options)
    total, variants, wrong, errors = 0, Counter[str](), list[Wrong](), list[str]()
    work = functools.partial(check, kinds=tuple(options.kind or KINDS))
    tasks = [s for n, s in enumerate(_sources(options)) if n % options.every == options.first]
    limits = {"jobs": options.jobs, "seconds": _SECONDS, "megabytes": _MEGABYTES}
    for outcome in workers.run(work, tasks, **limits):
        if outcome.answer is None:
            errors.append(f"{outcome.task.name}: {outcome.error}")
            continue
        total += outcome.answer.units
        variants += outcome.answer.variants
        for each in outcome.answer.wrong:
            wrong.append(each)
            print(f"{each.unit}  {each.done}: {', '.join(each.told)}", flush=True)
    print("\n".join(errors))
    _table(len(tasks), total, variants, wrong)
    return 1 if wrong or errors else 0


def check(source: Source, kinds: tuple[str, ...]) -> Counts:
    """Damage all that is healthy in a capture, in all ways."""
    damaged = list(units.units(source))
    variants, wrong = Counter[str](), list[Wrong]()
    for unit in damaged:
        for kind in kinds:
            for done, packets in KINDS[kind](unit.packets, unit.server):
                variants[kind] += 1
                told = _told(packets, unit)
                if told:
                    wrong.append(Wrong(unit.name, done, told))
    return Counts(len(damaged), variants, wrong)


def _told(packets: PacketBatch, unit: units.Unit) -> list[str]:
    try:
        return units.accusations(packets, unit.keys)
    except Exception:  # noqa: BLE001 - whatever it is belongs in the table
        return ["failed: " + traceback.format_exc(limit=-1).strip().replace("\n", " | ")]


def _table(captures: int, total: int, variants: Counter[str], wrong: list[Wrong]) -> None:
    print(f"{captures} captures, {total} healthy units, {variants.total()} variants, {len(wrong)} accused")
    for kind in KINDS:
        codes = Counter(t for each in wrong if each.done.split(":")[0] == kind for t in each.told)
        said = ", ".join(f"{code} {count}" for code, count in codes.most_common())
        print(f"{kind:10} {variants[kind]:7}  {said or '-'}")


def _sources(options: argparse.Namespace) -> Iterator[Source]:
    chosen = options.source or ("corpus", "field", "lab")
    found: list[Source] = []
    for name in chosen:
        if name == "corpus":
            found += sources.corpus(reference.default_corpus())
        elif name == "field":
            found += sources.controls()
        elif name == "lab":
            found += sources.lab()
        else:
            found += sources.folder(Path(name), Path(name).name)
    return (source for source in found if options.match in source.name)


def _write(options: argparse.Namespace) -> int:
    """Write one variant to a file, to look at it."""
    for source in _sources(options):
        for unit in units.units(source):
            for done, packets in KINDS[options.done.split(":")[0]](unit.packets, unit.server):
                if (unit.name, done) == (options.unit, options.done):
                    options.write.write_bytes(_pcap(packets))
                    return 0
    print("no such variant")
    return 2


def _pcap(packets: PacketBatch) -> bytes:
    """A capture file with times in nanoseconds (draft-ietf-opsawg-pcap)."""
    head = struct.pack(
        "<IHHiIII", _NANOSECOND_PCAP, 2, 4, 0, 0, 262_144, int(packets.link[0]) & _LARGEST_LINK
    )
    records = []
    for row in range(len(packets.number)):
        start, size = int(packets.offset[row]), int(packets.caplen[row])
        seconds, rest = divmod(int(packets.time_ns[row]), 1_000_000_000)
        records.append(struct.pack("<IIII", seconds, rest, size, int(packets.length[row])))
        records.append(packets.data[start : start + size])
    return head + b"".join(records)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python bench/perturb", description=__doc__)
    parser.add_argument(
        "source", nargs="*", help="corpus, field, lab, or folders with captures (default: the first three)"
    )
    parser.add_argument("--match", default="", metavar="TEXT", help="only captures with this in their name")
    parser.add_argument("--kind", action="append", choices=list(KINDS), help="only this damage; repeatable")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every Nth capture")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="with --every: from this one on")
    parser.add_argument("--jobs", type=int, default=2, help="processes at a time (%(default)s)")
    parser.add_argument(
        "--write", type=Path, metavar="FILE", help="write the variant --unit, --done, as pcap"
    )
    parser.add_argument("--unit", help="with --write: the unit's name as printed")
    parser.add_argument("--done", help="with --write: what was done, as printed")
    return parser.parse_args()
