"""A certificate for the server's name by an issuer that the client does not know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import diagnose
from plainwire.model import ACK, SYN, Certificate, TlsInfo
from tests.diagnose.wire import CLIENT, SERVER, Wire

if TYPE_CHECKING:
    from plainwire.model import Connection

REAL = Certificate("CN=api.example", "CN=Public Authority", ("api.example",), 1, 1 << 62)
MINTED = Certificate("CN=api.example", "CN=Company Proxy", ("api.example",), 1, 1 << 62)
DEFAULT = Certificate("CN=ingress", "CN=ingress", ("ingress.local",), 1, 1 << 62)


def refused(leaf: Certificate, detail: str = "unknown_ca") -> Connection:
    wire = Wire()
    wire.segment(CLIENT, -80, flags=SYN, seq=-1, ack=-1)
    wire.segment(SERVER, -1, flags=SYN | ACK, seq=-1, ack=0)
    wire.segment(CLIENT, 0, length=500)
    wire.segment(SERVER, 80, length=3000)
    wire.close(CLIENT, "alert", 81, detail=detail)
    wire.close(CLIENT, "fin", 81)
    connection = wire.done()
    connection.tls = TlsInfo("TLS 1.3", server_name="api.example", certificate=b"other", leaf=leaf)
    connection.decrypted = False
    return connection


def accepted(number: int = 2, leaf: Certificate = REAL) -> Connection:
    wire = Wire(id=number, first_exchange=10 * number, first_packet=100 * number)
    wire.ok(0)
    connection = wire.done()
    connection.tls = TlsInfo(
        "TLS 1.3", server_name="api.example", handshake_complete=True, certificate=b"real", leaf=leaf
    )
    return connection


def test_a_certificate_made_for_the_name_by_an_unknown_issuer_is_likely_an_interceptor_s() -> None:
    (finding,) = diagnose([refused(MINTED), accepted(2), accepted(3)])
    assert (finding.code, finding.fault, finding.certainty) == ("tls-interception", "path", "likely")
    assert "on 2 connections" in finding.claim
    assert "Company" not in finding.claim


def test_a_server_s_certificate_of_last_resort_is_its_own() -> None:
    assert [f.code for f in diagnose([refused(DEFAULT), accepted()])] != ["tls-interception"]


def test_where_no_other_certificate_was_accepted_nothing_is_said_of_interception() -> None:
    assert all(f.code != "tls-interception" for f in diagnose([refused(MINTED)]))
    both = diagnose([refused(MINTED), accepted(2), accepted(3, MINTED)])
    assert all(f.code != "tls-interception" for f in both)


def test_a_complaint_about_something_else_is_no_distrust() -> None:
    found = diagnose([refused(MINTED, "decode_error"), accepted()])
    assert all(f.code != "tls-interception" for f in found)
