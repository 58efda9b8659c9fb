"""The connection was reset in the middle of the response."""

from __future__ import annotations

from plainwire.diagnose import diagnose
from tests.diagnose.causes.reuse.cuts import half
from tests.diagnose.wire import SERVER, only


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


def test_a_body_that_ends_with_the_connection_is_cut_by_a_reset() -> None:
    wire = half(framing="close")
    wire.close(SERVER, "rst", 600)
    assert only(diagnose([wire.done("truncated")])).code == "reset-mid-response"
