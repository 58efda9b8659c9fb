"""JUnit XML for continuous integration: one test case for each finding, and one for the coverage.

There is no standard; elements and attributes are those that Jenkins, GitLab and GitHub's actions read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from plainwire.report import terminal
from plainwire.report.coverage import shortfalls
from plainwire.report.escape import printable
from plainwire.report.headline import headline

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainwire.model import Finding, Report

_CLASS = "plainwire"


def render(report: Report) -> str:
    """Return the document. Findings of failures are failures; remarks are test cases that pass."""
    missing = shortfalls(report)
    failures = sum(finding.failure for finding in report.findings)
    tests = len(report.findings) + 1
    seconds = max((c.last_ns for c in report.connections), default=0) - min(
        (c.opened_ns for c in report.connections), default=0
    )
    counts = f'tests="{tests}" failures="{failures}" errors="0" skipped="{int(bool(missing))}"'
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<testsuites name="{_CLASS}" {counts}>',
        f'<testsuite name="{_CLASS}" {counts} time="{max(0, seconds) / 1e9:.6f}">',
        *_seen(report, missing),
        *(line for finding in report.findings for line in _case(finding, report)),
        "</testsuite>",
        "</testsuites>",
    ]
    return "\n".join(lines) + "\n"


def _seen(report: Report, missing: list[str]) -> Iterator[str]:
    said = quoteattr(printable(headline(report, missing)))
    yield f'<testcase classname="{_CLASS}" name="everything could be seen" time="0">'
    if missing:
        yield f"<skipped message={said}/>"
    yield f"<system-out>{escape(' '.join([headline(report, missing), *missing]))}</system-out>"
    yield "</testcase>"


def _case(finding: Finding, report: Report) -> Iterator[str]:
    text = escape("\n".join(_words(finding, report)))
    yield f'<testcase classname="{_CLASS}" name={quoteattr(finding.code)} time="0">'
    if finding.failure:
        message = quoteattr(printable(finding.claim))
        yield f"<failure type={quoteattr(finding.code)} message={message}>{text}</failure>"
    else:
        yield f"<system-out>{text}</system-out>"
    yield "</testcase>"


def _words(finding: Finding, report: Report) -> Iterator[str]:
    yield printable(finding.claim)
    yield f"Who: {terminal.WHO[finding.fault]} How sure: {terminal.SURE[finding.certainty]}"
    for side, advice in (("Client", finding.client_advice), ("Server", finding.server_advice)):
        if advice:
            yield f"{side}: {printable(advice)}"
    wanted = set(finding.exchanges)
    yield from (f"{e.id}: {terminal.describe(e)}" for e in report.exchanges if e.id in wanted)
    yield from (f"packet {e.packet}: {printable(e.says)}" for e in finding.evidence)
