"""Responses that contradict themselves, or belong to other requests."""

from __future__ import annotations

import pytest

from plainwire.diagnose import diagnose
from plainwire.model import Connection, Content, Finding
from tests.diagnose.wire import CLIENT, Wire, only


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


def junk(*, status: int, defect: str, complete: bool) -> Connection:
    wire = Wire()
    wire.ok(0)
    wire.ask(500)
    response = wire.answer(580, status=status, complete=complete).response
    assert response is not None
    response.defects = [defect]
    if not complete:
        wire.close(CLIENT, "fin", 590)
    return wire.done("complete" if complete else "aborted")


@pytest.mark.parametrize("complete", [True, False])
def test_bytes_behind_the_announced_end_are_the_fault_of_the_response_before(*, complete: bool) -> None:
    where = "before the status line belong to no message" if complete else "that are no response"
    text = f"17 bytes {where}: xxx"
    finding = only(diagnose([junk(status=200 if complete else 0, defect=text, complete=complete)]))
    assert (finding.code, finding.fault, finding.failure) == (
        "content-length-mismatch",
        "server",
        not complete,
    )
    assert finding.exchanges == [1, 2]
    assert "17 more bytes" in finding.claim


def coded(defect: str) -> list[Finding]:
    wire = Wire()
    response = wire.ok(0).response
    assert response is not None
    response.content = Content(["gzip"], 50, complete=False, defect=defect)
    return diagnose([wire.done()])


def test_a_complete_body_that_cannot_be_decoded() -> None:
    finding = only(coded("corrupt gzip in bytes 0 to 100 of the body"))
    assert (finding.code, finding.fault, finding.failure) == ("content-encoding-corrupt", "server", True)
    assert only(coded("the gzip content ends before its end")).code == "content-encoding-corrupt"


@pytest.mark.parametrize("defect", ["content coding zz is not decoded", "not decoded beyond 9 bytes"])
def test_what_plainwire_cannot_decode_is_not_the_server_s_fault(defect: str) -> None:
    assert coded(defect) == []


def doubled(*, known: int | None = None, again: bool = True, status: int = 200) -> list[Finding]:
    wire = Wire()
    wire.ok(0)
    extra = wire.unasked(81, status)
    assert extra.response is not None
    extra.response.close_announced = False
    if known is not None:
        wire.rows[-1].ack = known
    if again:
        wire.ok(500)
    return diagnose([wire.done()])


def test_a_response_to_nothing_that_the_next_request_meets() -> None:
    finding = only(doubled())
    assert (finding.code, finding.fault, finding.certainty) == ("response-desync", "server", "proved")
    assert finding.exchanges == [1, 2, 3]


def test_one_that_nobody_meets_harms_nobody() -> None:
    finding = only(doubled(again=False))
    assert (finding.code, finding.failure) == ("response-desync", False)


def test_packets_that_changed_places_in_the_capture_are_no_desync() -> None:
    """The response's own segment acknowledges the request that it seems to precede."""
    assert doubled(known=198) == []


def numbered(*pairs: tuple[str, str]) -> list[Finding]:
    wire = Wire()
    for place, (asked, told) in enumerate(pairs):
        exchange = wire.ok(place * 500)
        assert exchange.request is not None
        assert exchange.response is not None
        exchange.request.headers.append(("X-Request-Id", asked))
        exchange.response.headers.append(("x-request-id", told))
    return diagnose([wire.done()])


def test_an_answer_with_another_request_s_identifier_belongs_to_that_one() -> None:
    findings = numbered(("a", "a"), ("b", "a"), ("c", "b"))
    assert only(findings).code == "response-desync"
    assert only(findings).exchanges == [2, 3]


def test_identifiers_that_agree_or_that_the_server_makes_by_itself_say_nothing() -> None:
    assert numbered(("a", "a"), ("b", "b")) == []
    assert numbered(("a", "s1"), ("b", "s2")) == []
    assert numbered(("a", "a"), ("a", "a"), ("b", "a")) == []
