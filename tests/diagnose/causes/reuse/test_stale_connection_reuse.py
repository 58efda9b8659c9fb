"""A request on a connection that the server had closed before."""

from __future__ import annotations

import pytest

from plainwire.diagnose import diagnose
from tests.diagnose.causes.reuse.policies import run
from tests.diagnose.wire import CLIENT, SERVER, Wire, only


def test_a_client_that_had_the_unannounced_close_before_it_sent_is_at_fault_itself() -> None:
    wire = Wire()
    at = run(wire, 2)
    wire.close(SERVER, "fin", at + 0.2)
    wire.ack(CLIENT, at + 0.3)
    wire.ask(at + 300)
    wire.close(SERVER, "rst", at + 380, bare=True)
    assert only(diagnose([wire.done("unanswered")])).code == "stale-connection-reuse"


def test_a_request_after_the_acknowledged_close_is_the_client_s_fault() -> None:
    wire = Wire()
    wire.ok(0)
    wire.close(SERVER, "close_notify", 1080)
    wire.close(SERVER, "fin", 1080)
    wire.ack(CLIENT, 1081)
    wire.ask(1300)
    wire.close(SERVER, "rst", 1380, bare=True)
    finding = only(diagnose([wire.done("unanswered")]))
    assert (finding.code, finding.fault, finding.certainty) == ("stale-connection-reuse", "client", "proved")
    assert "220 ms before the client sent its request" in finding.claim
    assert finding.retry_safe is True


def test_a_program_that_was_a_little_late_to_notice_is_only_likely_at_fault() -> None:
    wire = Wire()
    wire.ok(0)
    wire.close(SERVER, "fin", 1080)
    wire.ask(1090)
    finding = only(diagnose([wire.done("unanswered")]))
    assert (finding.code, finding.certainty) == ("stale-connection-reuse", "likely")


@pytest.mark.parametrize(("margin", "code"), [(4.0, "keepalive-idle-race"), (6.0, "stale-connection-reuse")])
def test_a_program_is_excused_for_the_first_milliseconds_after_the_close(margin: float, code: str) -> None:
    wire = Wire()
    wire.ok(0)
    wire.close(SERVER, "fin", 1080)
    wire.ask(1080 + margin)
    assert only(diagnose([wire.done("unanswered")])).code == code
