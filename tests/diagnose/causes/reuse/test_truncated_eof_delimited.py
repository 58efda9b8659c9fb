"""A body without a length may have been cut, and nothing in HTTP shows it."""

from __future__ import annotations

from plainwire.diagnose import diagnose
from plainwire.model import Content
from tests.diagnose.causes.reuse.cuts import half
from tests.diagnose.wire import SERVER, Wire, only


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
