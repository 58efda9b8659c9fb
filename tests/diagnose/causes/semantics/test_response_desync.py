"""Responses that do not belong to the requests that they seem to answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import diagnose
from tests.diagnose.wire import Wire, only

if TYPE_CHECKING:
    from plainwire.model import Finding


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
