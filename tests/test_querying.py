"""Many cases in one database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
import pytest

from plainwire import querying
from plainwire.model import UserError
from plainwire.report import json
from tests.export import case

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("duckdb")


@pytest.fixture
def report(tmp_path: Path) -> dict[str, object]:
    loaded: dict[str, object] = orjson.loads(json.encode(case.report(tmp_path)))
    return loaded


def test_values_come_out_as_they_are_in_the_report(report: dict[str, object]) -> None:
    with querying.Tables() as tables:
        tables.add(report, "one")
        names, rows = tables.select(
            "SELECT method, target, status, epoch(began), response_headers['content-type'][1]"
            " FROM exchanges ORDER BY id"
        )
    assert names[:3] == ["method", "target", "status"]
    exchanges = report["exchanges"]
    assert isinstance(exchanges, list)
    for row, exchange in zip(rows, exchanges, strict=True):
        request, response = exchange["request"], exchange["response"]
        assert row[:2] == (request["method"], request["target"])
        assert row[2] == (None if response is None else response["status"])
        assert row[3] == pytest.approx(request["time"], abs=1e-6)
    assert rows[0][4] == "text/plain"


def test_several_cases_are_told_apart_and_joined(report: dict[str, object]) -> None:
    with querying.Tables() as tables:
        tables.add(report, "one")
        tables.add(report, "two")
        _, rows = tables.select(
            "SELECT c.source, count(*) FROM exchanges e JOIN connections c USING (source)"
            " WHERE c.id = e.connection GROUP BY 1 ORDER BY 1"
        )
    assert rows == [("one", 3), ("two", 3)]


def test_parquet_holds_the_same_and_is_nobody_elses_to_read(
    report: dict[str, object], tmp_path: Path
) -> None:
    folder = tmp_path / "tables"
    with querying.Tables() as tables:
        tables.add(report, "one")
        tables.write_parquet(folder)
    assert querying.is_parquet(folder)
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    asked = "SELECT * FROM exchanges ORDER BY id"
    with querying.Tables() as tables:
        tables.add(report, "one")
        before = tables.select(asked)
    with querying.Tables() as tables:
        tables.add_parquet(folder)
        assert tables.select(asked) == before


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM read_text('/etc/passwd')",
        "COPY exchanges TO '/tmp/plainwire-query-out.csv'",
        "SET enable_external_access = true",
        "SELECT nothing FROM exchanges",
        "not SQL",
    ],
)
def test_what_cannot_or_may_not_be_asked_is_an_error_in_words(report: dict[str, object], query: str) -> None:
    with querying.Tables() as tables:
        tables.add(report, "one")
        with pytest.raises(UserError):
            tables.select(query)


def test_nothing_is_left_behind(
    report: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    with querying.Tables() as tables:
        tables.add(report, "one")
        tables.select("SELECT 1")
    assert list((tmp_path / "temporary").iterdir()) == []


def test_cases_are_found_below_a_folder(tmp_path: Path, report: dict[str, object]) -> None:
    for name in ("b", "hunt/run-0001", "a"):
        (tmp_path / "all" / name).mkdir(parents=True)
        (tmp_path / "all" / name / "report.json").write_bytes(orjson.dumps(report))
    found = list(querying.cases_in(tmp_path / "all"))
    assert [str(path.relative_to(tmp_path / "all")) for path in found] == ["a", "b", "hunt/run-0001"]
    assert querying.report_of(found[0]) == report


def test_a_folder_without_cases_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no case"):
        list(querying.cases_in(tmp_path))
