"""JUnit XML."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from plainwire.export import junit
from plainwire.model import Coverage, Report
from tests.report.samples import failing, rich
from tests.report.samples import report as sample

if TYPE_CHECKING:
    from plainwire.model import Report as Found


def test_a_finding_is_a_failing_test_case(report: Found) -> None:
    suite = ET.fromstring(junit.render(report)).find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("3", "1", "0")
    assert suite.find("testcase[@name='hidden-retry']/failure") is None  # it is about something else
    failure = suite.find("testcase[@name='reset-mid-request']/failure")
    assert failure is not None
    assert failure.get("message") == report.findings[0].claim
    assert "PUT /doc" in (failure.text or "")


def test_healthy_traffic_is_one_test_that_passes() -> None:
    suite = ET.fromstring(junit.render(Report(Coverage(), [], [], [], []))).find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures")) == ("1", "0")


def test_hostile_text_is_neither_markup_nor_breaks_the_document() -> None:
    text = junit.render(sample(rich(failing())))
    ET.fromstring(text)
    assert "hunter2" not in text
    assert text.replace("\n", "").isprintable()
