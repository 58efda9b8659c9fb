"""The response began and did not end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from plainwire.diagnose import diagnose
from plainwire.model import Content
from tests.diagnose.wire import CLIENT, SERVER, Wire, only

if TYPE_CHECKING:
    from plainwire.model import CloseKind, Framing


def half(*, framing: Framing = "content-length", tls: bool = True) -> Wire:
    """100 bytes declared, 50 come."""
    wire = Wire(tls=tls)
    wire.ok(0)
    wire.ask(500)
    wire.answer(
        580, body=50, declared=100 if framing == "content-length" else None, framing=framing, complete=False
    )
    return wire


def test_a_reset_in_the_body_is_likely_the_server_s() -> None:
    wire = half()
    wire.close(SERVER, "rst", 600)
    finding = only(diagnose([wire.done()]))
    assert (finding.code, finding.fault, finding.certainty) == ("reset-mid-response", "server", "likely")
    assert "50 of the 100 bytes" in finding.claim


def test_a_reset_that_jumped_ahead_of_the_bytes_seen_is_less_certain() -> None:
    wire = half()
    wire.close(SERVER, "rst", 600, seq=wire.sent[SERVER] + 25)
    finding = only(diagnose([wire.done()]))
    assert (finding.code, finding.certainty) == ("reset-mid-response", "possible")
    assert "25 bytes that came before the reset" in finding.claim


@pytest.mark.parametrize(("kind", "certainty"), [("close_notify", "proved"), ("fin", "likely")])
def test_only_an_authenticated_close_proves_who_cut_the_response(kind: CloseKind, certainty: str) -> None:
    wire = half()
    wire.close(SERVER, kind, 600)
    finding = only(diagnose([wire.done()]))
    assert (finding.code, finding.fault, finding.certainty) == ("response-truncated", "server", certainty)


def test_a_chunked_body_without_its_last_chunk_is_truncated() -> None:
    wire = half(framing="chunked")
    wire.close(SERVER, "fin", 600)
    assert "no last chunk" in only(diagnose([wire.done()])).claim


def test_a_body_that_ends_with_the_connection_is_not_called_a_failure() -> None:
    """A FIN without close_notify is no proof that bytes are missing, nor that none are."""
    wire = half(framing="close")
    wire.close(SERVER, "fin", 600)
    finding = only(diagnose([wire.done("truncated")]))
    assert (finding.code, finding.certainty, finding.failure) == (
        "truncated-eof-delimited",
        "possible",
        False,
    )


def test_a_body_whose_end_a_close_notify_vouches_for_is_whole() -> None:
    wire = half(framing="close")
    wire.close(SERVER, "close_notify", 600)
    wire.close(SERVER, "fin", 600)
    assert diagnose([wire.done("complete")]) == []


def test_in_clear_text_a_fin_is_all_the_end_there_is() -> None:
    wire = half(framing="close", tls=False)
    wire.close(SERVER, "fin", 600)
    assert diagnose([wire.done("truncated")]) == []


def test_a_body_that_ends_with_the_connection_is_cut_by_a_reset() -> None:
    wire = half(framing="close")
    wire.close(SERVER, "rst", 600)
    assert only(diagnose([wire.done("truncated")])).code == "reset-mid-response"


def test_what_is_no_http_is_not_called_a_truncated_response() -> None:
    """An SSH server, or HTTP/0.9: the reader gives status 0."""
    wire = half(framing="unknown")
    response = wire.exchanges[-1].response
    assert response is not None
    response.status = 0
    wire.close(SERVER, "rst", 600)
    finding = only(diagnose([wire.done("truncated")]))
    assert (finding.code, finding.fault) == ("unexplained", "unknown")
    assert "no HTTP response" in finding.claim


def test_the_client_s_close_in_the_body_is_the_client_s() -> None:
    wire = half()
    wire.close(CLIENT, "fin", 600)
    wire.close(SERVER, "rst", 640)
    assert only(diagnose([wire.done("aborted")])).code == "client-abort"


def test_a_response_whose_end_the_capture_lost_is_not_called_truncated() -> None:
    wire = half()
    wire.close(SERVER, "fin", 600)
    wire.ack(CLIENT, 601, ack=wire.sent[SERVER] + 500)
    assert only(diagnose([wire.done()])).code == "capture-artifact"


def uncoded(*, cut: bool) -> Wire:
    """A gzip body that ends with the connection."""
    wire = half(framing="close")
    response = wire.exchanges[-1].response
    assert response is not None
    response.complete = True
    response.content = Content(["gzip"], 40, complete=not cut)
    if cut:
        response.content.defect = "the gzip content ends before its end"
    wire.close(SERVER, "fin", 600)
    return wire


def test_a_body_without_length_is_cut_where_its_content_coding_says_so() -> None:
    finding = only(diagnose([uncoded(cut=True).done("complete")]))
    assert (finding.code, finding.fault, finding.certainty) == ("truncated-eof-delimited", "server", "likely")
    assert finding.failure is True
    assert "No close_notify vouches" in finding.claim


def test_a_body_without_length_whose_coding_came_to_its_end_is_whole() -> None:
    assert diagnose([uncoded(cut=False).done("complete")]) == []
