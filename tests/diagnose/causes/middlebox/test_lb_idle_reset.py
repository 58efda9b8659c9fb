"""A box on the path reset the connection after a time without packets."""

from __future__ import annotations

from plainwire.diagnose import diagnose
from tests.diagnose.wire import SERVER, Wire, only


def test_a_load_balancer_s_reset_cuts_a_request_that_is_being_worked_on() -> None:
    wire = Wire()
    wire.ok(0)
    wire.ask(500)
    wire.ack(SERVER, 580)
    wire.close(SERVER, "rst", 300_580, ttl=255)
    finding = only(diagnose([wire.done("unanswered")]))
    assert (finding.code, finding.fault) == ("lb-idle-reset", "path")
    assert "Nothing had passed on the connection for 300.000 s" in finding.claim
    assert finding.retry_safe is True  # GET


def test_a_load_balancer_s_reset_of_an_idle_connection_crosses_the_request() -> None:
    wire = Wire()
    wire.ok(0)
    wire.ask(300_060, method="POST")
    wire.close(SERVER, "rst", 300_080, ttl=255)
    finding = only(diagnose([wire.done("unanswered")]))
    assert (finding.code, finding.fault, finding.retry_safe) == ("lb-idle-reset", "path", True)


def test_a_reset_after_long_silence_without_foreign_marks_is_not_a_load_balancer_s() -> None:
    wire = Wire()
    wire.ok(0)
    wire.ask(500)
    wire.ack(SERVER, 580)
    wire.close(SERVER, "rst", 300_580)
    assert only(diagnose([wire.done("unanswered")])).code == "reset-mid-request"
