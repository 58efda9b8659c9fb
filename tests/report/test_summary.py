"""A finding in three lines."""

from __future__ import annotations

import pytest

from plainwire.report.summary import summary
from tests.report.samples import failing, healthy, report
from tests.report.verdicts.reading import stored


def test_a_claim_is_parted_into_how_many_where_what_and_facts() -> None:
    whole = report(healthy(), failing("/object"))
    told = summary(whole.findings[0], whole)
    assert told.line == "reset-mid-request: 1 of 4 requests, the server, likely, retry safe"
    assert told.heading == "reset-mid-request: 1 of 4 requests to 203.0.113.7:443"
    assert told.cause.endswith(".")
    assert f"{told.cause[1:]} {told.facts}" in whole.findings[0].claim


@pytest.mark.parametrize("name", stored())
def test_nothing_of_a_claim_is_lost(name: str) -> None:
    whole = stored()[name]
    for finding in whole.findings:
        told = summary(finding, whole)
        head = f"{told.share} to {told.place}: " if told.share else ""
        claim = f"{told.cause} {told.facts}".strip()
        assert f"{head}{claim}".lower() == " ".join(finding.claim.split()).lower()


def test_programs_are_named() -> None:
    whole = stored()["curl-retry-503"]
    assert summary(whole.findings[0], whole).line.endswith(", by curl")


def test_the_test_that_ran_is_named() -> None:
    whole = stored()["curl-retry-503"]
    whole.findings[0].tests = ["tests/test_upload.py::test_large", "tests/test_upload.py::test_small"]
    assert summary(whole.findings[0], whole).whose == "by curl in tests/test_upload.py::test_large and 1 more"


def test_a_fix_is_that_of_the_side_to_blame_and_never_nothing() -> None:
    whole = report(failing())
    finding = whole.findings[0]
    finding.advice_server, finding.advice_client = "nothing at all.", "Retry it. Or do not."
    assert summary(finding, whole).fix == "(server): Nothing at all."
    finding.advice_server = "Nothing to fix on the server."
    assert summary(finding, whole).fix == "(client): Retry it."


def test_a_retry_is_safe_unsafe_useless_or_not_spoken_of() -> None:
    whole = report(failing())
    finding = whole.findings[0]
    told = []
    for safe, useful in ((True, None), (True, False), (False, None), (None, None)):
        finding.retry_safe, finding.retry_useful = safe, useful
        told.append(summary(finding, whole).retry)
    assert told == ["retry safe", "retry useless", "retry not safe", ""]
