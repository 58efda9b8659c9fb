"""A response breaks the rules of HTTP/1."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import diagnose
from tests.diagnose.wire import CLIENT, Wire, only

if TYPE_CHECKING:
    from plainwire.model import Finding


def broken(defect: str) -> Finding:
    wire = Wire()
    wire.ask(0)
    response = wire.answer(80, complete=False, framing="chunked").response
    assert response is not None
    response.defects = [defect]
    wire.close(CLIENT, "fin", 90)
    return only(diagnose([wire.done("aborted")]))


def test_a_client_that_hangs_up_on_a_broken_chunk_is_not_the_cause() -> None:
    finding = broken("bad chunk size: \x1b[31mZZ (RFC 9112 section 7.1)")
    assert (finding.code, finding.fault, finding.certainty) == ("bad-framing", "server", "proved")
    assert "ZZ" not in finding.claim


def test_a_head_that_was_only_cut_is_no_bad_framing() -> None:
    assert broken("the head is not complete").code != "bad-framing"


def test_two_lengths_in_a_complete_response_are_told_as_no_failure() -> None:
    wire = Wire()
    response = wire.ok(0).response
    assert response is not None
    response.defects = ["Content-Length fields that differ (RFC 9112 section 6.3); the first one counts here"]
    finding = only(diagnose([wire.done()]))
    assert (finding.code, finding.failure) == ("bad-framing", False)


def test_a_small_flaw_in_a_complete_response_is_not_worth_a_word() -> None:
    wire = Wire()
    response = wire.ok(0).response
    assert response is not None
    response.defects = ["obsolete line folding in the header (RFC 9112 section 5.2)"]
    assert diagnose([wire.done()]) == []


def test_a_line_without_a_colon_that_the_client_hangs_up_on() -> None:
    """Go, Node and hyper refuse such a response; curl reads over it."""
    for hangs_up in (81, 900):
        wire = Wire()
        response = wire.ok(0).response
        assert response is not None
        response.defects = ["header line without a colon: 'Broken line'"]
        wire.close(CLIENT, "fin", hangs_up)
        assert [f.code for f in diagnose([wire.done()])] == (["bad-framing"] if hangs_up == 81 else [])
