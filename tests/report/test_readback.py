"""One exchange of a JSON report as values again."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING

import pytest

from plainwire.model import Gap, ProgramConnection, Side
from plainwire.report import json as encoder
from plainwire.report import readback, table
from tests.export import case
from tests.report.samples import failing, healthy, report, rich

if TYPE_CHECKING:
    from pathlib import Path

    from plainwire.model import Report


def complete() -> Report:
    connection = rich(failing())
    connection.program = ProgramConnection(7, 7, "python3")
    connection.gaps = [Gap(Side.SERVER, 5, 3, 9)]
    return report(healthy(), connection)


@pytest.fixture(params=["made", "captured"])
def told(request: pytest.FixtureRequest, tmp_path: Path) -> Report:
    return complete() if request.param == "made" else case.report(tmp_path)


def test_an_exchange_is_shown_from_the_json_as_from_the_packets(told: Report) -> None:
    whole = json.loads(encoder.encode(told))
    connections = {item["id"]: item for item in whole["connections"]}
    assert len(told.exchanges) > 2
    for item in whole["exchanges"]:
        back = readback.report(connections[item["connection"]], item, whole["findings"])
        assert table.exchange(back, item["id"]) == table.exchange(told, item["id"])


def test_each_item_stands_where_its_place_says(told: Report) -> None:
    places = encoder.Places()
    encoded = encoder.encode(told, places)
    whole = json.loads(encoded)
    for name in ("connections", "exchanges", "findings"):
        at = getattr(places, name)
        found = [encoded[start : end - 1] for start, end in itertools.pairwise(at)]
        assert [json.loads(part) for part in found] == whole[name]
        assert found
