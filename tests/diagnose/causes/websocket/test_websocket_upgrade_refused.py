"""A request for a WebSocket that was answered with something else."""

from __future__ import annotations

import pytest

from plainwire.diagnose import diagnose
from tests.diagnose.wire import Wire, only


def asked(status: int) -> Wire:
    wire = Wire()
    exchange = wire.ask(0, "/socket")
    assert exchange.request
    exchange.request.for_websocket = True
    wire.answer(80, status=status)
    return wire


@pytest.mark.parametrize(
    ("status", "fault"),
    [(200, "server"), (400, "server"), (426, "server"), (401, "unknown"), (403, "unknown"), (301, "both")],
)
def test_the_status_tells_whose_it_is(status: int, fault: str) -> None:
    finding = only(diagnose([asked(status).done()]))
    assert (finding.code, finding.fault) == ("websocket-upgrade-refused", fault)
    assert f"status {status} in place of 101" in finding.claim


def test_an_ordinary_request_with_that_status_is_none() -> None:
    wire = Wire()
    wire.ask(0)
    wire.answer(80, status=426)
    assert diagnose([wire.done()]) == []
