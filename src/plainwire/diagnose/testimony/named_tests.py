"""Which test it was: by pytest's own word in the process, or by the report of failed tests in the output.

A report comes when the tests are over, from a process that may only have started the one that failed (Maven,
go): when its errors were met is not known, and by whom neither.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from plainwire.model import ProgramEvents

    from .wording import Line

_PHASE = re.compile(r" \((?:setup|call|teardown)\)$")
_UNITTEST = re.compile(r"^(?:ERROR|FAIL): (?P<test>\w+) \((?P<place>[\w.<>]+)\)")
_GO = re.compile(r"^\s*(?:--- FAIL: |=== RUN\s+)(?P<test>\S+)")
_MAVEN = re.compile(
    r"^\[ERROR\]\s+(?!Tests run)(?P<test>[^\s(]+)(?:\((?P<place>[\w.$]+)\))?\s.*?"
    r"Time elapsed: .*<<< (?:ERROR|FAILURE)!"
)
_GRADLE = re.compile(r"^(?P<place>\S+) > (?P<test>\S.*) FAILED$")
_TAP = re.compile(r"^\s*not ok \d+ - (?P<test>.+)$")
_CARGO = re.compile(r"^---- (?P<test>\S+) stdout ----$")
_JEST = re.compile(r"^\s+● (?P<test>\S.*)$")
_VITEST = re.compile(r"^ FAIL  \S+ > (?P<test>\S.*)$")
_NODE = re.compile(r"^\s*✖ (?P<test>\S.*) \(\d[\d.]*ms\)$")
_HEADS = (_UNITTEST, _GO, _MAVEN, _GRADLE, _TAP, _CARGO, _JEST, _VITEST, _NODE)
_MOCHA = re.compile(r"^ +\d{1,5}\) (?P<title>\S.*)$")
_RSPEC = "Failure/Error:"
"""It begins the error behind one line of title, as mocha's are numbered."""
_ENDS = re.compile(
    r"^(?:={20,}|Ran \d+ tests?\b|Test Suites: | Test Files |⎯{10,}|failures:$|"
    r"ok\b|FAIL\b|PASS\b|--- PASS|\[(?:INFO|WARNING)\]|\[ERROR\] [TFE])"
)
"""What follows is about no test, or about all of them."""
_MOST_TITLES = 6
"""Lines of a title in mocha's report: one for each suite that the test is in."""


def mark(lines: Iterable[Line]) -> None:
    """Give each line of a report the name of its test. ``lines``: those of one output of a process."""
    name, titles = "", list[str]()
    for line in lines:
        head = next((match for head in _HEADS if (match := head.match(line.text))), None)
        titled = _MOCHA.match(line.text)
        if head is not None:
            name, titles = _full(head), []
        elif titled is not None:
            name, titles = "", [titled["title"]]
        elif titles and line.text.strip().startswith(_RSPEC):
            name, titles = " ".join(titles), []
        elif titles and line.text.strip():
            titles.append(line.text.strip())
        elif _ENDS.match(line.text):
            name, titles = "", []
        if titles and titles[-1].endswith(":"):
            name, titles = " ".join(titles).removesuffix(":"), []
        if len(titles) > _MOST_TITLES:
            titles = []
        line.test = name
        line.buffered |= bool(name)


def _full(head: re.Match[str]) -> str:
    place, test = head.groupdict().get("place"), head["test"].replace(" \u203a ", " > ")  # as jest parts them
    if not place or place.endswith(f".{test}"):  # unittest since Python 3.11 has the test there as well
        return place or test
    return f"{place}.{test}"


class RunningTests:
    """Which test each process was in, and when."""

    def __init__(self, events: ProgramEvents) -> None:
        self._begun: dict[int, list[tuple[int, str]]] = {}
        for each in sorted(events.tests, key=lambda test: test.time_ns):
            self._begun.setdefault(each.pid, []).append((each.time_ns, _PHASE.sub("", each.name)))

    def at(self, pid: int, time_ns: int) -> str:
        """The name of the test, "" where none ran."""
        begun = self._begun.get(pid, [])
        index = bisect_right(begun, time_ns, key=lambda each: each[0])
        return begun[index - 1][1] if index else ""
