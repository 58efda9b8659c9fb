"""The page of settings is that of the table."""

from __future__ import annotations

import settings


def test_the_page_is_made_of_the_table() -> None:
    assert settings.PLACE.read_text(encoding="utf-8") == settings.page(), "run python tools/settings.py"
