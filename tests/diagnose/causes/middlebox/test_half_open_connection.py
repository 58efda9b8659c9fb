"""The other end had forgotten the connection."""

from __future__ import annotations

import pytest

from plainwire.diagnose import diagnose
from tests.diagnose.causes.middlebox.idle_streams import multiplexed
from tests.diagnose.causes.reuse.hangups import verdict
from tests.diagnose.wire import CLIENT, SERVER, Wire, only


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


@pytest.mark.parametrize(
    ("ttl", "code", "fault"), [(57, "half-open-connection", "unknown"), (250, "nat-idle-reset", "path")]
)
def test_a_reset_that_answers_the_first_data_after_a_pause(ttl: int, code: str, fault: str) -> None:
    wire = Wire()
    wire.ok(0)
    exchange = wire.ask(5080, method="POST")
    exchange.outcome = "unanswered"
    wire.close(SERVER, "rst", 5161, bare=True, ttl=ttl)
    finding = only(diagnose([multiplexed(wire)]))
    assert (finding.code, finding.fault, finding.retry_safe) == (code, fault, True)
    assert "5.000 s" in finding.claim


def test_a_stream_that_was_open_all_the_while_died_with_its_connection() -> None:
    wire = Wire()
    exchange = wire.ask(0, "/watch", method="POST")
    wire.answer(80, complete=False, declared=None, framing="stream")
    wire.segment(CLIENT, 9080, length=17)  # a PING
    exchange.outcome = "truncated"
    wire.close(SERVER, "rst", 9160, bare=True)
    finding = only(diagnose([multiplexed(wire)]))
    assert finding.code == "half-open-connection"
    assert "idle for 9.000 s with this stream open" in finding.claim


def test_a_reset_in_the_middle_of_traffic_is_no_matter_of_idleness() -> None:
    wire = Wire()
    wire.ok(0)
    exchange = wire.ask(120)
    exchange.outcome = "unanswered"
    wire.close(SERVER, "rst", 201, bare=True)
    assert only(diagnose([multiplexed(wire)])).code == "h2-close-without-goaway"
