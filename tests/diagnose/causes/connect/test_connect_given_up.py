"""A SYN-ACK that came when the client had given up."""

from __future__ import annotations

from plainwire.diagnose import diagnose
from plainwire.model import RST, Connection
from tests.diagnose.opening import Opening
from tests.diagnose.wire import CLIENT, SERVER, only

_SYN_ACK = 0x12


def _answered(after: float, reset: float) -> Connection:
    opening = Opening().syn(0)
    opening.segment(SERVER, after, _SYN_ACK, seq=-1)
    opening.segment(CLIENT, after + reset, RST, seq=0, ack=-1)
    return opening.done()


def test_a_reset_in_answer_to_a_late_syn_ack_is_the_clients_own_limit() -> None:
    finding = only(diagnose([_answered(325, 0.1)]))
    assert (finding.code, finding.fault) == ("client-timeout-too-short", "client")
    assert "325 ms" in finding.claim


def test_a_scanner_that_resets_a_quick_syn_ack_is_none() -> None:
    assert diagnose([_answered(20, 0.1)]) == []


def test_a_connection_that_was_used_is_none() -> None:
    assert diagnose([Opening().syn(0).accept(325).done()]) == []
