"""What a healthy run may still want to know."""

from __future__ import annotations

from plainwire.model import CloseEvent, Coverage, Finding, Report, Side, StreamEvent
from plainwire.report import economy
from tests.diagnose.bulk import SECOND, Traffic


def report(traffic: Traffic, *findings: Finding) -> Report:
    exchanges = [e for c in traffic.connections for e in c.exchanges]
    return Report(Coverage(), traffic.connections, exchanges, [], list(findings))


def wasteful(count: int = 12) -> Traffic:
    """Each request on a connection of its own, which the client closes 1 ms after the answer."""
    traffic = Traffic()
    for _ in range(count):
        connection = traffic.connect()
        traffic.ask(0.01, headers=[("User-Agent", "python-requests/2.32")])
        connection.closes.append(
            CloseEvent("fin", Side.CLIENT, traffic.clock_ns + SECOND // 1000, 9, 100, 10)
        )
    return traffic


def test_connections_that_were_closed_whole_while_others_were_opened() -> None:
    (line,) = economy.lines(report(wasteful()))
    assert line.startswith("12 connections to 203.0.113.1:443 for at most 1 request at once")
    assert "a session that keeps one" in line


def test_few_connections_are_no_waste() -> None:
    assert economy.lines(report(wasteful(4))) == []


def test_connections_that_the_server_closed_are_no_waste_of_the_client() -> None:
    traffic = wasteful()
    for connection in traffic.connections:
        connection.closes[0] = CloseEvent("fin", Side.SERVER, connection.closes[0].time_ns, 9, 10, 100)
    assert economy.lines(report(traffic)) == []


def test_slowest_answers() -> None:
    traffic = Traffic()
    traffic.connect()
    for _ in range(19):
        traffic.ask(0.01)
    traffic.ask(0.01, target="/report?token=secret").duration_ns = 3 * SECOND
    (line,) = economy.lines(report(traffic))
    assert line.startswith("Half of 20 answers took 20 ms or less")
    assert "exchange 20, GET /report" in line
    assert "3.00 s" in line
    assert "secret" not in line


def test_nothing_is_said_beside_failures() -> None:
    finding = Finding("reset-mid-request", "", "server", "likely", [1], [], [], "")
    assert economy.lines(report(wasteful(), finding)) == []


def crowded(at_once: int, pause: float) -> Traffic:
    """Twelve requests of 300 ms, so many at once, ``pause`` seconds apart, where the server allows two."""
    traffic = Traffic()
    connection = traffic.connect()
    connection.application = "h2"
    begin = traffic.clock_ns
    connection.events.append(
        StreamEvent("settings", Side.SERVER, begin, 1, detail="MAX_CONCURRENT_STREAMS=2")
    )
    for number in range(12):
        exchange = traffic.ask(0.3)
        at = begin + number // at_once * int((0.3 + pause) * SECOND)
        assert exchange.request
        assert exchange.response
        exchange.request.time_ns, exchange.response.last_ns = at, at + 3 * SECOND // 10
        exchange.duration_ns = 3 * SECOND // 10
    return traffic


def test_requests_that_left_when_a_stream_was_free() -> None:
    """Two streams at a time (common: httpwg/http2-spec#761)."""
    (line, _) = economy.lines(report(crowded(2, 0.003)))
    assert "the server allows 2 streams at a time" in line
    assert "10 of 12 requests left just when one had become free" in line


def test_programs_that_ask_at_their_own_pace_or_are_not_held_to_it_waited_for_nothing() -> None:
    for traffic in (crowded(2, 0.2), crowded(1, 0.003), crowded(3, 0.003)):
        assert not any("at a time" in line for line in economy.lines(report(traffic)))
