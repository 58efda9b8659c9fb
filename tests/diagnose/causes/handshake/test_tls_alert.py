"""A fatal alert ended the handshake, or came just after it. It names itself."""

from __future__ import annotations

import pytest

from plainwire.diagnose import CAUSES, diagnose
from plainwire.model import (
    Certificate,
)
from tests.diagnose.causes.handshake.greetings import DAY_NS, greeted, refusing
from tests.diagnose.opening import Opening
from tests.diagnose.wire import CLIENT, EPOCH_NS, SERVER, Wire, only


def test_an_alert_names_itself() -> None:
    opening = greeted()
    opening.close(SERVER, "alert", 162, ack=517, detail="handshake_failure")
    opening.close(SERVER, "fin", 162, seq=7, ack=517)
    finding = only(diagnose([opening.done()]))
    assert (finding.code, finding.certainty) == ("tls-alert-handshake-failure", "likely")
    assert "not encrypted" in finding.claim


@pytest.mark.parametrize(("name", "fault"), [("internal_error", "server"), ("protocol_version", "unknown")])
def test_only_internal_error_is_a_confession(name: str, fault: str) -> None:
    opening = greeted()
    opening.close(SERVER, "alert", 162, ack=517, detail=name)
    assert only(diagnose([opening.done()])).fault == fault


def test_an_alert_is_told_where_the_capture_has_a_part_of_the_handshake() -> None:
    begun_late = refusing("unknown_ca")
    begun_late.mid_stream = True
    one_sided = Opening().syn(0).hello(81)
    one_sided.close(CLIENT, "alert", 166, seq=517, ack=3000, detail="unknown_ca")
    for connection in (begun_late, one_sided.done()):
        finding = only(diagnose([connection]))
        assert (finding.code, finding.certainty == "proved") == ("tls-alert-unknown-ca", False)
        assert "before the server said a word" not in finding.claim


def test_an_alert_without_a_registered_name_has_its_code() -> None:
    opening = greeted()
    opening.close(SERVER, "alert", 162, ack=517, detail="alert 200")
    assert only(diagnose([opening.done()])).code == "tls-alert-other"
    assert "tls-alert-unknown-ca" in CAUSES


def test_an_expired_certificate_is_the_server_s_and_the_alert_that_was_decrypted_proves_it() -> None:
    leaf = Certificate(not_before_ns=0, not_after_ns=EPOCH_NS - 3 * DAY_NS)
    finding = only(diagnose([refusing("certificate_expired", leaf)]))
    assert (finding.code, finding.fault, finding.certainty) == (
        "tls-alert-certificate-expired",
        "server",
        "proved",
    )
    assert "3 days before" in finding.claim


@pytest.mark.parametrize(
    ("detail", "code"),
    [("certificate_required", "tls-alert-certificate-required"), ("bad_record_mac", "bad-record-mac")],
)
def test_an_alert_about_the_handshake_may_come_when_the_request_has_left(detail: str, code: str) -> None:
    wire = Wire()
    wire.ask(0)
    wire.close(SERVER, "alert", 80, detail=detail)
    finding = only(diagnose([wire.done("unanswered")]))
    assert (finding.code, finding.certainty, finding.exchanges) == (code, "proved", [1])


def test_after_an_answer_such_an_alert_is_not_about_the_handshake() -> None:
    wire = Wire()
    wire.ok(0)
    wire.ask(500)
    wire.close(SERVER, "alert", 580, detail="handshake_failure")
    assert only(diagnose([wire.done("unanswered")])).code == "close-mid-request"


def test_a_retry_is_useless_where_the_alert_met_every_attempt() -> None:
    refused = greeted()
    refused.close(SERVER, "alert", 162, ack=517, detail="certificate_required")
    alone = only(diagnose([refused.done()]))
    assert (alone.retry_safe, alone.retry_useful) == (True, False)
    healthy = Wire(id=2)
    healthy.ok(0)
    assert only(diagnose([refused.done(), healthy.done()])).retry_useful is None
    shaken = greeted()
    shaken.close(SERVER, "alert", 162, ack=517, detail="internal_error")
    assert only(diagnose([shaken.done()])).retry_useful is None


@pytest.mark.parametrize(
    ("issuer", "product"),
    [("O=mitmproxy,CN=mitmproxy", "mitmproxy"), ("CN=Zscaler Root CA", "Zscaler"), ("CN=Play CA", "")],
)
def test_an_interceptor_is_named_by_the_issuer_of_its_certificate(issuer: str, product: str) -> None:
    """mitmproxy/mitmproxy#2547: a client that was not given its authority."""
    leaf = Certificate(subject="CN=api.example", issuer=issuer, names=("api.example",))
    finding = only(diagnose([refusing("unknown_ca", leaf)]))
    assert finding.code == "tls-alert-unknown-ca"
    assert ("opens TLS on the way" in finding.claim) is bool(product)
    assert [quote.text for quote in finding.quotes] == ([issuer] if product else [])
    assert (f"the authority of {product}," in finding.advice_client) is bool(product)
