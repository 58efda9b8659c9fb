"""What is worth knowing beside a failure, and only there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import diagnose
from tests.diagnose.wire import CLIENT, SERVER, Wire

if TYPE_CHECKING:
    from plainwire.model import Connection, Finding


def raced(hint: str = "") -> Connection:
    wire = Wire()
    response = wire.ok(0).response
    assert response is not None
    if hint:
        response.headers.append(("Keep-Alive", hint))
    wire.ask(1040)
    wire.close(SERVER, "close_notify", 1080)
    wire.close(SERVER, "fin", 1080)
    return wire.done("unanswered")


def idle(number: int, *, polite: bool = False) -> Connection:
    wire = Wire(id=number, first_exchange=10 * number, first_packet=100 * number)
    wire.ok(0)
    if polite:
        wire.close(SERVER, "close_notify", 2080)
    wire.close(SERVER, "fin", 2080)
    return wire.done()


def remark(code: str, *connections: Connection) -> Finding | None:
    return next((f for f in diagnose(connections) if f.code == code), None)


def test_a_close_without_close_notify_is_told_beside_a_failure() -> None:
    finding = remark("close-without-close-notify", raced(), idle(2), idle(3, polite=True))
    assert finding is not None
    assert (finding.failure, finding.connections, finding.exchanges) == (False, [2], [])


def test_where_nothing_failed_nothing_is_remarked() -> None:
    assert diagnose([idle(2), idle(3)]) == []


def test_a_failure_comes_before_what_is_only_remarked() -> None:
    found = [f.code for f in diagnose([raced(), idle(2), idle(3), idle(4)])]
    assert found[0] == "keepalive-idle-race"


def test_a_pause_longer_than_the_server_promised_is_told() -> None:
    finding = remark("keepalive-hint-ignored", raced("timeout=1, max=100"))
    assert finding is not None
    assert (finding.fault, finding.failure, finding.exchanges) == ("client", False, [2])
    assert "1.000 s" in finding.claim


def test_a_pause_within_the_promise_is_not() -> None:
    assert remark("keepalive-hint-ignored", raced("timeout=5")) is None
    assert remark("keepalive-hint-ignored", raced("max=7")) is None


def once(number: int, *, announced: bool = False) -> Connection:
    wire = Wire(id=number, first_exchange=10 * number, first_packet=100 * number)
    wire.ok(0, close=announced)
    wire.close(CLIENT, "fin", 90)
    return wire.done()


def test_a_connection_for_each_request_is_told_beside_a_failure() -> None:
    finding = remark("no-keepalive-churn", raced(), *(once(n) for n in range(2, 14)))
    assert finding is not None
    assert "12 of 13 connections" in finding.claim
    assert len(finding.connections) == 12


def test_a_server_that_wants_it_so_is_not_held_against_the_client() -> None:
    assert remark("no-keepalive-churn", raced(), *(once(n, announced=True) for n in range(2, 14))) is None
