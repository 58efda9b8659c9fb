"""A client certificate that HTTP refused, and refusals for other reasons."""

from __future__ import annotations

from plainwire.diagnose import diagnose
from plainwire.model import Certificate, CloseKind, Connection, Finding
from tests.diagnose.wire import EPOCH_NS, SERVER, Wire

_DAY_NS = 86_400 * 10**9


def _answered(
    status: int, certificate: bytes = b"", leaf: Certificate | None = None, *, number: int = 1
) -> Connection:
    wire = Wire(id=number, start=number * 1000, first_exchange=number * 10, first_packet=number * 100)
    wire.ask(0)
    wire.answer(90, status=status)
    connection = wire.done()
    tls = connection.tls
    assert tls is not None
    tls.certificate_asked = True
    tls.certificate_withheld = not certificate
    tls.client_certificate, tls.client_leaf = certificate, leaf
    return connection


def _found(*connections: Connection) -> list[Finding]:
    return [f for f in diagnose(connections) if f.code == "client-certificate-rejected"]


def test_a_refusal_of_a_client_without_a_certificate_is_told() -> None:
    (finding,) = _found(_answered(400))
    assert (finding.fault, finding.certainty) == ("client", "likely")
    assert "sent none" in finding.claim


def test_an_expired_certificate_is_named_with_its_age() -> None:
    old = Certificate("CN=me", "CN=CA", (), 0, EPOCH_NS - 28 * _DAY_NS)
    (finding,) = _found(_answered(400, b"old", old))
    assert "expired 28 days before" in finding.claim


def test_the_same_request_with_another_certificate_that_is_accepted_decides() -> None:
    fine = Certificate("CN=me", "CN=CA", (), 0, EPOCH_NS + 28 * _DAY_NS)
    (finding,) = _found(_answered(403, b"a", fine), _answered(200, b"b", fine, number=2))
    assert "connection 2" in finding.claim


def test_one_that_accepted_the_same_certificate_is_no_contrast_whichever_came_first() -> None:
    fine = Certificate("CN=me", "CN=CA", (), 0, EPOCH_NS + 28 * _DAY_NS)
    accepted = [_answered(200, shown, fine, number=n) for n, shown in enumerate((b"a", b"a", b"b"), 1)]
    found = _found(*accepted, _answered(403, b"a", fine, number=4), _answered(403, b"b", fine, number=5))
    claims = " ".join(finding.claim for finding in found)
    assert "on connection 3." in claims
    assert not _found(*accepted[:2], _answered(403, b"a", fine, number=4))


def test_a_plain_400_with_a_good_certificate_is_not_about_the_certificate() -> None:
    fine = Certificate("CN=me", "CN=CA", (), 0, EPOCH_NS + 28 * _DAY_NS)
    assert not _found(_answered(400, b"a", fine))


def test_a_404_without_a_certificate_is_not_about_the_certificate() -> None:
    assert not _found(_answered(404))


def test_a_lone_certificate_of_an_authority_that_the_server_did_not_name_is_told() -> None:
    """By nginx, which takes it in the handshake and answers 400 (kubernetes/ingress-nginx#4677)."""
    fine = Certificate("CN=me", "CN=Other", (), 0, EPOCH_NS + 28 * _DAY_NS)
    connection = _answered(400, b"issuer: other", fine)
    assert connection.tls is not None
    connection.tls.authorities, connection.tls.client_chain = [b"CA"], 1
    (finding,) = _found(connection)
    assert "not among the 1 authority that the server named" in finding.claim


def test_a_chain_or_an_authority_that_was_named_is_not_told() -> None:
    fine = Certificate("CN=me", "CN=CA", (), 0, EPOCH_NS + 28 * _DAY_NS)
    for certificate, chain in ((b"issuer: CA", 1), (b"issuer: other", 2)):
        connection = _answered(400, certificate, fine)
        assert connection.tls is not None
        connection.tls.authorities, connection.tls.client_chain = [b"CA"], chain
        assert not _found(connection)


def _closed(number: int = 1, *, withheld: bool = True, kind: CloseKind = "fin") -> Connection:
    """The server ends the connection when the first request is on its way."""
    wire = Wire(id=number, start=number * 1000, first_exchange=number * 10, first_packet=number * 100)
    wire.ask(0)
    wire.close(SERVER, kind, 0, ack=0)
    connection = wire.done("unanswered")
    assert connection.tls is not None
    connection.tls.certificate_asked = connection.tls.certificate_withheld = withheld
    return connection


def test_a_server_that_closes_without_a_word_on_who_shows_none() -> None:
    """uvicorn: asyncio drops the alert."""
    (finding,) = diagnose([_closed()])
    assert (finding.code, finding.fault, finding.certainty) == (
        "client-certificate-rejected",
        "client",
        "likely",
    )


def test_a_close_is_no_matter_of_the_certificate_where_none_is_asked_for_or_others_go_without() -> None:
    assert not _found(_closed(withheld=False))
    assert not _found(_closed(), _answered(200, number=2))
