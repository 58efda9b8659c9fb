"""The rows of the table: whole, each once, and each with a source."""

from __future__ import annotations

from collections import Counter

import pytest

from plainwire.diagnose.causes.catalogue import CAUSES
from plainwire.diagnose.settings.table import SETTINGS, Setting

_IDS = [f"{row.product}-{row.need}" for row in SETTINGS]


@pytest.mark.parametrize("row", SETTINGS, ids=_IDS)
def test_a_row_has_a_setting_a_default_an_example_and_a_source(row: Setting) -> None:
    assert row.setting
    assert row.default
    assert row.example
    assert row.source.startswith(("https://", "curl(1), ", "HAProxy Configuration Manual"))
    assert ("{}" in row.example) is bool(row.unit)


def test_a_need_of_a_product_has_one_row_for_each_version() -> None:
    rows = Counter((r.side, r.product, r.need, r.since, r.before) for r in SETTINGS)
    assert [row for row, times in rows.items() if times > 1] == []


def test_a_cause_asks_for_what_some_product_has() -> None:
    had = {(row.side, row.need) for row in SETTINGS}
    for cause in CAUSES.values():
        for said in (cause, cause.by_server, cause.by_client):
            if said is not None:
                assert {("client", need) for need in said.client_needs} <= had, cause.code
                assert {("server", need) for need in said.server_needs} <= had, cause.code


def test_each_row_is_asked_for_by_a_cause() -> None:
    asked = set()
    for cause in CAUSES.values():
        for said in (cause, cause.by_server, cause.by_client):
            if said is not None:
                asked |= {("client", need) for need in said.client_needs}
                asked |= {("server", need) for need in said.server_needs}
    assert [(row.product, row.need) for row in SETTINGS if (row.side, row.need) not in asked] == []
