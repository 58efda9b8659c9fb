"""The server had the request, and the connection ended without a byte of response."""

from __future__ import annotations

import pytest

from plainwire.diagnose import diagnose
from plainwire.model import CloseKind, Connection, Endpoint, Finding
from tests.diagnose.wire import CLIENT, MS, SERVER, Wire, only


def reset(ttl: int | None = None) -> Wire:
    wire = Wire()
    wire.ok(0)
    wire.ask(500)
    wire.close(SERVER, "rst", 580, ttl=ttl)
    return wire


def verdict(wire: Wire) -> Finding:
    return only(diagnose([wire.done("unanswered")]))


def test_the_lab_s_marks_of_a_reset_in_mid_request() -> None:
    """RST, ACK with Ack=788, request 689 to 788 in the lab's numbers: a server that set SO_LINGER to 0."""
    wire = Wire(rtt=81)
    wire.ask(0, size=688)
    wire.answer(81)
    request = wire.ask(500, size=99).request
    close = wire.close(SERVER, "rst", 600)
    assert request is not None
    assert (request.start + 1, request.end + 1, (close.ack or 0) + 1) == (689, 788, 788)
    assert verdict(wire).code == "reset-mid-request"


def test_a_reset_from_afar_is_only_likely_the_server_s_though_it_had_the_request() -> None:
    finding = verdict(reset())
    assert (finding.code, finding.fault, finding.certainty) == ("reset-mid-request", "server", "likely")
    assert "had acknowledged the whole request" in finding.claim


def test_on_one_host_nothing_else_can_have_sent_the_reset() -> None:
    wire = Wire(client=Endpoint("127.0.0.1", 40000), server=Endpoint("127.0.0.1", 8443), rtt=0.05)
    wire.ok(0)
    wire.ask(500)
    wire.close(SERVER, "rst", 501)
    assert verdict(wire).certainty == "proved"


def test_a_reset_without_ack_after_an_acknowledged_request_accuses_nobody() -> None:
    wire = Wire()
    wire.ok(0)
    wire.ask(500)
    wire.ack(SERVER, 580)
    wire.close(SERVER, "rst", 900, bare=True)
    finding = verdict(wire)
    assert (finding.code, finding.fault, finding.certainty) == ("reset-mid-request", "unknown", "possible")


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


def test_a_reset_without_ack_and_without_a_pause_before_it_is_unexplained() -> None:
    wire = Wire()
    wire.ask(0)
    wire.close(SERVER, "rst", 80, bare=True)
    finding = verdict(wire)
    assert (finding.code, finding.fault) == ("unexplained", "unknown")
    assert "NAT" in finding.runner_up


@pytest.mark.parametrize("kind", ["close_notify", "fin"])
def test_an_orderly_close_with_the_request_acknowledged_is_the_server_s(kind: CloseKind) -> None:
    wire = Wire()
    wire.ok(0)
    wire.ask(500)
    wire.close(SERVER, kind, 580)
    finding = verdict(wire)
    assert (finding.code, finding.fault, finding.certainty) == ("close-mid-request", "server", "proved")


def test_a_reset_at_the_heels_of_the_close_is_told_because_programs_may_report_it_instead() -> None:
    wire = Wire()
    wire.ok(0)
    wire.ask(500)
    wire.close(SERVER, "close_notify", 580)
    wire.close(SERVER, "fin", 580)
    wire.close(SERVER, "rst", 580.1)
    finding = verdict(wire)
    assert finding.code == "close-mid-request"
    assert "A reset followed 0.10 ms later" in finding.claim
    assert 6 in finding.packets


@pytest.mark.parametrize("kind", ["fin", "rst"])
def test_a_server_is_not_accused_of_leaving_a_broken_request_unanswered(kind: CloseKind) -> None:
    wire = Wire()
    wire.ok(0)
    request = wire.ask(500).request
    assert request is not None
    request.defects = ["two Content-Length fields"]
    wire.close(SERVER, kind, 580)
    finding = verdict(wire)
    assert finding.fault == "unknown"
    assert "breaks the rules" in finding.claim


def test_how_long_the_server_had_the_request_before_it_closed_is_told() -> None:
    """A round number here is a backend's timeout."""
    wire = Wire()
    wire.ok(0)
    wire.ask(500)
    wire.ack(SERVER, 580)
    wire.close(SERVER, "fin", 30_580)
    assert "30.000 s after acknowledging it" in verdict(wire).claim


@pytest.mark.parametrize(
    ("detail", "fault"), [("internal_error", "server"), ("unexpected_message", "unknown")]
)
def test_an_alert_complains_about_the_peer_unless_it_is_internal_error(detail: str, fault: str) -> None:
    wire = Wire()
    wire.ok(0)
    wire.ask(500)
    wire.close(SERVER, "alert", 580, detail=detail)
    finding = verdict(wire)
    assert (finding.code, finding.fault) == ("close-mid-request", fault)
    assert detail in finding.claim


@pytest.mark.parametrize(
    ("method", "safe"), [("GET", True), ("PUT", True), ("POST", False), ("PATCH", False)]
)
def test_only_an_idempotent_request_may_be_repeated_after_the_server_had_it(
    method: str, *, safe: bool
) -> None:
    wire = Wire()
    wire.ok(0)
    wire.ask(500, method=method)
    wire.close(SERVER, "rst", 580)
    assert verdict(wire).retry_safe is safe


def upload(quiet: float) -> Connection:
    """A request of 50,000 bytes of which 10,000 had arrived when the server reset the connection."""
    wire = Wire()
    wire.ok(0)
    request = wire.ask(500, method="PUT", size=50_000, complete=True).request
    assert request is not None
    request.last_ns += int(60 * MS)
    wire.close(SERVER, "rst", 580 + quiet, ack=request.start + 10_000)
    return wire.done("unanswered")


def test_a_reset_during_the_upload_tells_how_much_had_arrived() -> None:
    finding = only(diagnose([upload(0)]))
    assert (finding.code, finding.fault) == ("reset-mid-request", "server")
    assert "only the first 10000 of 50000 bytes" in finding.claim


def test_a_reset_after_the_upload_had_stalled_accuses_nobody() -> None:
    assert only(diagnose([upload(5000)])).fault == "unknown"


def test_a_reset_beyond_the_last_byte_seen_is_no_proof_that_no_answer_was_sent() -> None:
    wire = Wire()
    wire.ok(0)
    wire.ask(500)
    wire.close(SERVER, "rst", 580, seq=700)
    assert verdict(wire).code == "capture-artifact"


def test_the_client_s_own_close_after_the_server_s_changes_nothing() -> None:
    wire = Wire()
    wire.ok(0)
    wire.ask(500)
    wire.close(SERVER, "fin", 580)
    wire.close(CLIENT, "fin", 580.2)
    assert verdict(wire).code == "close-mid-request"
