"""A bug in one rule costs what that rule would have said: the report stands, and nobody else is accused."""

from __future__ import annotations

from typing import NoReturn

import pytest

from plainwire.diagnose import diagnose, order
from plainwire.model import Bugs, Connection, Endpoint
from tests.diagnose.wire import SERVER, Wire

pytestmark = pytest.mark.broken


def broken(*_: object) -> NoReturn:
    what = "/path?token=hunter2"
    raise KeyError(what)


def reset(server: str) -> Connection:
    wire = Wire(server=Endpoint(server, 443))
    wire.ok(0)
    wire.ask(500)
    wire.close(SERVER, "rst", 580)
    return wire.done("unanswered")


def test_what_other_rules_find_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    for tuple_of_rules in ("MANY_CONNECTIONS", "COMPLETE_AND_PLAIN", "RETRIES", "REMARKS", "LATE_OPENING"):
        monkeypatch.setattr(order, tuple_of_rules, (broken, *getattr(order, tuple_of_rules)))
    bugs = Bugs()
    codes = [finding.code for finding in diagnose([reset("203.0.113.7")], bugs=bugs)]
    assert codes == ["reset-mid-request"]
    assert [(bug.line, bug.count) for bug in bugs.found] == [
        ("a rule failed: broken (KeyError, 4 times); please report it", 4)
    ]


def test_no_rule_behind_the_broken_one_accuses_anybody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order, "FAILED", (broken, *order.FAILED))
    bugs = Bugs()
    connections = [reset("203.0.113.7"), reset("203.0.113.8")]
    connections[1].id = 2
    connections[1].exchanges[0].id, connections[1].exchanges[1].id = 3, 4
    assert [finding.code for finding in diagnose(connections, bugs=bugs)] == ["unexplained", "unexplained"]
    assert bugs.found[0].count == 2


def test_a_connection_without_requests_is_left_alone_by_a_broken_rule(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(order, "NO_REQUEST", (broken,))
    bugs = Bugs()
    wire = Wire()
    wire.close(SERVER, "rst", 80)
    assert diagnose([wire.done(), reset("203.0.113.8")], bugs=bugs)
    assert bugs.found


def test_the_words_of_the_error_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order, "FAILED", (broken,))
    bugs = Bugs()
    diagnose([reset("203.0.113.7")], bugs=bugs)
    assert "hunter2" not in repr(bugs.found)
    assert any("broken" in line for line in bugs.found[0].where)


def test_without_anybody_to_take_note_a_bug_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order, "FAILED", (broken,))
    with pytest.raises(KeyError):
        diagnose([reset("203.0.113.7")])
