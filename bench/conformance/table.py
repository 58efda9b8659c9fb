"""The results on the terminal, and as JSON."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from conformance import explained
from conformance.message import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.check import Checked
    from conformance.explained import Explanation
    from conformance.message import Message

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
    open_ones = any(reason is None for _, _, reason in _differences(result, explanations))
    return open_ones or result.decrypted[0] < result.decrypted[1]


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
    near = {id(theirs): ours for ours, theirs in result.near}
    if whose == "theirs":
        yield from dict.fromkeys(result.undecrypted[:5])
    for side, message, reason in _differences(result, explanations):
        if side.partition("-")[0] != whose or (reason and not explain):
            continue
        line = f"{message} {message.flaw}".rstrip()
        if id(message) in near:
            line += f" (ours: {near[id(message)]})"
        if side == "body":
            line += next(f", {_sizes(pair)}" for pair in result.bodies if pair[1] is message)
        yield f"{line}: {reason}" if reason else line


def _sizes(pair: tuple[Message, Message]) -> str:
    ours, theirs = ([body.size for body in message.bodies] for message in pair)
    return f"{ours} bytes for {theirs}"


def _differences(
    result: Checked, explanations: list[Explanation]
) -> Iterator[tuple[str, Message, str | None]]:
    """Whose it is, the message, and the reason where one is known."""
    messages = [("theirs", message) for message in result.theirs]
    messages += [(f"ours-{m.flaw}" if m.flaw else "ours", m) for m in result.ours]
    messages += [("body", theirs) for _, theirs in result.bodies]
    for whose, message in messages:
        yield whose, message, explained.find(explanations, result.name, whose, message)


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
    reasons = [reason for result in results for _, _, reason in _differences(result, explanations)]
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
                        "whose": whose,
                        "kind": message.kind,
                        "packets": message.frames,
                        "essence": message.essence,
                        "reason": reason,
                    }
                    for whose, message, reason in _differences(result, explanations)
                ],
            }
            for result in results
        ],
    }
