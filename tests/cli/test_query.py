"""``plainwire query``."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.export import case

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("duckdb")


def plainwire(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "plainwire", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def test_a_capture_is_asked_and_answers_in_three_forms(tmp_path: Path) -> None:
    capture, _ = case.write(tmp_path)
    asked = "SELECT method, outcome, status FROM exchanges ORDER BY id"
    table = plainwire("query", asked, capture)
    assert table.returncode == 0, table.stderr
    assert table.stdout.splitlines()[0].split() == ["method", "outcome", "status"]
    lines = plainwire("query", "--json", asked, capture).stdout.splitlines()
    rows = list(csv.DictReader(io.StringIO(plainwire("query", "--csv", asked, capture).stdout)))
    assert [json.loads(line)["method"] for line in lines] == [row["method"] for row in rows] == ["PUT", "PUT"]
    assert rows[-1]["status"] == "201"


def test_what_was_exported_as_parquet_is_asked_like_a_case(tmp_path: Path) -> None:
    capture, keys = case.write(tmp_path)
    folder = tmp_path / "tables"
    done = plainwire("export", capture, "--keys", keys, "--parquet", "-o", folder)
    assert done.returncode == 0, done.stderr
    asked = plainwire("query", "--csv", "SELECT count(*) AS n FROM exchanges", folder)
    assert asked.stdout.split() == ["n", "3"]


def test_a_query_that_is_none_is_bad_usage(tmp_path: Path) -> None:
    capture, _ = case.write(tmp_path)
    done = plainwire("query", "SELEKT", capture)
    assert done.returncode == 2
    assert "SELEKT" in done.stderr
    assert "Traceback" not in done.stderr
