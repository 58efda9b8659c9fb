"""Handshakes of TLS that failed."""

from __future__ import annotations

import pytest

from plainwire.diagnose import CAUSES, diagnose
from plainwire.model import (
    ACK,
    PSH,
    Certificate,
    Connection,
    Endpoint,
    Exchange,
    Response,
    TlsInfo,
    Undecrypted,
)
from tests.diagnose.opening import Opening, healthy
from tests.diagnose.wire import CLIENT, EPOCH_NS, MS, SERVER, Wire, only

DAY_NS = 86_400 * 10**9
ELSEWHERE = Endpoint("203.0.113.8", 443)


def greeted() -> Opening:
    opening = Opening().syn(0).accept().hello(81)
    opening.segment(SERVER, 161, ack=517)
    return opening


def test_an_alert_names_itself() -> None:
    opening = greeted()
    opening.close(SERVER, "alert", 162, ack=517, detail="handshake_failure")
    opening.close(SERVER, "fin", 162, seq=7, ack=517)
    finding = only(diagnose([opening.done()]))
    assert (finding.code, finding.certainty) == ("tls-alert-handshake_failure", "likely")
    assert "not encrypted" in finding.claim


@pytest.mark.parametrize(("name", "fault"), [("internal_error", "server"), ("protocol_version", "unknown")])
def test_only_internal_error_is_a_confession(name: str, fault: str) -> None:
    opening = greeted()
    opening.close(SERVER, "alert", 162, ack=517, detail=name)
    assert only(diagnose([opening.done()])).fault == fault


def test_an_alert_without_a_registered_name_has_its_code() -> None:
    opening = greeted()
    opening.close(SERVER, "alert", 162, ack=517, detail="alert 200")
    assert only(diagnose([opening.done()])).code == "tls-alert-other"
    assert "tls-alert-unknown_ca" in CAUSES


def refusing(
    detail: str, leaf: Certificate | None = None, *, chain: int = 1, der: bytes = b"old"
) -> Connection:
    opening = greeted()
    opening.segment(SERVER, 165, ACK | PSH, ack=517, length=3000)
    opening.tls = TlsInfo(
        "TLS 1.3", "suite", server_name="api.example", certificate=der, chain=chain, leaf=leaf
    )
    opening.close(CLIENT, "alert", 166, seq=517, ack=3000, detail=detail)
    return opening.done()


def test_an_expired_certificate_is_the_server_s_and_the_alert_that_was_decrypted_proves_it() -> None:
    leaf = Certificate(not_before_ns=0, not_after_ns=EPOCH_NS - 3 * DAY_NS)
    finding = only(diagnose([refusing("certificate_expired", leaf)]))
    assert (finding.code, finding.fault, finding.certainty) == (
        "tls-alert-certificate_expired",
        "server",
        "proved",
    )
    assert "3 days before" in finding.claim


def test_a_certificate_that_is_not_valid_yet_is_a_matter_of_clocks() -> None:
    leaf = Certificate(not_before_ns=EPOCH_NS + DAY_NS, not_after_ns=EPOCH_NS + 9 * DAY_NS)
    finding = only(diagnose([refusing("certificate_expired", leaf)]))
    assert (finding.code, finding.fault) == ("clock-skew-cert", "unknown")


def test_the_date_of_a_response_tells_whose_clock_is_wrong() -> None:
    leaf = Certificate(not_before_ns=EPOCH_NS + DAY_NS, not_after_ns=EPOCH_NS + 9 * DAY_NS)
    other = Wire(id=7, first_packet=7000)
    response = other.ok(0).response
    assert response is not None
    response.headers.append(("Date", "Thu, 16 Nov 2023 22:13:20 GMT"))  # two days after EPOCH_NS
    finding = only(diagnose([other.done(), refusing("certificate_expired", leaf)]))
    assert (finding.code, finding.fault) == ("clock-skew-cert", "client")
    assert response.packet in finding.packets


def accepting(number: int, der: bytes, *, chain: int = 1) -> Connection:
    connection = healthy(number, server=ELSEWHERE)
    assert connection.tls is not None
    connection.tls.server_name, connection.tls.certificate, connection.tls.chain = "api.example", der, chain
    return connection


def test_a_certificate_that_one_backend_has_and_no_other() -> None:
    finding = only(diagnose([accepting(2, b"new"), accepting(3, b"new"), refusing("certificate_expired")]))
    assert (finding.code, finding.fault) == ("cert-differs-by-backend", "server")


def test_the_same_certificate_accepted_elsewhere_refutes_it() -> None:
    finding = only(diagnose([accepting(2, b"old"), accepting(3, b"new"), refusing("unknown_ca")]))
    assert finding.code == "tls-alert-unknown_ca"


