"""The results on the terminal, and as JSON."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from conformance import explained
from conformance.message import KINDS, Message

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.check import Checked
    from conformance.explained import Explanation

Errors = list[tuple[str, str]]


def show(
    results: list[Checked],
    errors: Errors,
    explanations: list[Explanation],
    *,
    every: bool,
    alone: str | None,
    explain: bool,
) -> None:
    """Print what went wrong first, then the captures with differences, then the sums."""
    for name, error in errors:
        print(f"{name}: {error.strip()}\n")
    for result in results:
        if result.refused is not None:
            print(f"{result.name}: refused: {result.refused}")
    by_packet = [result for result in results if result.pieces is not None]
    for result in by_packet:
        print(f"{result.name}: fed packet by packet: {result.pieces}")
    print(f"{'capture':58} {'both':>5} {'ours':>5} {'theirs':>6} {'bodies':>6} {'decrypted':>9}")
    for result in results:
        if every or _differs(result, explanations):
            _row(result)
            for line in _list(result, alone, explanations, explain=explain):
                print(f"    {line}")
    _sums(results)
    _last_line(results, errors, explanations)


def _differs(result: Checked, explanations: list[Explanation]) -> bool:
    return any(difference.reason is None for difference in differences(result, explanations))


def _row(result: Checked) -> None:
    ours, theirs = result.decrypted
    decrypted = f"{ours}:{theirs}" if ours or theirs else ""
    counts = (len(result.ours) or "", len(result.theirs) or "", len(result.bodies) or "")
    print(
        f"{result.name[-58:]:58} {result.both.total():5} {counts[0]:>5} {counts[1]:>6} {counts[2]:>6}"
        f" {decrypted:>9}"
    )


def _list(
    result: Checked, whose: str | None, explanations: list[Explanation], *, explain: bool
) -> Iterator[str]:
    whose = "body" if whose == "bodies" else whose
    if whose == "theirs":
        yield from dict.fromkeys(result.undecrypted[:5])
    for difference in differences(result, explanations):
        if difference.whose == whose and (explain or not difference.reason):
            yield str(difference)


@dataclass(frozen=True, slots=True)
class Difference:
    """One of them. ``says`` is what plainwire has there; ``reason`` is None where it is not explained."""

    whose: str
    message: Message
    says: str
    reason: str | None

    def __str__(self) -> str:
        said = f" ({self.says[:120]})" if self.says else ""
        return f"{self.message}{said}" + (f": {self.reason}" if self.reason else "")


def differences(result: Checked, explanations: list[Explanation]) -> list[Difference]:
    """What only one of the two has, and what has another body, with the reasons that are known."""
    found = [("ours", message, message.flaw, message.flaw) for message in result.ours]
    near = {id(theirs): ours for ours, theirs in result.near}
    for message in result.theirs:
        ours = near.get(id(message))
        found.append(("theirs", message, ours.flaw if ours else "", f"ours: {ours}" if ours else ""))
    for whose, counts in (("decrypted", result.decrypted), ("packets", result.packets)):
        if counts[0] < counts[1] or (whose == "packets" and counts[0] != counts[1]):
            found.append((whose, Message(whose, f"{counts[0]} for {counts[1]}", (0, 0)), "", ""))
    for one, theirs in result.bodies:
        found.append(("body", theirs, one.flaw, f"{_sizes(one)} bytes for {_sizes(theirs)}; {one.flaw}"))
    listed = []
    for whose, message, flaw, says in found:
        line = explained.find(explanations, result.name, whose, replace(message, flaw=flaw))
        listed.append(Difference(whose, message, says, line.reason if line else None))
    return listed


def _sizes(message: Message) -> str:
    return ", ".join(str(body.size) for body in message.bodies) or "no"


def _sums(results: list[Checked]) -> None:
    both: Counter[str] = Counter()
    ours: Counter[str] = Counter()
    theirs: Counter[str] = Counter()
    for result in results:
        both += result.both
        ours.update(message.kind for message in result.ours)
        theirs.update(message.kind for message in result.theirs)
    print(f"\n{'kind':22} {'both':>6} {'ours alone':>11} {'theirs alone':>13} {'found':>8}")
    for kind in (*KINDS, *sorted(ours.keys() - set(KINDS))):
        _sum(kind, both[kind], ours[kind], theirs[kind])
    _sum("all", both.total(), ours.total(), theirs.total())
    same, differ = sum(r.bodies_same for r in results), sum(len(r.bodies) for r in results)
    print(f"bodies: {same} the same, {differ} not")
    decrypted = [sum(r.decrypted[side] for r in results) for side in (0, 1)]
    fewer = sum(1 for r in results if r.decrypted[0] < r.decrypted[1])
    print(f"connections decrypted: {decrypted[0]}, {decrypted[1]} by tshark; fewer in {fewer} captures")
    packets = sum(1 for r in results if r.packets[0] != r.packets[1])
    print(f"captures: {len(results)}; another number of packets in {packets}")


def _sum(kind: str, both: int, ours: int, theirs: int) -> None:
    print(f"{kind:22} {both:6} {ours:11} {theirs:13} {_share(both, theirs):>8}")


def _share(both: int, theirs: int) -> str:
    return f"{100 * both / (both + theirs):.2f} %" if both + theirs else ""


def _last_line(results: list[Checked], errors: Errors, explanations: list[Explanation]) -> None:
    found = sum(result.both.total() for result in results)
    missed = sum(len(result.theirs) for result in results)
    reasons = [found.reason for result in results for found in differences(result, explanations)]
    open_ones = reasons.count(None)
    print(
        f"{found} of tshark's {found + missed} messages found ({_share(found, missed)});"
        f" {len(errors)} captures ended in an error;"
        f" {len(reasons) - open_ones} differences explained, {open_ones} unexplained"
    )


def as_json(results: list[Checked], errors: Errors, explanations: list[Explanation]) -> dict[str, Any]:
    """All of it, for tests and for programs that look for something."""
    return {
        "found": sum(result.both.total() for result in results),
        "theirs_alone": sum(len(result.theirs) for result in results),
        "errors": [{"capture": name, "error": error} for name, error in errors],
        "captures": [
            {
                "name": result.name,
                "both": dict(result.both),
                "decrypted": result.decrypted,
                "packets": result.packets,
                "refused": result.refused,
                "pieces": result.pieces,
                "seconds": round(result.seconds, 3),
                "undecrypted": result.undecrypted,
                "bodies_same": result.bodies_same,
                "differences": [
                    {
                        "whose": found.whose,
                        "kind": found.message.kind,
                        "packets": found.message.frames,
                        "essence": found.message.essence,
                        "says": found.says,
                        "reason": found.reason,
                    }
                    for found in differences(result, explanations)
                ],
            }
            for result in results
        ],
    }
