"""A response breaks the rules of HTTP/1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from plainwire.diagnose import diagnose
from tests.diagnose.causes.semantics.talks import Talk, found
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


def test_a_status_line_without_a_status_is_one_also_where_the_response_is_complete() -> None:
    wire = Wire()
    response = wire.ok(0).response
    assert response is not None
    response.status, response.defects = 0, ["status line without a status: 'HTTP/1.1 20x'"]
    finding = only(diagnose([wire.done()]))
    assert (finding.code, finding.fault, finding.failure) == ("bad-framing", "server", False)


@pytest.mark.parametrize(
    ("asked", "given", "wrong"),
    [
        ("bytes=5000-", "bytes 0-10239/10240", True),
        ("bytes=5000-", "bytes 4096-10239/10240", True),
        ("bytes=5000-", "bytes 5000-10239/10240", False),
        ("bytes=5000-5999", "bytes 5000-5499/10240", False),
        ("bytes=-500", "bytes 9740-10239/10240", False),
        ("bytes=0-1,5-6", "bytes 0-6/10240", False),
    ],
)
def test_a_part_that_was_not_asked_for(asked: str, given: str, wrong: bool) -> None:  # noqa: FBT001 - of a table
    talk = Talk().say(206, asked=(("Range", asked),), told=(("Content-Range", given),))
    findings = found(talk)
    assert list(findings) == (["bad-framing"] if wrong else [])
    if wrong:
        assert findings["bad-framing"].failure is False
        assert "5000" in findings["bad-framing"].claim


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


def test_a_client_that_took_the_same_defect_before_does_not_leave_for_it() -> None:
    wire = Wire()
    for at in (0, 200):
        response = wire.ok(at).response
        assert response is not None
        response.defects = ["both Transfer-Encoding and Content-Length (RFC 9112 section 6.1)"]
    wire.close(CLIENT, "fin", 281)
    finding = only(diagnose([wire.done()]))
    assert (finding.exchanges, finding.failure) == ([1, 2], False)


@pytest.mark.parametrize(
    ("location", "is_url"),
    [
        ("/next page?q={a}", True),
        ("https://host.example:8443/", True),
        ("//host.example/", True),
        ("http://müller.example/ä", True),
        ("app://open", True),
        ("", True),
        ("http://[bad host]/", False),
        ("https://host.example:port/", False),
        ("https:///path", False),
        ("http://two words.example/", False),
    ],
)
def test_a_redirect_that_leads_to_no_url(location: str, is_url: bool) -> None:  # noqa: FBT001 - of a table
    findings = found(Talk().say(302, told=(("Location", location),)))
    assert list(findings) == ([] if is_url else ["bad-framing"])


def test_a_body_without_length_on_a_connection_that_the_server_keeps_open() -> None:
    for said, code in (("keep-alive", "bad-framing"), ("close", "client-abort")):
        wire = Wire()
        wire.ask(0)
        response = wire.answer(80, framing="close", declared=None, complete=False).response
        assert response is not None
        response.headers = [("Connection", said)]
        wire.close(CLIENT, "fin", 3300)
        finding = only(diagnose([wire.done("aborted")]))
        assert finding.code == code
