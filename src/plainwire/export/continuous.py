"""What continuous integration shows of a report: annotations, a job summary, a folded section of its log.

GitHub: workflow commands and job summaries (docs.github.com, "Workflow commands for GitHub Actions").
GitLab: collapsible sections (docs.gitlab.com, "CI/CD job logs").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.export import markdown
from plainwire.report.summary import summary

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from plainwire.model import Report

ANNOTATIONS = 10
"""Of a kind that GitHub shows of one step; of what is more it shows nothing, and does not say so."""
ANNOTATION_LENGTH = 4000
"""Characters of one message: enough for all that is said here (chosen)."""
SUMMARY_BYTES = 1_000_000
"""GitHub refuses a step's summary of more than 1 MiB altogether."""
_CUT = "\n\nThe rest is in the case.\n"


def commands(report: Report, fatal: Collection[str]) -> Iterator[str]:
    """Workflow commands for GitHub, one a finding: errors those whose code is ``fatal``, others warnings."""
    left = {"error": ANNOTATIONS, "warning": ANNOTATIONS}
    for finding in report.findings:
        kind = "error" if finding.code in fatal else "warning"
        if left[kind] == 0:
            continue
        left[kind] -= 1
        told = summary(finding, report)
        fix = f"\nFix {told.fix}" if told.fix else ""
        title = _property(f"plainwire: {told.line}")
        yield f"::{kind} title={title}::{_data(f'{told.cause} {told.facts}{fix}')}"


def step_summary(report: Report) -> str:
    """The verdict in Markdown, within GitHub's limit; cut at a line."""
    text = markdown.render(report)
    raw = text.encode()
    if len(raw) <= SUMMARY_BYTES:
        return text
    kept = raw[: SUMMARY_BYTES - len(_CUT)].decode(errors="ignore")
    return kept.rpartition("\n")[0] + _CUT


def section(text: str, header: str, seconds: int) -> str:
    """A text that GitLab folds up below its ``header`` in the log of a job; ``seconds`` since the epoch."""
    begin = f"\x1b[0Ksection_start:{seconds}:plainwire[collapsed=true]\r\x1b[0K{header}"
    return f"{begin}\n{text.rstrip()}\n\x1b[0Ksection_end:{seconds}:plainwire\r\x1b[0K\n"


def _data(text: str) -> str:
    """As the toolkit of GitHub escapes a message (actions/toolkit, packages/core/src/command.ts)."""
    return text[:ANNOTATION_LENGTH].replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
