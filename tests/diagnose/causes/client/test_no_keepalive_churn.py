"""The client opens a connection for each request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.diagnose.remarked import raced, remark
from tests.diagnose.wire import CLIENT, Wire

if TYPE_CHECKING:
    from plainwire.model import Connection


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
