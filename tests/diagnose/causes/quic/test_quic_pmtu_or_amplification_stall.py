"""The handshake stood still because of sizes."""

from __future__ import annotations

from plainwire.diagnose import diagnose
from tests.diagnose.causes.quic.quic_connections import unanswered
from tests.diagnose.opening import healthy
from tests.diagnose.wire import only


def test_initials_that_are_too_small_to_be_answered() -> None:
    connection = unanswered()
    assert connection.quic is not None
    connection.quic.largest_initial = 900
    finding = only(diagnose([connection, healthy(2, start=3000)]))
    assert (finding.code, finding.fault) == ("quic-pmtu-or-amplification-stall", "client")
    assert "has 900 bytes" in finding.claim
    connection.quic.largest_initial = 1200
    assert only(diagnose([connection, healthy(2, start=3000)])).code == "quic-udp-blocked"
    connection.quic.largest_initial, connection.snapped = 900, True
    assert only(diagnose([connection, healthy(2, start=3000)])).code == "quic-udp-blocked"
