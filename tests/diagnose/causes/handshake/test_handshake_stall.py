"""The server took the ClientHello and said nothing."""

from __future__ import annotations

import pytest

from plainwire.diagnose import diagnose
from tests.diagnose.causes.handshake.greetings import greeted
from tests.diagnose.opening import Opening
from tests.diagnose.wire import CLIENT, SERVER, only


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


def test_a_client_that_stops_behind_its_change_cipher_spec_did_not_wait_for_the_server() -> None:
    """As a JVM does that a busy machine does not let run."""
    opening = greeted()
    assert opening.tls is not None
    opening.tls.flight_whole = True
    opening.segment(SERVER, 165, ack=517, length=3000)
    opening.segment(CLIENT, 166, seq=517, ack=3000, length=6)
    opening.segment(SERVER, 246, seq=3000, ack=523)
    opening.close(CLIENT, "fin", 5161, seq=523)
    assert diagnose([opening.done()]) == []


@pytest.mark.parametrize("tls13", [True, False])
def test_a_flight_that_breaks_off_kept_the_client_waiting(*, tls13: bool) -> None:
    """The client's ChangeCipherSpec in the middle of it ends no turn (RFC 8446 section D.4)."""
    opening = greeted()
    opening.segment(SERVER, 165, ack=517, length=1100)
    if tls13:
        opening.segment(CLIENT, 166, seq=517, ack=1100, length=6)
        opening.segment(SERVER, 246, seq=1100, ack=523)
    opening.close(CLIENT, "fin", 5161, seq=523 if tls13 else 517)
    assert opening.tls is not None
    opening.tls.cipher_suite = "suite"
    finding = only(diagnose([opening.done()]))
    assert (finding.code, finding.fault, finding.certainty) == ("handshake-stall", "server", "likely")
    assert "its flight broke off after 1100 bytes" in finding.claim
