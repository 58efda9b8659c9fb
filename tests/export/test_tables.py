"""A report as rows of tables."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from plainwire.export.tables import TABLES, rows
from plainwire.report import json
from tests.export import case

DOCUMENTED = Path(__file__).parents[2] / "docs" / "tables.md"


@pytest.fixture
def made(tmp_path: Path) -> list[tuple[str, dict[str, object]]]:
    report = orjson.loads(json.encode(case.report(tmp_path)))
    return [(table, orjson.loads(line)) for table, line in rows(report, "here")]


def test_every_row_has_the_columns_of_its_table(made: list[tuple[str, dict[str, object]]]) -> None:
    assert {table for table, _ in made} >= {"exchanges", "connections", "findings"}
    for table, row in made:
        assert set(row) == set(TABLES[table])
        assert row["source"] == "here"


def test_an_exchange_has_the_codes_of_the_findings_that_name_it(
    made: list[tuple[str, dict[str, object]]],
) -> None:
    findings = [row for table, row in made if table == "findings"]
    exchanges = [row for table, row in made if table == "exchanges"]
    for exchange in exchanges:
        naming = [f["code"] for f in findings if exchange["id"] in list(f["exchanges"])]  # type: ignore[call-overload]
        assert exchange["findings"] == naming
    assert any(exchange["findings"] for exchange in exchanges)


def test_what_a_report_hides_is_hidden(made: list[tuple[str, dict[str, object]]]) -> None:
    assert made
    assert "hunter2" not in str(made)


def test_every_column_is_documented() -> None:
    text = DOCUMENTED.read_text()
    for table, columns in TABLES.items():
        section = text.partition(f"## {table}\n")[2].partition("\n## ")[0]
        assert [c for c in columns if f"`{c}`" not in section] == []
