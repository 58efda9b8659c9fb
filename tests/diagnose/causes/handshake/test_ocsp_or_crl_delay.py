"""Handshakes that wait while the client asks whether a certificate is revoked."""

from __future__ import annotations

import pytest

from plainwire.diagnose import diagnose
from plainwire.model import ACK, PSH, Connection, Endpoint, TlsInfo
from tests.diagnose.opening import Opening
from tests.diagnose.wire import CLIENT, SERVER, Wire, only

RESPONDER = Endpoint("203.0.113.80", 80)
OCSP = "application/ocsp-response"


def handshake(
    pause: float, *, number: int = 1, certificate: bytes = b"", resumed: bool = False, retried: bool = False
) -> Connection:
    """The server's part ends at 161 ms; the client goes on ``pause`` ms later."""
    opening = Opening(id=number)
    opening.tls = TlsInfo(
        "TLS 1.3",
        "suite",
        resumed=resumed,
        certificate=certificate,
        hello_retry=retried,
        handshake_complete=True,
    )
    opening.syn(0).accept().hello(81)
    opening.segment(SERVER, 160, ACK | PSH, ack=517, length=1400)
    opening.segment(SERVER, 161, ACK | PSH, seq=1400, ack=517, length=1600)
    at = 161 + pause
    opening.segment(CLIENT, at, ACK | PSH, seq=517, ack=3000, length=80)
    if retried:
        opening.segment(SERVER, at + 80, ACK | PSH, seq=3000, ack=597, length=3000)
        opening.segment(CLIENT, at + 81, ACK | PSH, seq=597, ack=6000, length=80)
        at += 81
    opening.segment(SERVER, at + 100, ACK | PSH, seq=9000, ack=677, length=100)
    return opening.done()


def side(
    start: float,
    took: float,
    *,
    told: str = OCSP,
    target: str = "/",
    number: int = 2,
    client: str = "192.0.2.7",
    complete: bool = True,
) -> Connection:
    """A connection in clear text, opened at ``start``, with one exchange at once."""
    wire = Wire(
        id=number, first_exchange=number * 10, first_packet=number * 1000, server=RESPONDER, tls=False,
        start=start, client=Endpoint(client, 40100 + number),
    )  # fmt: skip
    request = wire.ask(0, target, method="POST" if told == OCSP else "GET").request
    exchange = wire.answer(took)
    assert request is not None
    assert exchange.response is not None
    request.headers[:] = [("Host", "ocsp.example")]
    exchange.response.headers.append(("Content-Type", told))
    if not complete:
        exchange.outcome = "unanswered"
        exchange.response = None
    connection = wire.done()
    connection.tls = None
    return connection


def codes(*connections: Connection) -> set[str]:
    return {finding.code for finding in diagnose(list(connections))}


@pytest.mark.parametrize(
    ("told", "target"),
    [
        (OCSP, "/"),
        ("application/ocsp-response; charset=binary", "/MFEwTz"),
        ("application/pkix-crl", "/latest"),
        ("application/octet-stream", "/root.CRL?x=1"),
    ],
)
def test_a_handshake_that_waits_for_news_of_a_revocation(told: str, target: str) -> None:
    finding = only(diagnose([handshake(500), side(180, 400, told=told, target=target)]))
    assert (finding.code, finding.fault, finding.certainty) == ("ocsp-or-crl-delay", "client", "likely")
    assert not finding.failure
    assert "nothing for 500 ms" in finding.claim
    assert "took 400 ms" in finding.claim
    assert finding.packets == [1005, 1006, 2000, 2001]
    assert finding.connections == [1]


def test_what_names_the_responder_is_told_from_what_only_waits_meanwhile() -> None:
    named = handshake(500, certificate=b"..http://ocsp.example/..")
    other = handshake(500, number=3, certificate=b"..http://elsewhere.example/..")
    finding = only(diagnose([named, side(180, 400), other]))
    assert finding.connections == [1]
    assert "names whom it asked" in finding.claim


def test_a_short_pause_is_no_delay() -> None:
    assert codes(handshake(150), side(170, 120)) == set()


@pytest.mark.parametrize(("start", "took"), [(100, 400), (180, 600), (700, 300)])
def test_a_question_before_or_after_the_pause_is_not_what_it_waits_for(start: float, took: float) -> None:
    assert codes(handshake(500), side(start, took)) == set()


def test_a_question_that_took_little_of_the_pause_does_not_explain_it() -> None:
    assert codes(handshake(500), side(180, 100)) == set()


def test_two_questions_one_after_the_other_do() -> None:
    finding = only(diagnose([handshake(500), side(170, 200), side(400, 250, number=4)]))
    assert "asked 2 times" in finding.claim
    assert "took 450 ms" in finding.claim
    assert codes(handshake(500), side(170, 90), side(560, 90, number=4)) == set()


def test_another_exchange_in_the_pause_is_not_about_revocation() -> None:
    assert codes(handshake(500), side(180, 400, told="text/html")) == set()


def test_a_question_of_another_client() -> None:
    assert codes(handshake(500), side(180, 400, client="192.0.2.8")) == set()


def test_a_question_without_an_answer_is_not_counted() -> None:
    assert "ocsp-or-crl-delay" not in codes(handshake(500), side(180, 400, complete=False))


def test_a_resumed_session_has_nothing_to_ask() -> None:
    assert codes(handshake(500, resumed=True), side(180, 400)) == set()


def test_the_pause_ahead_of_the_second_hello_is_another() -> None:
    assert codes(handshake(500, retried=True), side(180, 400)) == set()
