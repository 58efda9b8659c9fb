"""The server took much longer than usual to answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import diagnose
from tests.diagnose.causes.semantics.durations import timed, usual
from tests.diagnose.wire import SERVER, Wire, only

if TYPE_CHECKING:
    from plainwire.model import Finding


def slow(*, wait: float = 3000, count: int = 10, acknowledged: bool = True) -> list[Finding]:
    wire = Wire()
    at = usual(wire, count)
    wire.ask(at)
    if acknowledged:
        wire.ack(SERVER, at + 81)
    exchange = wire.answer(at + wait)
    timed(exchange)
    return diagnose([wire.done()])


def test_an_answer_that_takes_much_longer_than_others_of_its_kind() -> None:
    finding = only(slow())
    assert (finding.code, finding.fault, finding.certainty) == ("slow-first-byte", "server", "proved")
    assert not finding.failure
    assert "median of 10 others" in finding.claim


def test_without_an_acknowledgment_ahead_of_the_answer_it_is_only_likely() -> None:
    assert only(slow(acknowledged=False)).certainty == "likely"


def test_slowness_is_not_told_without_a_baseline_nor_by_less_than_a_second() -> None:
    assert slow(count=4) == []
    assert slow(wait=900) == []


def test_a_kind_of_request_that_is_often_slow_is_as_it_is() -> None:
    wire = Wire()
    for place in range(12):
        wire.ask(place * 5000)
        timed(wire.answer(place * 5000 + (3000 if place % 3 == 0 else 80)))
    assert diagnose([wire.done()]) == []
