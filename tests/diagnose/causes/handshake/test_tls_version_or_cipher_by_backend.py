"""One address of a name refuses what the others accept."""

from __future__ import annotations

from plainwire.diagnose import diagnose
from plainwire.model import (
    Connection,
    Endpoint,
    TlsInfo,
)
from tests.diagnose.causes.handshake.greetings import accepting
from tests.diagnose.opening import Opening
from tests.diagnose.wire import SERVER


def refused_by(number: int, server: Endpoint) -> Connection:
    opening = Opening(number, server=server).syn(0).accept().hello(81)
    opening.tls = TlsInfo(server_name="api.example")
    opening.close(SERVER, "alert", 161, ack=517, detail="protocol_version")
    return opening.done()


def test_one_address_that_refuses_what_the_others_accept() -> None:
    bad = [refused_by(number, Endpoint("203.0.113.9", 443)) for number in range(1, 6)]
    good = [accepting(number, b"") for number in range(20, 30)]
    findings = {finding.code: finding for finding in diagnose([*bad, *good])}
    assert "All 5 handshakes" in findings["tls-version-or-cipher-by-backend"].claim
