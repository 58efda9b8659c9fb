"""Nothing answered the attempt to connect."""

from __future__ import annotations

from plainwire.diagnose import diagnose
from tests.diagnose.opening import Opening
from tests.diagnose.wire import only


def test_syns_without_any_answer() -> None:
    finding = only(diagnose([Opening().syn(0, 1010, 2030, 3060).done()]))
    assert (finding.code, finding.fault, finding.certainty) == ("syn-timeout", "unknown", "likely")
    assert "4 times in 3.060 s" in finding.claim


def test_a_syn_at_the_end_of_the_capture_says_nothing() -> None:
    assert diagnose([Opening().syn(0).done()]) == []


def test_an_answer_to_the_syn_refutes_silence() -> None:
    assert diagnose([Opening().syn(0, 1000).accept(1080).done()]) == []
