"""What a healthy run may still want to know."""

from __future__ import annotations

from plainwire.model import CloseEvent, Coverage, Finding, Report, Side
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
