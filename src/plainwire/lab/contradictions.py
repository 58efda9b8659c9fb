"""Whether a report contradicts itself: pairs of statements of which one must be wrong."""

from __future__ import annotations

import re
from itertools import combinations
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_PARTIES = frozenset({"client", "server", "path"})
_UNDECIDED = frozenset({"unexplained", "capture-artifact"})
"""Codes that say that nothing else is known of what they are about."""
_OF_RETRIES = frozenset({"hidden-retry", "unsafe-retry-duplicate"})
"""Codes about what the client made of a failure; they stand beside its cause."""
_ENDED = re.compile(r"\bit ended with status (\d+)")
_UNCAUSED = "Nothing that was seen on the wire explains what the program said: "
_UNHARMED = "; no request failed on the wire."
_COUNTED = re.compile(r"^(?:\d+ times )?")


def contradictions(report: dict[str, Any]) -> list[str]:
    """What a report (``report.json``, ``--json``) says and denies, a line each."""
    failures = [f for f in report["findings"] if f.get("failure", True) and f["code"] not in _OF_RETRIES]
    found = [line for one, other in combinations(failures, 2) for line in _between(one, other)]
    return found + list(_of_program(report.get("program") or {}, failures))


def _between(one: dict[str, Any], other: dict[str, Any]) -> Iterator[str]:
    """Two findings about the same exchange."""
    shared = sorted(set(one["exchanges"]) & set(other["exchanges"]))
    if not shared:
        return
    both = f"{one['code']} and {other['code']} on exchange {shared[0]}"
    parties = {one["fault"], other["fault"]}
    if len(parties) == 2 and parties <= _PARTIES:
        yield f"two parties are guilty: {both} ({one['fault']}, {other['fault']})"
    if {one.get("retry_safe"), other.get("retry_safe")} == {True, False}:
        yield f"a retry is safe and is not: {both}"
    if len({one["code"], other["code"]} & _UNDECIDED) == 1:
        yield f"explained and not: {both}"


def _of_program(program: dict[str, Any], failures: list[dict[str, Any]]) -> Iterator[str]:
    """What is said of the program, against itself and the findings."""
    status, caused = program.get("exit_status"), [f for f in failures if f["code"] not in _UNDECIDED]
    for finding in failures:
        for told in _ENDED.findall(finding.get("program_says") or ""):
            if status is not None and int(told) != status:
                yield f"the program ended with status {status}, {finding['code']} says {told}"
    for remark in program.get("remarks", []):
        if remark.endswith(_UNHARMED) and any(f["exchanges"] for f in caused):
            yield "no request failed, and a finding says which"
        if remark.startswith(_UNCAUSED):
            left = {_COUNTED.sub("", each) for each in remark.removeprefix(_UNCAUSED).rstrip(".").split(", ")}
            for said in program.get("said", []):
                if said.get("code") is None and said.get("exchange") is None:
                    left.discard(said["label"])
                    left.discard(f"{said['label']} ({said['client']})")
            if left:
                yield f"unexplained, and explained by a finding: {', '.join(sorted(left))}"
