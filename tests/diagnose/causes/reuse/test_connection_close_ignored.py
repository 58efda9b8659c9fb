"""A connection that had been announced as closing, and the request that came all the same."""

from __future__ import annotations

from plainwire.diagnose import diagnose
from tests.diagnose.wire import CLIENT, SERVER, Wire, only


def test_a_request_after_connection_close_is_the_client_s_fault() -> None:
    wire = Wire()
    wire.ok(0, close=True)
    wire.ask(200)
    wire.close(SERVER, "fin", 200.1, ack=99)
    finding = only(diagnose([wire.done("unanswered")]))
    assert (finding.code, finding.fault, finding.certainty) == (
        "connection-close-ignored",
        "client",
        "proved",
    )
    assert finding.retry_safe is True


def test_it_is_told_even_where_the_server_was_kind_enough_to_answer() -> None:
    wire = Wire()
    wire.ok(0, close=True)
    wire.ok(200)
    finding = only(diagnose([wire.done()]))
    assert finding.code == "connection-close-ignored"
    assert finding.retry_safe is None
    assert "answered all the same" in finding.claim


def test_the_client_s_own_announcement_binds_it_too() -> None:
    wire = Wire()
    wire.ask(0, close=True)
    wire.answer(80)
    wire.ok(200)
    assert "own request" in only(diagnose([wire.done()])).claim


def test_every_request_after_the_announcement_ignored_it() -> None:
    wire = Wire()
    wire.ok(0, close=True)
    wire.ask(200)
    wire.exchanges[-1].outcome = "unanswered"
    wire.ask(300)
    wire.close(SERVER, "fin", 300.1, ack=99)
    finding = only(diagnose([wire.done("unanswered")]))
    assert finding.code == "connection-close-ignored"
    assert len(finding.exchanges) == 2


def test_http_1_0_without_keep_alive_announces_by_its_version() -> None:
    wire = Wire()
    wire.ask(0)
    wire.answer(80, version="HTTP/1.0")
    wire.ask(200)
    wire.close(SERVER, "fin", 200.1, ack=99)
    assert only(diagnose([wire.done("unanswered")])).code == "connection-close-ignored"


def test_a_connection_that_closes_as_announced_is_no_finding() -> None:
    wire = Wire()
    wire.ok(0)
    wire.ok(100, close=True)
    wire.close(SERVER, "close_notify", 180)
    wire.close(SERVER, "fin", 180)
    wire.close(CLIENT, "fin", 181)
    assert diagnose([wire.done()]) == []


def test_a_request_pipelined_ahead_of_the_announcement_accuses_neither_side() -> None:
    wire = Wire()
    first = wire.ask(0)
    second = wire.ask(1)
    wire.exchanges.remove(second)
    wire.answer(80, close=True)
    wire.exchanges.append(second)
    wire.close(SERVER, "fin", 81)
    assert first.response is not None
    finding = only(diagnose([wire.done("unanswered")]))
    assert (finding.code, finding.fault) == ("pipelining-broken", "both")
    assert "pipelined behind exchange 1" in finding.claim
