"""Lines on a terminal."""

from __future__ import annotations

import pytest

from plainwire.report.style import Style


@pytest.mark.parametrize(("columns", "used"), [(10, 40), (80, 80), (100, 100), (240, 100)])
def test_the_terminals_width_is_used_up_to_a_hundred(columns: int, used: int) -> None:
    assert Style.of(columns, color=False).width == used


def test_colour_does_not_change_where_lines_end() -> None:
    words = "a label and a paragraph " * 9
    plain = list(Style.of(60, color=False).labelled("Cause", words))
    colored = list(Style.of(60, color=True).labelled("Cause", words))
    assert [line.replace("\x1b[1m", "").replace("\x1b[0m", "") for line in colored] == plain
    assert max(map(len, plain)) <= 60
