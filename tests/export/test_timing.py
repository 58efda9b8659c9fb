"""Phases of exchanges, from packets that come a millisecond apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.export.timing import Phases, phases
from tests.export.case import BEGIN, STEP

if TYPE_CHECKING:
    from plainwire.model import Report


def of(report: Report, number: int) -> Phases | None:
    exchange = report.exchanges[number]
    connection = next(c for c in report.connections if c.id == exchange.connection)
    return phases(exchange, connection)


def test_the_first_exchange_of_a_connection_has_its_handshakes(report: Report) -> None:
    """SYN, SYN-ACK, ACK, ClientHello, ServerHello to Finished, Finished: a packet each."""
    found = of(report, 0)
    assert found is not None
    assert (found.begin_ns, found.connect, found.tls) == (BEGIN, STEP, 4 * STEP)
    request = report.exchanges[0].request
    assert request is not None
    assert found.begin_ns + (found.connect or 0) + (found.tls or 0) + found.blocked == request.time_ns


def test_a_request_without_a_response_waits_until_the_connection_ends(report: Report) -> None:
    found = of(report, 1)
    assert found is not None
    assert (found.connect, found.tls, found.blocked, found.wait, found.receive) == (
        STEP,
        None,
        2 * STEP,
        STEP,
        0,
    )
    assert found.total == 4 * STEP
