"""The server had the request and closed the connection without an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from plainwire.diagnose import diagnose
from tests.diagnose.causes.reuse.hangups import verdict
from tests.diagnose.wire import CLIENT, SERVER, Wire, only

if TYPE_CHECKING:
    from plainwire.model import CloseKind, Finding


@pytest.mark.parametrize(("kind", "sure"), [("close_notify", "proved"), ("fin", "likely")])
def test_an_orderly_close_with_the_request_acknowledged_is_the_server_s(kind: CloseKind, sure: str) -> None:
    wire = Wire()
    wire.ok(0)
    wire.ask(500)
    wire.close(SERVER, kind, 580)
    finding = verdict(wire)
    assert (finding.code, finding.fault, finding.certainty) == ("close-mid-request", "server", sure)


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


def test_the_client_s_own_close_after_the_server_s_changes_nothing() -> None:
    wire = Wire()
    wire.ok(0)
    wire.ask(500)
    wire.close(SERVER, "fin", 580)
    wire.close(CLIENT, "fin", 580.2)
    assert verdict(wire).code == "close-mid-request"


def _half_closed(at: float) -> Finding:
    """In clear text; the client's FIN comes so many ms after its request, the server's 1 ms later."""
    wire = Wire(tls=False, rtt=0.2)
    wire.ask(0)
    wire.close(CLIENT, "fin", at)
    wire.close(SERVER, "fin", at + 1)
    connection = wire.done("aborted")
    connection.tls = None
    return only(diagnose([connection]))


def test_a_half_close_that_the_server_takes_for_an_abort() -> None:
    finding = _half_closed(0.3)
    assert (finding.code, finding.fault, finding.certainty) == ("close-mid-request", "both", "likely")
    assert "a half-close" in finding.claim


def test_a_client_that_waits_before_it_closes_has_given_up() -> None:
    assert _half_closed(700).code == "client-abort"


@pytest.mark.parametrize(("size", "at", "fault"), [(9000, 580, "unknown"), (90, 580, "server")])
def test_a_server_that_closes_at_once_on_a_large_header_may_have_its_reason(
    size: int, at: float, fault: str
) -> None:
    """Tornado says nothing where a header is above its limit."""
    wire = Wire()
    wire.ok(0)
    request = wire.ask(500).request
    assert request is not None
    request.headers = [("Cookie", "a" * size)]
    wire.close(SERVER, "close_notify", at)
    finding = verdict(wire)
    assert (finding.code, finding.fault) == ("close-mid-request", fault)
    assert ("above their limit" in finding.claim) is (fault == "unknown")
