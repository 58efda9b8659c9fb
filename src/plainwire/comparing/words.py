"""A comparison as text and as JSON. Safe to print: what comes off the wire is redacted and escaped."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from plainwire.plurals import count
from plainwire.report import redact
from plainwire.report.escape import printable
from plainwire.report.style import BAD, NAME, Style
from plainwire.report.terminal import describe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from . import Compared
    from .differences import Differences
    from .places import Decided, TwoPlaces

_WHO = {
    "server": "The server's side.",
    "client": "The client's side.",
    "between": "What is between the two places.",
    "unknown": "Not decided.",
}
_DECIDED = 10


def text(comparison: Compared, names: tuple[str, str], style: Style) -> str:
    """Return it for a terminal; ``names`` are those of A and B."""
    lines = [f"  {letter}: {printable(name)}" for letter, name in zip("AB", names, strict=True)]
    if comparison.places is not None:
        lines = [*_headline(comparison.places, style), *lines, *_places(comparison.places, style)]
    elif comparison.differences is not None:
        lines = [
            *_outcome(comparison.differences, style),
            *lines,
            *_differences(comparison.differences, style),
        ]
    return "\n".join(lines) + "\n"


def _headline(places: TwoPlaces, style: Style) -> Iterator[str]:
    decided = [each for each in places.decided if each.who != "unknown"]
    told = (
        f"{len(decided)} of {count(len(places.decided), 'failure')} decided"
        if places.decided
        else "no failure"
    )
    first = f"plainwire: the same traffic at two places, {places.near} nearer to the client; {told}."
    yield style.strong(first, BAD if places.decided else "1")


def _places(places: TwoPlaces, style: Style) -> Iterator[str]:
    matched = f"{places.exchanges} of {count(places.of, 'request')} of {places.near} are in {places.far}"
    yield from style.wrapped(f"{matched}; {count(places.connections, 'connection')} in both.", "  ", "  ")
    clocks = places.clocks
    if clocks is not None:
        ahead = (
            f"{clocks.ahead_ns / 1e9:+.6f} s (to {clocks.error_ns / 1e6:.3g} ms, by {clocks.count} packets)"
        )
        yield f"  The clock of {places.far} less that of {places.near}: {ahead}."
    for number, each in enumerate(places.decided[:_DECIDED], start=1):
        yield from ("", *_decided(number, each, style))
    if len(places.decided) > _DECIDED:
        yield f"\nand {len(places.decided) - _DECIDED} more"


def _decided(number: int, decided: Decided, style: Style) -> Iterator[str]:
    what = f"connection {decided.connection.id}"
    if decided.exchange is not None:
        what = f"{decided.exchange.id}  {describe(decided.exchange)}"
    yield style.strong(style.cut(f"{number}. {what}"), NAME)
    yield from style.labelled("Cause", decided.says)
    yield from style.labelled("Blame", f"{_WHO[decided.who]} {decided.certainty.capitalize()}.")
    label = "Evidence"
    for seen in decided.evidence:
        yield from style.labelled(label, f"{seen.place} packet {seen.packet}: {printable(seen.says)}")
        label = ""
    if decided.before is not None:
        yield from style.labelled("Alone", _alone(decided))


def _alone(decided: Decided) -> str:
    """What the near capture alone says, and what has become of it."""
    before = decided.before
    if before is None:
        return ""
    held = {True: f"that holds, and is {decided.certainty}", False: "refuted", None: "not decided by that"}[
        decided.holds
    ]
    if decided.holds is None and decided.who != "unknown":
        held = "who it was is decided now"
    return f"{before.code} ({before.fault}, {before.certainty}): {held}."


def _outcome(found: Differences, style: Style) -> Iterator[str]:
    words = {
        "both": "Both fail",
        "A": "B works, A fails",
        "B": "A works, B fails",
        "neither": "Neither fails",
    }[found.failing]
    told = count(len(found.found), "difference")
    first = f"plainwire: no traffic is in both captures. {words}; {told}."
    yield style.strong(first, BAD if found.failing != "neither" else "1")


def _differences(found: Differences, style: Style) -> Iterator[str]:
    for letter, counts in zip("AB", found.counts, strict=True):
        yield from style.wrapped(f"{letter}: {counts}.", "  ", "     ")
    if found.found:
        yield ""
    for each in found.found:
        yield style.strong(f"  {each.name}")
        for letter, value in (("A", each.one), ("B", each.other)):
            yield from style.wrapped(_shown(value), f"    {letter}  ", "       ")
    if found.same:
        yield ""
        yield from style.wrapped(f"The same in both: {', '.join(found.same)}.")
    if found.failing in ("A", "B") and found.found:
        yield ""
        words = "One of these differences may be the cause; change one at a time and capture again."
        yield from style.wrapped(words)


def _shown(value: str) -> str:
    return printable(redact.line(value), 400) or "-"


def encode(comparison: Compared) -> str:
    """Return it as JSON."""
    places, found = comparison.places, comparison.differences
    made: dict[str, Any] = {"schema": 1}
    if places is not None:
        clocks = places.clocks
        made["places"] = {
            "near": places.near,
            "far": places.far,
            "clocks": None
            if clocks is None
            else {"ahead": clocks.ahead_ns / 1e9, "error": clocks.error_ns / 1e9, "seen": clocks.count},
            "connections": places.connections,
            "exchanges": {"matched": places.exchanges, "of": places.of, "unmatched": places.unmatched},
            "decided": [_encoded(each) for each in places.decided],
        }
    if found is not None:
        made["differences"] = {
            "failing": found.failing,
            "phase": found.phase,
            "found": [
                {"name": each.name, "a": _shown(each.one), "b": _shown(each.other)} for each in found.found
            ],
            "same": found.same,
        }
    return json.dumps(made, indent=2) + "\n"


def _encoded(decided: Decided) -> dict[str, Any]:
    before = decided.before
    return {
        "exchange": None if decided.exchange is None else decided.exchange.id,
        "connection": decided.connection.id,
        "far_exchanges": [each.id for each in decided.far],
        "who": decided.who,
        "certainty": decided.certainty,
        "says": decided.says,
        "evidence": [{"place": s.place, "packet": s.packet, "says": s.says} for s in decided.evidence],
        "before": None
        if before is None
        else {"code": before.code, "fault": before.fault, "certainty": before.certainty},
        "holds": decided.holds,
    }
