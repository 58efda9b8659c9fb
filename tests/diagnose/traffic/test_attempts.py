"""How often requests failed on the wire, beside what the program was told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from plainwire.diagnose import diagnose
from plainwire.diagnose.traffic.attempts import attempts
from tests.diagnose.wire import SERVER, Wire

if TYPE_CHECKING:
    from plainwire.model import Attempts, Connection


def failing(number: int, at: float, *, method: str = "GET") -> Connection:
    """A connection with a healthy exchange, and one that the server resets 120 ms after it was asked."""
    wire = Wire(id=number, first_exchange=10 * number, first_packet=100 * number, start=at)
    wire.ok(0, f"/first-{number}")
    wire.ask(1000, "/object", method=method, digest=7)
    wire.close(SERVER, "rst", 1120)
    return wire.done("unanswered")


def answered(number: int, at: float, *, method: str = "GET") -> Connection:
    wire = Wire(id=number, first_exchange=10 * number, first_packet=100 * number, start=at)
    wire.ask(0, "/object", method=method, digest=7)
    wire.answer(80)
    return wire.done()


def total(*connections: Connection) -> Attempts:
    found = attempts(connections, diagnose(connections))
    assert found is not None
    return found


def test_healthy_traffic_has_no_totals() -> None:
    assert attempts([answered(1, 0)], []) is None


def test_failure_that_a_repetition_made_good_is_hidden() -> None:
    found = total(failing(1, 0), answered(2, 1121))
    assert (found.sent, found.failed, found.repeated, found.hidden, found.asked) == (3, 1, 1, 1, 2)
    assert found.rate == pytest.approx(1 / 3)
    assert found.seen_rate == 0.0
    assert found.backoff.startswith("at once")


def test_failure_without_a_repetition_is_what_the_program_sees() -> None:
    found = total(failing(1, 0))
    assert (found.repeated, found.hidden, found.asked) == (0, 0, 2)
    assert found.rate == found.seen_rate == pytest.approx(1 / 2)


def test_several_failures_in_a_row_hidden_by_the_last_repetition_and_its_pauses_named() -> None:
    """python-swiftclient pauses 1, 2, 4, ... s; each attempt begins 1,000 ms into its connection."""
    found = total(failing(1, 0), failing(2, 1120), failing(3, 3240), answered(4, 8360))
    assert (found.failed, found.repeated, found.hidden) == (3, 3, 3)
    assert "swiftclient" in found.backoff


def test_unsafe_repetition_of_what_the_server_had_may_have_run_twice() -> None:
    assert total(failing(1, 0, method="POST"), answered(2, 1121, method="POST")).perhaps_twice == 1
    assert total(failing(1, 0), answered(2, 1121)).perhaps_twice == 0


def test_program_that_asks_again_by_itself_is_not_said_to_repeat() -> None:
    """It asks for the same object as quickly where nothing failed."""
    wire = Wire(id=1, first_exchange=1)
    for at in (0, 100, 200, 300):
        wire.ok(at)
    wire.ask(400)
    wire.close(SERVER, "rst", 520)
    later = answered(2, 540)
    for exchange in later.exchanges:
        assert exchange.request is not None
        exchange.request.body_digest = None
    assert total(wire.done("unanswered"), later).repeated == 0


def test_a_status_that_was_repeated_with_success_is_a_failed_attempt() -> None:
    wire = Wire(id=1)
    wire.ask(0, "/object")
    wire.answer(80, status=503)
    wire.ask(200, "/object")
    wire.answer(280)
    found = total(wire.done())
    assert (found.sent, found.failed, found.asked, found.lost) == (2, 1, 1, 0)


def test_an_operation_that_failed_in_the_end_is_what_the_program_sees() -> None:
    """Go's SDK says which attempts are one operation."""
    first, second = failing(1, 0), failing(2, 1500)
    for number, connection in enumerate((first, second), 1):
        request = connection.exchanges[-1].request
        assert request is not None
        request.headers = [
            *request.headers,
            ("amz-sdk-invocation-id", "a"),
            ("amz-sdk-request", f"attempt={number}; max=2"),
        ]
    found = total(first, second)
    assert (found.failed, found.repeated, found.hidden, found.asked, found.lost) == (2, 1, 0, 3, 1)
