"""A box on the path had forgotten the idle connection and reset it."""

from __future__ import annotations

from plainwire.diagnose import diagnose
from tests.diagnose.wire import SERVER, Wire, only


def test_a_nat_s_reset_after_a_pause_names_the_pause() -> None:
    """The lab's marks: RST without ACK, TTL 255, 1.3 ms after the request of 81 ms round trip."""
    wire = Wire(rtt=81)
    wire.ok(0)
    wire.ask(350_081)
    wire.close(SERVER, "rst", 350_082.3, bare=True, seq=200, ttl=255)
    finding = only(diagnose([wire.done("unanswered")]))
    assert (finding.code, finding.fault, finding.certainty) == ("nat-idle-reset", "path", "likely")
    assert "idle for 350.000 s" in finding.claim
    assert finding.retry_safe is True


def test_a_pause_that_other_connections_survived_is_not_what_the_nat_forgot() -> None:
    wire = Wire(rtt=81)
    wire.ok(0)
    wire.ask(350_081)
    wire.close(SERVER, "rst", 350_082.3, bare=True, seq=200, ttl=255)
    other = Wire(id=2, first_exchange=20, first_packet=100, rtt=81)
    other.ok(0)
    other.ok(400_000)
    finding = only(diagnose([wire.done("unanswered"), other.done()]))
    assert finding.code == "middlebox-injected-reset"
