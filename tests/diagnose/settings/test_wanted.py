"""What value a remedy asks for."""

from __future__ import annotations

from plainwire.diagnose.settings.wanted import Circumstances, Wanted, wanted
from plainwire.model import CloseEvent, Side
from tests.diagnose.settings.traffic import MS, SECOND, limits, report


def test_a_client_s_patience_is_how_long_it_waited_before_it_gave_up() -> None:
    made = report()
    connection = made.connections[0]
    exchange = connection.exchanges[0]
    exchange.response, exchange.outcome = None, "aborted"
    connection.closes = [CloseEvent("fin", Side.CLIENT, 2_007 * MS, 9, 100, 0)]
    found = Circumstances(made.findings[0], [(connection, exchange)], None)
    assert wanted("client", "read timeout", found) == Wanted("above", 2_007 * MS)


def test_an_announced_limit_stands_in_for_one_that_was_not_seen() -> None:
    made = report()
    facts = limits()
    facts.idle_timeout, facts.hint_timeout_ns = None, 5 * SECOND
    found = Circumstances(made.findings[0], [(made.connections[0], made.exchanges[0])], facts)
    assert wanted("client", "idle limit", found) == Wanted("below", 4_960 * MS)


def test_a_quick_end_is_no_worker_s_timeout() -> None:
    made = report()
    made.connections[0].closes[0] = CloseEvent("fin", Side.SERVER, 31_600 * MS, 9, 100, 0)
    found = Circumstances(made.findings[0], [(made.connections[0], made.exchanges[0])], None)
    assert wanted("server", "worker timeout", found) is None


def test_without_facts_there_is_no_value() -> None:
    found = Circumstances(report().findings[0], [], None)
    assert wanted("client", "idle limit", found) == Wanted()
    assert wanted("server", "idle limit", found) == Wanted()
