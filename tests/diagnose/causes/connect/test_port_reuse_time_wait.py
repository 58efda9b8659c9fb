"""The client's port was still in use by an older connection."""

from __future__ import annotations

from plainwire.diagnose import diagnose
from plainwire.model import ACK, FIN, RST
from tests.diagnose.opening import Opening
from tests.diagnose.wire import CLIENT, SERVER, only


def test_a_port_whose_last_connection_the_server_still_remembers() -> None:
    opening = Opening().syn(0)
    opening.segment(SERVER, 80, ACK, seq=5000, ack=77_000)
    opening.segment(CLIENT, 80, RST, seq=77_000, ack=-1)
    opening.syn(1000).accept(1080)
    finding = only(diagnose([opening.done()]))
    assert (finding.code, finding.failure) == ("port-reuse-time-wait", False)


def test_a_connection_without_a_word_is_no_failure() -> None:
    assert diagnose([Opening().syn(0).accept().done()]) == []


def test_a_connection_whose_syn_ack_is_not_in_the_capture_met_no_older_one() -> None:
    opening = Opening().syn(0)
    opening.segment(CLIENT, 81, ACK, length=500)
    opening.segment(SERVER, 160, ACK, ack=500)
    opening.segment(CLIENT, 300, RST | ACK, seq=500)
    opening.established = True
    assert diagnose([opening.done()]) == []


def test_the_number_that_a_fin_takes_is_of_this_connection() -> None:
    opening = Opening().syn(0)
    opening.segment(CLIENT, 81, ACK, length=500)
    opening.segment(CLIENT, 90, FIN | ACK, seq=500)
    opening.segment(SERVER, 160, ACK, ack=501)
    opening.segment(CLIENT, 161, RST, seq=501, ack=-1)
    opening.established = True
    assert diagnose([opening.done()]) == []


def test_an_acknowledgment_that_the_client_did_not_answer_by_its_number_is_no_proof() -> None:
    opening = Opening().syn(0)
    opening.segment(SERVER, 80, ACK, seq=5000, ack=77_000)
    opening.segment(CLIENT, 90, RST, seq=12, ack=-1)
    opening.syn(1000).accept(1080)
    assert diagnose([opening.done()]) == []
