"""The other end had forgotten the connection."""

from __future__ import annotations

from tests.diagnose.causes.reuse.hangups import verdict
from tests.diagnose.wire import SERVER, Wire


def test_a_reset_without_ack_after_a_pause_is_a_connection_that_the_other_end_forgot() -> None:
    """What a host sends that was rebooted, and a load balancer that failed over."""
    wire = Wire()
    wire.ok(0)
    wire.ask(400_000)
    wire.close(SERVER, "rst", 400_080, bare=True)
    finding = verdict(wire)
    assert (finding.code, finding.fault) == ("half-open-connection", "unknown")
    assert finding.certainty == "likely"
    assert "nat-idle-reset: not excluded" in finding.runner_up
