"""What came of very many captures, for a terminal."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from plainwire import plurals
from plainwire.diagnose.causes.catalogue import CAUSES
from plainwire.report.escape import printable

if TYPE_CHECKING:
    from .scheduling import ClusterRun

_MOST_UNREAD = 20
_LONGEST = 300


def text(found: ClusterRun, into: str) -> str:
    """Return it, in lines that are safe to print."""
    before = sum(not record["again"] for record in found.records)
    lines = [
        f"{plurals.count(len(found.records), 'capture')} read"
        + (f", {before} of them before" if before else "")
        + f": {_sum(found, 'exchanges'):,} exchanges on {_sum(found, 'connections'):,} connections, "
        f"{_sum(found, 'decrypted'):,} of them decrypted."
    ]
    lines += _findings(found)
    if found.contrasts or found.undecided:
        lines += ["", "Over all captures:"]
        lines += [f"  {each['claim']}" for each in found.contrasts]
        lines += [f"  {each}" for each in found.undecided]
    if found.unread:
        lines += ["", f"{plurals.count(len(found.unread), 'capture')} could not be read:"]
        lines += [f"  {source}: {why}" for source, why in found.unread[:_MOST_UNREAD]]
        if len(found.unread) > _MOST_UNREAD:
            lines.append(f"  and {len(found.unread) - _MOST_UNREAD} more: report.json has them all")
    lines += ["", f"Tables and report.json: {into}"]
    return "".join(f"{printable(line, _LONGEST * 4)}\n" for line in lines)


def _sum(found: ClusterRun, what: str) -> int:
    return sum(record[what] for record in found.records)


def _findings(found: ClusterRun) -> list[str]:
    """Three lines for each code, the most frequent first."""
    counts: dict[str, Counter[str]] = {}
    first: dict[str, str] = {}
    certainty: dict[str, list[str]] = {}
    for record in found.records:
        codes: set[str] = set()
        for each in record["findings"]:
            code = each["code"]
            codes.add(code)
            counts.setdefault(code, Counter()).update(
                requests=each["exchanges"], connections=each["connections"]
            )
            certainty.setdefault(code, []).append(f"{each['certainty']}, fault: {each['fault']}")
            first.setdefault(code, record["source"])
        for code in codes:
            counts[code]["captures"] += 1
    if not counts:
        return ["Nothing found."]
    lines = []
    for code in sorted(counts, key=lambda code: (-counts[code]["captures"], code)):
        row: Any = counts[code]
        title = CAUSES[code].title if code in CAUSES else ""
        grades = "; ".join(dict.fromkeys(certainty[code]))
        about = ", ".join(
            plurals.count(row[f"{noun}s"], noun) for noun in ("request", "connection", "capture")
        )
        lines += ["", f"{code}: {title}".rstrip(": "), f"  {about} ({grades})", f"  first: {first[code]}"]
    return lines
