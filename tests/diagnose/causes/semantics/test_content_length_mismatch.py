"""Bytes behind a response that belong to none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from plainwire.diagnose import diagnose
from tests.diagnose.wire import CLIENT, Wire, only

if TYPE_CHECKING:
    from plainwire.model import Connection


def junk(*, status: int, defect: str, complete: bool) -> Connection:
    wire = Wire()
    wire.ok(0)
    wire.ask(500)
    response = wire.answer(580, status=status, complete=complete).response
    assert response is not None
    response.defects = [defect]
    if not complete:
        wire.close(CLIENT, "fin", 590)
    return wire.done("complete" if complete else "aborted")


@pytest.mark.parametrize("complete", [True, False])
def test_bytes_behind_the_announced_end_are_the_fault_of_the_response_before(*, complete: bool) -> None:
    where = "before the status line belong to no message" if complete else "that are no response"
    text = f"17 bytes {where}: xxx"
    finding = only(diagnose([junk(status=200 if complete else 0, defect=text, complete=complete)]))
    assert (finding.code, finding.fault, finding.failure) == (
        "content-length-mismatch",
        "server",
        not complete,
    )
    assert finding.exchanges == [1, 2]
    assert "17 more bytes" in finding.claim


@pytest.mark.parametrize(("method", "status", "says"), [("HEAD", 404, "HEAD"), ("DELETE", 204, "204")])
def test_a_body_where_none_may_be_is_called_that(method: str, status: int, says: str) -> None:
    wire = Wire()
    wire.ok(0)
    exchange = wire.ask(500)
    assert exchange.request is not None
    exchange.request.method = method
    wire.answer(580, status=status, framing="none", declared=None, body=0)
    wire.ask(1000)
    response = wire.answer(1080).response
    assert response is not None
    response.defects = ["39 bytes before the status line belong to no message: {}"]
    finding = only(diagnose([wire.done()]))
    assert (finding.code, finding.fault) == ("bad-framing", "server")
    assert says in finding.claim
    assert "more than it had announced" not in finding.claim


@pytest.mark.parametrize(
    "defect", ["1 byte that is no response: x", "1 byte before the status line belongs to no message: x"]
)
def test_a_single_byte_counts_as_well(defect: str) -> None:
    finding = only(diagnose([junk(status=200, defect=defect, complete=True)]))
    assert finding.code == "content-length-mismatch"
    assert "1 more byte that belongs to no response" in finding.claim
