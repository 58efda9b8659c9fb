"""The server waited in vain for the rest of the request."""

from __future__ import annotations

from plainwire.diagnose import diagnose
from tests.diagnose.wire import CLIENT, SERVER, Wire, only


def with_a_cut_body() -> Wire:
    """400 of 1,000 bytes came."""
    wire = Wire()
    request = wire.ask(0, method="PUT", size=500, complete=False).request
    assert request is not None
    request.declared_size, request.body_size = 1000, 400
    return wire


def with_a_cut_head() -> Wire:
    wire = Wire()
    request = wire.ask(0, method="POST", size=100, complete=False).request
    assert request is not None
    request.defects = ["the head is not complete"]
    return wire


def test_an_upload_that_its_sender_did_not_finish() -> None:
    wire = with_a_cut_body()
    wire.ack(SERVER, 80)
    wire.close(SERVER, "fin", 20_080)
    finding = only(diagnose([wire.done("unanswered")]))
    assert (finding.code, finding.fault, finding.certainty) == ("request-body-timeout", "client", "proved")
    assert "400 of the 1000 bytes" in finding.claim


def test_a_408_to_a_body_that_did_not_come() -> None:
    wire = with_a_cut_body()
    wire.ack(SERVER, 80)
    wire.answer(20_000, status=408)
    finding = only(diagnose([wire.done()]))
    assert (finding.code, finding.fault) == ("request-body-timeout", "client")


def _paused(wire: Wire, *, size: int = 500) -> None:
    request = wire.ask(0, method="POST", size=size, complete=False).request
    assert request is not None
    request.declared_size, request.body_size = size + 500, size - 100
    wire.ack(SERVER, 80)


def _goes_on(wire: Wire, at: float) -> None:
    request = wire.exchanges[-1].request
    assert request is not None
    wire.segment(CLIENT, at, length=500)
    last = wire.rows[-1]
    request.end, request.last_ns, request.last_packet = request.end + 500, last.time_ns, last.packet
    request.complete, request.body_size = True, request.declared_size or 0


def test_a_pause_in_the_body_until_the_server_closes() -> None:
    """Nginx with client_body_timeout: it closes without a word."""
    wire = Wire()
    _paused(wire)
    wire.close(SERVER, "fin", 3010)
    _goes_on(wire, 4000)
    finding = only(diagnose([wire.done("unanswered")]))
    assert (finding.code, finding.fault) == ("request-body-timeout", "unknown")
    assert "then nothing for 3.010 s" in finding.claim
    assert "a limit of 3 s" in finding.claim


def test_a_pause_in_the_body_until_the_server_answers_with_an_error() -> None:
    """Go with ReadTimeout: the read fails, the handler answers 500 (mayth/go-simple-upload-server#49)."""
    wire = Wire()
    _paused(wire)
    wire.answer(2005, status=500)
    _goes_on(wire, 3000)
    finding = only(diagnose([wire.done()]))
    assert finding.code == "request-body-timeout"
    assert "the server answered 500" in finding.claim


def test_a_close_in_the_middle_of_a_body_that_flows_is_the_server_s() -> None:
    wire = Wire()
    _paused(wire)
    wire.close(SERVER, "fin", 300)
    _goes_on(wire, 310)
    assert only(diagnose([wire.done("unanswered")])).code == "close-mid-request"


def test_a_client_that_waits_to_be_told_to_continue_does_not_pause() -> None:
    wire = Wire()
    _paused(wire)
    request = wire.exchanges[-1].request
    assert request is not None
    request.headers.append(("Expect", "100-continue"))
    wire.close(SERVER, "fin", 3010)
    _goes_on(wire, 4000)
    assert only(diagnose([wire.done("unanswered")])).code != "request-body-timeout"


def test_a_header_that_did_not_come_in_time() -> None:
    """Nginx with client_header_timeout closes without a word: it had no request."""
    wire = with_a_cut_head()
    wire.ack(SERVER, 80)
    wire.close(SERVER, "fin", 2080)
    finding = only(diagnose([wire.done("unanswered")]))
    assert (finding.code, finding.fault, finding.certainty) == ("request-body-timeout", "client", "likely")
    assert "while its header was still coming: 100 bytes had arrived" in finding.claim


def test_a_header_cut_off_by_its_sender_is_no_limit_of_the_server() -> None:
    wire = with_a_cut_head()
    wire.close(CLIENT, "fin", 1000)
    wire.close(SERVER, "fin", 1080)
    assert only(diagnose([wire.done("unanswered")])).code != "request-body-timeout"
