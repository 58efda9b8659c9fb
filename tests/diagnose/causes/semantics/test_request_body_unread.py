"""A server that takes a request's body for the next request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import diagnose
from tests.diagnose.wire import CLIENT, SERVER, Wire, only

if TYPE_CHECKING:
    from plainwire.model import Connection


def _posted(junk: str, framing: str = "chunked") -> Connection:
    wire = Wire()
    request = wire.ask(0).request
    assert request is not None
    request.method = "POST"
    if framing == "chunked":
        request.framing = "chunked"
    wire.answer(100)
    page = wire.unasked(120)
    assert page.response is not None
    page.response.status, page.response.defects = 0, [f"356 bytes that are no response: {junk}"]
    page.response.close_announced = page.response.complete = False
    page.outcome = "truncated"
    wire.close(SERVER, "fin", 121)
    wire.ask(200)
    return wire.done("unanswered")


def test_a_page_behind_the_response_to_a_chunked_request_and_the_next_failure_are_one_cause() -> None:
    finding = only(diagnose([_posted("'<!DOCTYPE HTML>'")]))
    assert (finding.code, finding.fault) == ("bad-framing", "server")
    assert "did not read the body of the request" in finding.claim
    assert "http.server" in finding.advice_server


def test_a_request_that_was_still_being_sent_is_the_same_cause() -> None:
    """Cyrax321/SNAGLINE#434: the answer comes ahead of the last chunk, which then meets with a reset."""
    wire = Wire(rtt=1)
    request = wire.ask(0, method="POST", complete=False).request
    assert request is not None
    request.framing = "chunked"
    wire.answer(2)
    page = wire.unasked(3)
    assert page.response is not None
    page.response.status, page.response.complete = 0, False
    page.response.defects = ["356 bytes that are no response: '<!DOCTYPE HTML>'"]
    page.outcome = "truncated"
    wire.close(SERVER, "fin", 4)
    wire.close(SERVER, "rst", 54, bare=True)
    finding = only(diagnose([wire.done("complete")]))
    assert (finding.code, finding.fault, finding.certainty) == ("bad-framing", "server", "likely")


def test_a_page_that_stands_for_the_next_response_is_the_same_cause() -> None:
    wire = Wire(rtt=1)
    request = wire.ask(0, method="POST").request
    assert request is not None
    request.framing = "chunked"
    wire.answer(2)
    wire.ask(4)
    page = wire.answer(5, status=0, complete=False)
    assert page.response is not None
    page.response.defects = ["356 bytes that are no response: '<!DOCTYPE HTML>'"]
    wire.close(CLIENT, "fin", 6)
    finding = only(diagnose([wire.done("aborted")]))
    assert (finding.code, finding.exchanges) == ("bad-framing", [1, 2])
    assert "did not read the body" in finding.claim


def test_other_bytes_or_a_request_without_a_body_are_something_else() -> None:
    for connection in (_posted("'xyz'"), _posted("'<!DOCTYPE HTML>'", framing="none")):
        assert "did not read the body" not in "".join(f.claim for f in diagnose([connection]))


def _left_in_the_stream(*, body: int = 10, late: float = 0) -> Connection:
    """POST, 401; then a 400 for the body, which the client takes for the answer to its next request."""
    wire = Wire()
    request = wire.ask(0, method="POST").request
    assert request is not None
    request.framing, request.body_size = "content-length" if body else "none", body
    wire.answer(80, status=401)
    wire.ask(200)
    wire.answer(280, status=400)
    wire.unasked(281 + late, status=400)
    return wire.done()


def test_errors_that_no_request_had_asked_for_behind_a_body_are_answers_to_it() -> None:
    finding = only(diagnose([_left_in_the_stream()]))
    assert (finding.code, finding.fault, finding.exchanges) == ("response-desync", "server", [1, 2])
    assert "it had not read the body" in finding.claim


def test_an_error_on_an_idle_connection_or_without_a_body_is_none() -> None:
    for connection in (_left_in_the_stream(body=0), _left_in_the_stream(late=60_000)):
        assert not [f for f in diagnose([connection]) if f.code == "response-desync"]
