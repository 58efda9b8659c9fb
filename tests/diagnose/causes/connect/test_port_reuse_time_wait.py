"""The client's port was still in use by an older connection."""

from __future__ import annotations

from plainwire.diagnose import diagnose
from plainwire.model import ACK, RST
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
