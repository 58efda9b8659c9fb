"""A client that had the whole response and asked again, and one that polls."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from plainwire.diagnose import diagnose
from tests.diagnose.wire import CLIENT, Wire

if TYPE_CHECKING:
    from plainwire.model import Connection, Finding


def _attempt(
    number: int, method: str, start: float, headers: tuple[tuple[str, str], ...] = (), *, left: float = 4_100
) -> Connection:
    wire = Wire(id=number, start=start, first_exchange=number * 10, first_packet=number * 100)
    request = wire.ask(0).request
    assert request is not None
    request.method = method
    request.headers += headers
    wire.answer(100)
    wire.close(CLIENT, "fin", left)
    return wire.done("complete")


def _found(*connections: Connection) -> list[Finding]:
    return [f for f in diagnose(connections) if f.code == "response-not-taken"]


def test_a_put_that_goes_out_again_when_its_whole_response_was_waited_on_is_told() -> None:
    (finding,) = _found(_attempt(1, "PUT", 0), _attempt(2, "PUT", 4_300, left=200))
    assert (finding.fault, finding.certainty) == ("client", "possible")
    assert finding.exchanges == [10, 20]
    assert "complete" in finding.claim


def test_a_header_that_says_that_both_are_one_operation_makes_it_likely() -> None:
    same = (("amz-sdk-invocation-id", "4711"),)
    (finding,) = _found(_attempt(1, "GET", 0, same), _attempt(2, "GET", 4_300, same, left=200))
    assert finding.certainty == "likely"


@pytest.mark.parametrize(
    ("method", "left", "again"), [("GET", 4_100, 4_300), ("PUT", 150, 4_300), ("PUT", 4_100, 9_000)]
)
def test_polls_clients_that_leave_at_once_and_later_requests_are_none(
    method: str, left: float, again: float
) -> None:
    assert not _found(_attempt(1, method, 0, left=left), _attempt(2, method, again, left=200))
