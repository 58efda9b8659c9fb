"""The exchange failed, and nothing known fits. The facts, and no accusation."""

from __future__ import annotations

from plainwire.diagnose import diagnose
from tests.diagnose.causes.reuse.cuts import half
from tests.diagnose.causes.reuse.hangups import verdict
from tests.diagnose.wire import SERVER, Wire, only


def test_what_is_no_http_is_not_called_a_truncated_response() -> None:
    """An SSH server, or HTTP/0.9: the reader gives status 0."""
    wire = half(framing="unknown")
    response = wire.exchanges[-1].response
    assert response is not None
    response.status = 0
    wire.close(SERVER, "rst", 600)
    finding = only(diagnose([wire.done("truncated")]))
    assert (finding.code, finding.fault) == ("unexplained", "unknown")
    assert "no HTTP response" in finding.claim


def test_a_reset_without_ack_and_without_a_pause_before_it_is_unexplained() -> None:
    wire = Wire()
    wire.ask(0)
    wire.close(SERVER, "rst", 80, bare=True)
    finding = verdict(wire)
    assert (finding.code, finding.fault) == ("unexplained", "unknown")
    assert "NAT" in finding.runner_up
