"""The client used the connection again before it had taken in the response."""

from __future__ import annotations

from plainwire.diagnose import diagnose
from tests.diagnose.causes.reuse.overlaps import overlapping
from tests.diagnose.wire import SERVER, only


def test_a_request_in_the_middle_of_the_response_before_it_is_the_client_s() -> None:
    wire = overlapping(sent_at=120, had=1000)
    wire.close(SERVER, "fin", 250)
    finding = only(diagnose([wire.done("unanswered")]))
    assert (finding.code, finding.fault) == ("response-not-drained", "client")
    assert "1000 of 2000 bytes" in finding.claim


def test_a_request_after_the_whole_response_is_neither() -> None:
    wire = overlapping(sent_at=210, had=2000)
    wire.close(SERVER, "fin", 350, ack=198)
    assert only(diagnose([wire.done("unanswered")])).code == "close-mid-request"
