"""A second request was sent before the first was answered, and was lost."""

from __future__ import annotations

from plainwire.diagnose import diagnose
from tests.diagnose.causes.reuse.overlaps import overlapping
from tests.diagnose.wire import SERVER, only


def test_a_request_before_the_response_had_begun_is_pipelined() -> None:
    wire = overlapping(sent_at=120, had=0)
    wire.close(SERVER, "fin", 250)
    finding = only(diagnose([wire.done("unanswered")]))
    assert (finding.code, finding.fault, finding.certainty) == ("pipelining-broken", "both", "likely")


def test_pipelined_requests_that_are_answered_are_no_finding() -> None:
    wire = overlapping(sent_at=120, had=0)
    wire.answer(300)
    wire.close(SERVER, "fin", 900)
    assert diagnose([wire.done()]) == []
