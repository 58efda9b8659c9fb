"""Which exchanges are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from plainwire.report.choice import Choice
from tests.export import case

if TYPE_CHECKING:
    from pathlib import Path

    from plainwire.model import Report


@pytest.fixture
def report(tmp_path: Path) -> Report:
    """1: GET, answered 200. 2: PUT, reset. 3: the same PUT, 201. From 22:13:20 UTC on, 1 ms a packet."""
    return case.report(tmp_path)


@pytest.mark.parametrize(
    ("choice", "ids"),
    [
        (Choice(), [1, 2, 3]),
        (Choice(failed=True), [2]),
        (Choice(method="put"), [2, 3]),
        (Choice(status="2xx"), [1, 3]),
        (Choice(status="201"), [3]),
        (Choice(connection=2), [2]),
        (Choice(host="example"), [1, 2, 3]),
        (Choice(host="storage.example"), [1, 2, 3]),
        (Choice(host="torage.example"), []),
        (Choice(host="203.0.113.7", method="GET"), [1]),
        (Choice.of(False, None, None, None, None, "22:13"), [1, 2, 3]),  # noqa: FBT003 - as the command calls it
        (Choice.of(False, None, None, None, None, "22:13:20.012"), [2, 3]),  # noqa: FBT003 - as above
        (Choice.of(False, None, None, None, None, "22:14"), []),  # noqa: FBT003 - as above
    ],
)
def test_all_that_is_asked_for_must_hold(choice: Choice, ids: list[int], report: Report) -> None:
    assert [exchange.id for exchange in choice.among(report)] == ids


@pytest.mark.parametrize(("status", "since"), [("5x", None), ("abc", None), (None, "noon"), (None, "1337")])
def test_what_is_none_of_these_says_what_is_wanted(status: str | None, since: str | None) -> None:
    with pytest.raises(ValueError, match=r"5xx|13:37"):
        Choice.of(False, None, None, status, None, since)  # noqa: FBT003 - as above
