"""The report that the tests export."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.export import case

if TYPE_CHECKING:
    from pathlib import Path

    from plainwire.model import Report


@pytest.fixture
def report(tmp_path: Path) -> Report:
    return case.report(tmp_path, bodies=True)
