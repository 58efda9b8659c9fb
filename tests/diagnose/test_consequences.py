"""A program that serves, and itself asks somebody else: what follows from what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import diagnose
from plainwire.model import Endpoint, ProgramConnection
from tests.diagnose.wire import CLIENT, SERVER, Wire

if TYPE_CHECKING:
    from plainwire.model import Connection

GATEWAY = 42
"""The process that serves one connection and asks on the other."""


def front(at: float = 0, took: float = 500, *, pid: int | None = GATEWAY) -> Connection:
    wire = Wire(id=1, start=at)
    wire.ask(0, "/page")
    wire.answer(took, status=502)
    connection = wire.done()
    connection.served_by = pid
    return connection


def upstream(at: float) -> Connection:
    """Reset 120 ms after it was asked."""
    wire = Wire(id=2, first_exchange=20, first_packet=200, start=at)
    wire.ask(0, "/part")
    wire.close(SERVER, "rst", 120)
    connection = wire.done("unanswered")
    connection.server = Endpoint("192.0.2.99", 9000)
    connection.program = ProgramConnection(GATEWAY, GATEWAY, "gunicorn")
    return connection


def codes(*connections: Connection) -> list[str]:
    return [finding.code for finding in diagnose(connections)]


def test_answer_that_encloses_the_failure_upstream_follows_from_it() -> None:
    (finding,) = diagnose([front(), upstream(100)])
    assert (finding.code, finding.exchanges) == ("reset-mid-request", [20])
    assert "Exchange 1, which the same process answered with status 502" in finding.claim
    assert {1, 2} <= set(finding.packets)  # the request that was served, and the answer: accounted for


def test_failure_after_the_answer_is_one_of_its_own() -> None:
    assert len(codes(front(), upstream(700))) == 2


def test_answer_of_a_gateway_that_gave_up_follows_though_it_closes_later() -> None:
    """http.client raises a timeout, the 504 leaves, and then the connection is closed."""
    wire = Wire(id=2, first_exchange=20, first_packet=200, start=100, rtt=1)
    wire.ask(0, "/part")
    wire.ack(SERVER, 1)
    wire.close(CLIENT, "fin", 402)
    behind = wire.done("aborted")
    behind.server = Endpoint("192.0.2.99", 9000)
    behind.program = ProgramConnection(GATEWAY, GATEWAY, "gunicorn")
    (finding,) = diagnose([front(), behind])
    assert (finding.code, finding.exchanges) == ("client-abort", [20])


def test_failure_of_another_process_is_one_of_its_own() -> None:
    assert len(codes(front(pid=7), upstream(100))) == 2
    assert len(codes(front(pid=None), upstream(100))) == 2
