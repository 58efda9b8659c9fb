"""The connection was ended in the TLS handshake, without a word."""

from __future__ import annotations

import pytest

from plainwire.diagnose import diagnose
from plainwire.model import (
    ACK,
    PSH,
    TlsInfo,
    Undecrypted,
)
from tests.diagnose.causes.handshake.greetings import greeted
from tests.diagnose.wire import CLIENT, SERVER, only


@pytest.mark.parametrize("kind", ["fin", "rst"])
def test_an_end_without_a_word_after_the_hello(kind: str) -> None:
    opening = greeted()
    opening.close(SERVER, "fin" if kind == "fin" else "rst", 300, ack=517)
    finding = only(diagnose([opening.done()]))
    assert (finding.code, finding.fault, finding.certainty) == ("handshake-reset", "server", "likely")
    assert "acknowledges the whole ClientHello" in finding.claim


def test_what_the_client_says_after_the_server_s_close_is_not_the_cause() -> None:
    opening = greeted()
    opening.close(SERVER, "fin", 300, ack=517)
    opening.close(CLIENT, "alert", 301, seq=517, ack=1, detail="decode_error")
    finding = only(diagnose([opening.done()]))
    assert finding.code == "handshake-reset"
    assert "517 bytes" in finding.evidence[0].says


def test_a_client_that_hangs_up_at_once_has_no_quarrel_with_the_server() -> None:
    opening = greeted()
    opening.close(CLIENT, "fin", 400, seq=517)
    assert diagnose([opening.done()]) == []


def test_without_keys_what_follows_the_server_s_hello_says_nothing() -> None:
    opening = greeted()
    opening.tls = TlsInfo("TLS 1.3", "suite")
    opening.segment(SERVER, 165, ACK | PSH, ack=517, length=3000)
    opening.close(SERVER, "fin", 300, seq=3000, ack=900)
    connection = opening.done()
    connection.undecrypted.append(Undecrypted("no secrets", None))
    assert diagnose([connection]) == []
