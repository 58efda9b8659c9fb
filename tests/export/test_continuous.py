"""What GitHub and GitLab show of a report."""

from __future__ import annotations

import re

from plainwire.export import continuous
from tests.report.samples import failing, report
from tests.report.verdicts.reading import stored

COMMAND = re.compile(r"::(error|warning) title=([^:,\r\n]*)::([^\r\n]*)")
"""As actions/runner reads a workflow command (src/Runner.Common/ActionCommand.cs)."""


def test_each_finding_is_an_annotation_and_an_error_where_it_fails_the_job() -> None:
    lines = list(continuous.commands(stored()["curl-retry-503"], {"close-mid-request"}))
    read = [COMMAND.fullmatch(line) for line in lines]
    assert [match[1] for match in read if match] == ["error", "warning"]
    assert read[0] is not None
    title = read[0][2].replace("%3A", ":").replace("%2C", ",")
    assert title == "plainwire: close-mid-request: 1 of 9 requests, the server, proved, retry safe, by curl"
    assert "%0AFix (server): " in read[0][3]


def test_no_more_annotations_than_github_shows() -> None:
    whole = stored()["curl-retry-503"]
    whole.findings = whole.findings[:1] * 30
    assert len(list(continuous.commands(whole, set()))) == 10
    assert len(list(continuous.commands(whole, {"close-mid-request"}))) == 10


def test_what_came_off_the_wire_is_no_command() -> None:
    whole = report(failing("/x\r\n::error::owned"))
    whole.findings[0].claim += " 100% ::error::\r\n::warning::owned"
    lines = list(continuous.commands(whole, set()))
    assert all(COMMAND.fullmatch(line) for line in lines)
    assert "100%25" in lines[0]


def test_a_summary_is_the_verdict_within_githubs_limit() -> None:
    whole = stored()["curl-retry-503"]
    text = continuous.step_summary(whole)
    assert text.startswith("## plainwire")
    whole.findings = whole.findings * 2000
    large = continuous.step_summary(whole)
    assert 900_000 < len(large.encode()) <= 1024 * 1024
    assert large.endswith("The rest is in the case.\n")


def test_a_section_folds_up_below_its_header() -> None:
    text = continuous.section("one\ntwo\n", "details", 1_700_000_000)
    escape = "\x1b[0K"
    begin = f"{escape}section_start:1700000000:plainwire[collapsed=true]\r{escape}details\n"
    assert text == f"{begin}one\ntwo\n{escape}section_end:1700000000:plainwire\r{escape}\n"
