"""A client that sends on behind a whole response, and one that takes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from plainwire.diagnose import diagnose
from tests.diagnose.wire import CLIENT, MS, Wire

if TYPE_CHECKING:
    from plainwire.model import Finding


def _uploaded(sent_until: float, left: float, protocol: str = "h2") -> list[Finding]:
    """A response at 100 ms to an upload that goes on until ``sent_until``; the client leaves at ``left``."""
    wire = Wire()
    exchange = wire.ask(0)
    request = exchange.request
    assert request is not None
    wire.answer(100, status=413)
    exchange.protocol, exchange.stream = protocol, 1 if protocol == "h2" else None
    request.complete, request.body_size = False, 65_536
    request.last_ns = request.time_ns + int(sent_until * MS)
    wire.close(CLIENT, "fin", left)
    connection = wire.done("complete")
    return [f for f in diagnose([connection]) if f.code == "early-response-stall"]


@pytest.mark.parametrize("protocol", ["h2", "http/1.1"])
def test_a_client_that_hangs_behind_a_whole_response_is_told_the_status_that_it_missed(protocol: str) -> None:
    (finding,) = _uploaded(400, 5_400, protocol)
    assert finding.fault == "client"
    assert "status 413" in finding.claim
    assert "5.000 s" in finding.claim


def test_a_client_that_stops_sending_and_leaves_at_once_took_the_response() -> None:
    assert not _uploaded(400, 420)


def test_a_client_that_sent_nothing_more_is_no_stall() -> None:
    assert not _uploaded(50, 5_400)
