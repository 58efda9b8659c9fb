"""The report in its case, of which one exchange is read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from plainwire import reading, stored
from plainwire.case import Case
from plainwire.report.page.about import About
from tests.cli import plain_capture

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def case(tmp_path: Path) -> Case:
    plain_capture.write(tmp_path / "capture.pcapng")
    made = Case(tmp_path)
    stored.write(made, reading.analyze(made), About("a case", "", ()))
    return Case(tmp_path)


def test_one_exchange_is_read_without_the_others(case: Case) -> None:
    found = stored.items(case, 2)
    assert found is not None
    whole = json.loads(case.report_json.read_bytes())
    assert found == (whole["connections"][0], whole["exchanges"][1], whole["findings"])


def test_there_may_be_no_findings(tmp_path: Path) -> None:
    plain_capture.write(tmp_path / "capture.pcapng")
    made = Case(tmp_path)
    report = reading.analyze(made)
    report.findings = []
    stored.write(made, report, About("a case", "", ()))
    found = stored.items(Case(tmp_path), 2)
    assert found is not None
    assert (found[1]["id"], found[2]) == (2, [])


@pytest.mark.parametrize("number", [-1, 0, 3])
def test_there_is_no_other_exchange(case: Case, number: int) -> None:
    assert stored.items(case, number) is None


def test_a_report_of_another_capture_counts_for_nothing(case: Case) -> None:
    with case.capture.open("ab") as file:
        file.write(b"more")
    assert stored.items(case, 1) is None


def test_a_report_of_another_version_counts_for_nothing(case: Case) -> None:
    index = json.loads(case.report_index.read_bytes())
    case.report_index.write_text(json.dumps(index | {"plainwire": "0.0.1"}), "utf-8")
    assert stored.items(case, 1) is None


@pytest.mark.parametrize("index", [b"", b"{}", b'{"plainwire": 1}', None])
def test_a_damaged_index_counts_for_nothing(case: Case, index: bytes | None) -> None:
    if index is None:
        case.report_index.unlink()
    else:
        case.report_index.write_bytes(index)
    assert stored.items(case, 1) is None


def test_places_that_are_none_count_for_nothing(case: Case) -> None:
    index = json.loads(case.report_index.read_bytes())
    case.report_index.write_text(json.dumps(index | {"exchanges": [-9, 3, 10**30]}), "utf-8")
    assert stored.items(case, 1) is None
