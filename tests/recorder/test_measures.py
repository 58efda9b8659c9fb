from __future__ import annotations

import pytest

from plainwire.model import UserError
from plainwire.recorder import measures


@pytest.mark.parametrize(
    ("text", "size"),
    [("2GB", 2 * 10**9), ("500 mb", 5 * 10**8), ("1GiB", 1 << 30), ("1.5k", 1500), ("4096", 4096)],
)
def test_sizes(text: str, size: int) -> None:
    assert measures.size(text) == size


@pytest.mark.parametrize(("text", "seconds"), [("10m", 600), ("14d", 1_209_600), ("1.5h", 5400), ("30", 30)])
def test_durations(text: str, seconds: float) -> None:
    assert measures.duration(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "-1s", "10 parsecs", "1e9", "٣s", "nan", "10m\n10m"])
def test_what_is_none_is_misuse(text: str) -> None:
    with pytest.raises(UserError, match="is not a duration"):
        measures.duration(text)
