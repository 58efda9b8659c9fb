"""The server closed many connections in one moment."""

from __future__ import annotations

from plainwire.diagnose import diagnose
from tests.diagnose.causes.reuse.policies import lost, run, wires
from tests.diagnose.wire import SERVER, Wire, only


def test_many_closes_in_one_moment_after_different_idleness_are_a_reload() -> None:
    others = wires(2)
    for number, wire in enumerate(others):
        run(wire, 1 + number, pause=700)
        wire.close(SERVER, "fin", 3000 + number)
    wire = Wire()
    run(wire, 3, pause=900)
    finding = only(diagnose([lost(wire, 3001), *(w.done() for w in others)]))
    assert (finding.code, finding.fault, finding.certainty) == ("server-reload-close", "server", "likely")
    assert "closed 3 connections within 1.00 ms" in finding.claim
    assert finding.packets[-1] > 100  # a packet of another connection is cited


def test_two_closes_in_one_moment_are_none_where_other_connections_stayed_open() -> None:
    wire, other = Wire(), wires(1)[0]
    run(other, 1)
    other.close(SERVER, "fin", 3000)
    run(wire, 3, pause=900)
    stayed = Wire(id=7, first_exchange=140, first_packet=700)
    stayed.ok(0)
    stayed.ok(4000)
    finding = only(diagnose([lost(wire, 3001), other.done(), stayed.done()]))
    assert finding.code == "keepalive-idle-race"


def test_closes_in_one_moment_after_equal_idleness_are_an_idle_timeout() -> None:
    others = wires(3)
    for number, wire in enumerate(others):
        run(wire, 1)
        wire.close(SERVER, "fin", 3000 + number)
    wire = Wire()
    run(wire, 1)
    finding = only(diagnose([lost(wire, 3001), *(w.done() for w in others)]))
    assert finding.code == "keepalive-idle-race"
