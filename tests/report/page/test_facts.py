"""What the page gets: columns that agree with the report, nothing hostile, nothing secret, bounded."""

from __future__ import annotations

import json
from typing import Any

from plainwire.model import Connection, Lookup
from plainwire.report.page.about import About
from plainwire.report.page.facts import COLUMNS, choose, facts
from tests.diagnose.wire import EPOCH_NS, SERVER, Wire
from tests.report.samples import failing, healthy, report, rich


def made(*connections: Connection, bodies: bool = False) -> dict[str, Any]:
    return facts(report(*connections), About("case", "host", (("plainwire", "1"),)), bodies=bodies)


def test_columns_say_what_the_exchanges_say() -> None:
    found = made(healthy(), failing("/broken"))
    columns, texts = found["exchanges"]["columns"], found["texts"]
    assert set(columns) == set(COLUMNS)
    assert columns["id"] == [1, 2, 10, 11]
    assert columns["failed"] == [0, 0, 0, 1]
    assert [texts[place] for place in columns["target"]] == ["/object", "/object", "/object", "/broken"]
    assert columns["status"] == [200, 200, 200, -1]
    assert columns["first"][0] == 80_000  # us: one round trip
    assert columns["time"][1] - columns["time"][0] == 100_000
    assert columns["packet"][3] == 102
    assert found["findings"][0]["exchanges"] == [11]
    assert found["tone"] == "bad"
    assert made(healthy())["tone"] == "good"


def test_nothing_hostile_or_secret_comes_through() -> None:
    assert json.dumps(made(rich(failing())), ensure_ascii=False).isprintable()
    assert "hunter2" not in json.dumps(made(failing()))


def test_the_wait_for_a_name_server_stands_with_its_connection() -> None:
    connection = healthy()
    asked = EPOCH_NS - 30_000_000
    connection.lookup = Lookup(
        "example.org", "A", "192.0.2.7", "192.0.2.53", [(1, asked)], 2, asked + 20_000_000
    )
    (shown,) = made(connection)["connections"]
    assert shown["lookup"] == ["example.org", "192.0.2.53", -30_000, -10_000, 1]


def test_of_too_many_exchanges_the_failing_ones_and_their_neighbours_stay() -> None:
    wire = Wire(first_exchange=1)
    for number in range(60):
        wire.ok(number * 100.0)
    wire.ask(6000, "/the-last")
    wire.close(SERVER, "rst", 6080)
    chosen = choose(report(wire.done("unanswered")), 20)
    assert [e.id for e in chosen] == [*range(1, 18), 59, 60, 61]


def test_bodies_that_were_kept_are_shown_line_by_line_with_secrets_hidden() -> None:
    connection = healthy()
    response = connection.exchanges[0].response
    assert response is not None
    response.body = b'{\r\n\t"a": "x\\"y", "password": "hunter2"}\x1b[2J\xe2\x80\xae'
    assert made(connection)["bodies"] == {}
    assert made(connection, bodies=True)["bodies"] == {
        "1": [None, '{\n\t"a": "x\\"y", "password": "[redacted]"}\\x1b[2J\\u202e']
    }
