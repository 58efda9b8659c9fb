"""The server took the ClientHello and said nothing."""

from __future__ import annotations

from plainwire.diagnose import diagnose
from tests.diagnose.causes.handshake.greetings import greeted
from tests.diagnose.opening import Opening
from tests.diagnose.wire import CLIENT, only


def test_silence_after_an_acknowledged_hello_is_the_server_s() -> None:
    opening = greeted()
    opening.close(CLIENT, "fin", 5161, seq=517)
    finding = only(diagnose([opening.done()]))
    assert (finding.code, finding.fault, finding.certainty) == ("handshake-stall", "server", "likely")


def test_a_hello_that_never_arrives_is_the_path_s() -> None:
    opening = Opening().syn(0).accept().hello(81, 400, 1000, 2200)
    opening.close(CLIENT, "fin", 5000, seq=517)
    finding = only(diagnose([opening.done()]))
    assert (finding.code, finding.fault) == ("retransmission-loss", "path")
