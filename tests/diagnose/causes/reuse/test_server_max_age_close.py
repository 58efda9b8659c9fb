"""The server closes connections at a fixed age."""

from __future__ import annotations

from plainwire.diagnose import diagnose
from tests.diagnose.causes.reuse.policies import lost, run, wires
from tests.diagnose.wire import SERVER, Wire, only


def test_closes_at_one_age_whatever_the_idleness_are_a_limit_of_age() -> None:
    others = wires(3)
    for number, wire in enumerate(others):
        wire.start = 7000 * (number + 1)
        run(wire, 2 + 5 * number, pause=100)
        wire.close(SERVER, "fin", 5000 + number)
    wire = Wire()
    run(wire, 2, pause=700)
    finding = only(diagnose([lost(wire, 5001), *(w.done() for w in others)]))
    assert (finding.code, finding.fault, finding.certainty) == ("server-max-age-close", "server", "likely")
    assert "4 connections at an age, by its own count, of 4.760 s to 4.922 s" in finding.claim


def test_a_long_way_does_not_hide_the_limit_of_age() -> None:
    """The server counts from the SYN's arrival or the handshake's end: one to three round trips less."""
    others = wires(3)
    for number, wire in enumerate(others):
        wire.start, wire.rtt = 7000 * (number + 1), 160
        run(wire, 1 + number, pause=100)
        wire.close(SERVER, "fin", 1130 + number)
    wire = Wire(rtt=160)
    run(wire, 2, pause=250)
    assert only(diagnose([lost(wire, 1131), *(w.done() for w in others)])).code == "server-max-age-close"


def test_equal_ages_of_connections_that_were_idle_since_birth_are_an_idle_timeout() -> None:
    others = wires(3)
    for number, wire in enumerate(others):
        run(wire, 1)
        wire.close(SERVER, "fin", 5000 + number)
    wire = Wire()
    run(wire, 1)
    finding = only(diagnose([lost(wire, 5001), *(w.done() for w in others)]))
    assert finding.code == "keepalive-idle-race"


def test_a_late_close_of_a_connection_that_was_idle_for_shorter_than_others_is_the_limit_of_age() -> None:
    """A busy server's timer is late, and idleness that others survived is no idle timeout."""
    others = wires(3)
    for number, wire in enumerate(others):
        wire.start = 7000 * (number + 1)
        run(wire, 2 + 5 * number, pause=100)
        wire.close(SERVER, "fin", 5000 + number)
    for closed, code in ((5600, "server-max-age-close"), (7600, "keepalive-idle-race")):
        wire = Wire()
        run(wire, 6, pause=880)
        found = diagnose([lost(wire, closed), *(w.done() for w in others)])
        assert {finding.code for finding in found if finding.failure} == {code}
