"""Alerts in answer to a ClientHello that told no name, or offered old versions only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from plainwire.diagnose import diagnose
from tests.diagnose.causes.handshake.greetings import greeted
from tests.diagnose.wire import CLIENT, SERVER, only

if TYPE_CHECKING:
    from plainwire.model import Finding


def _answered(alert: str, *, name: str | None, newest: int) -> Finding:
    opening = greeted()
    assert opening.tls is not None
    opening.tls.server_name, opening.tls.newest_offered, opening.tls.cipher_suite = name, newest, None
    opening.close(SERVER, "alert", 162, ack=517, detail=alert)
    return only(diagnose([opening.done()]))


def test_a_name_that_was_not_told_is_not_called_an_unknown_name() -> None:
    finding = _answered("unrecognized_name", name=None, newest=0x0304)
    assert (finding.code, finding.fault) == ("tls-alert-unrecognized-name", "client")
    assert "it was told none" in finding.claim
    assert "asked for" not in finding.claim


def test_a_name_that_was_told_is_the_one_that_is_not_known() -> None:
    finding = _answered("unrecognized_name", name="a.test", newest=0x0304)
    assert finding.fault == "unknown"
    assert "the name that the client asked for" in finding.claim


@pytest.mark.parametrize("alert", ["internal_error", "protocol_version", "handshake_failure"])
def test_what_is_answered_to_tls_1_1_only_is_about_the_version(alert: str) -> None:
    """OpenSSL 3 answers internal_error, since it has no signature for TLS 1.1 at its security level."""
    finding = _answered(alert, name="a.test", newest=0x0302)
    assert finding.fault == "client"
    assert "nothing newer than TLS 1.1" in finding.claim
    assert "nothing to do with the other side" not in finding.claim


def test_an_internal_error_in_answer_to_tls_1_3_stays_the_server_s() -> None:
    """nasty-project/nasty#276: Caddy without a certificate for the name that it was asked for."""
    finding = _answered("internal_error", name="a.test", newest=0x0304)
    assert finding.fault == "server"
    assert "no certificate for the name" in finding.claim
    assert "fallback_sni" in finding.advice_server


def test_an_internal_error_where_no_name_was_told_is_not_only_the_server_s() -> None:
    """caddyserver/caddy#7417, #6364: Caddy, asked by an address."""
    finding = _answered("internal_error", name=None, newest=0x0304)
    assert finding.fault == "unknown"
    assert "told no server name" in finding.claim
    assert "nothing to do with the other side" not in finding.claim
    assert "default_sni" in finding.advice_server


def test_an_address_is_no_server_name() -> None:
    """psf/requests#4178, rustls/rustls#1878."""
    finding = _answered("illegal_parameter", name="192.0.2.1", newest=0x0304)
    assert finding.fault == "client"
    assert "told an address" in finding.claim


def test_a_client_that_refuses_the_old_version_of_the_server_is_not_broken_inside() -> None:
    """openssl/openssl#19867: OpenSSL 3 says internal_error of a server that speaks TLS 1.0."""
    opening = greeted()
    assert opening.tls is not None
    opening.tls.version, opening.tls.cipher_suite = "TLS 1.0", "suite"
    opening.close(CLIENT, "alert", 170, ack=3000, detail="internal_error")
    finding = only(diagnose([opening.done()]))
    assert finding.fault == "server"
    assert "The server chose TLS 1.0" in finding.claim