def test_the_same_certificate_with_a_longer_chain_elsewhere_is_a_missing_intermediate() -> None:
    finding = only(diagnose([accepting(2, b"old", chain=2), refusing("unknown_ca")]))
    assert (finding.code, finding.fault) == ("chain-incomplete", "server")


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


def test_silence_after_an_acknowledged_hello_is_the_server_s() -> None:
    opening = greeted()
    opening.close(CLIENT, "fin", 5161, seq=517)
    finding = only(diagnose([opening.done()]))
    assert (finding.code, finding.fault, finding.certainty) == ("handshake-stall", "server", "likely")


def test_a_hello_that_never_arrives_is_the_path_s() -> None:
    opening = Opening().syn(0).accept().hello(81, 400, 1000, 2200)
    opening.close(CLIENT, "fin", 5000, seq=517)
    finding = only(diagnose([opening.done()]))
    assert (finding.code, finding.fault) == ("retransmission-loss", "path")


def large() -> Connection:
    opening = Opening().syn(0).accept().hello(81, size=1800)
    opening.close(SERVER, "rst", 161, ack=1400)
    return opening.done()


def test_a_large_hello_that_is_reset_where_small_ones_are_answered() -> None:
    finding = only(diagnose([healthy(), large()]))
    assert (finding.code, finding.fault) == ("large-clienthello-drop", "server")


def test_a_large_hello_that_was_answered_refutes_it() -> None:
    assert only(diagnose([healthy(), healthy(51, hello=1700), large()])).code == "handshake-reset"


def test_without_a_small_hello_to_compare_it_is_only_a_rival() -> None:
    finding = only(diagnose([large()]))
    assert finding.code == "handshake-reset"
    assert "large-clienthello-drop" in finding.runner_up


def test_without_keys_what_follows_the_server_s_hello_says_nothing() -> None:
    opening = greeted()
    opening.tls = TlsInfo("TLS 1.3", "suite")
    opening.segment(SERVER, 165, ACK | PSH, ack=517, length=3000)
    opening.close(SERVER, "fin", 300, seq=3000, ack=900)
    connection = opening.done()
    connection.undecrypted.append(Undecrypted("no secrets", None))
    assert diagnose([connection]) == []


def clear_text(number: int = 1) -> Connection:
    opening = Opening(number).syn(0).accept().hello(81)
    packet = opening.segment(SERVER, 161, ACK | PSH, ack=517, length=90)
    opening.close(SERVER, "fin", 162, seq=90, ack=517)
    connection = opening.done()
    response = Response(400, "", "HTTP/1.1", [], 0, 90, packet=packet, last_packet=packet, complete=True)
    response.time_ns = response.last_ns = EPOCH_NS + 161 * MS
    connection.exchanges.append(Exchange(1, number, 1, None, response, "complete"))
    connection.undecrypted.append(Undecrypted("clear text", SERVER, packet))
    return connection


def test_http_in_clear_text_in_answer_to_the_hello() -> None:
    finding = only(diagnose([clear_text()]))
    assert (finding.code, finding.fault) == ("plaintext-on-tls-port", "unknown")


def test_where_the_address_speaks_tls_otherwise_it_is_the_server_s() -> None:
    assert only(diagnose([healthy(), clear_text()])).fault == "server"


@pytest.mark.parametrize(
    ("detail", "code"),
    [("certificate_required", "tls-alert-certificate_required"), ("bad_record_mac", "bad-record-mac")],
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


def resumed(number: int, *, fails: bool, again: bool = True) -> Connection:
    wire = Wire(id=number, first_exchange=number * 10, first_packet=number * 1000, start=number * 1000)
    if fails:
        wire.ask(0)
        wire.close(SERVER, "rst", 80)
        connection = wire.done("unanswered")
    else:
        wire.ok(0)
        connection = wire.done()
    assert connection.tls is not None
    connection.tls.resumed = again
    return connection


def test_failures_that_keep_to_resumed_sessions() -> None:
    bad = [resumed(number, fails=True) for number in range(1, 6)]
    good = [resumed(number, fails=False, again=False) for number in range(10, 18)]
    findings = {finding.code: finding for finding in diagnose([*bad, *good])}
    assert "5 of 5 connections that resumed" in findings["resumption-failure"].claim


def test_failures_among_all_alike_are_no_matter_of_resumption() -> None:
    mixed = [resumed(n, fails=n % 2 == 0, again=n % 4 < 2) for n in range(1, 21)]
    assert "resumption-failure" not in {finding.code for finding in diagnose(mixed)}


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
