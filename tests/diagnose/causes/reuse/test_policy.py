"""Closes by a count, an age, in one moment, without announcement, by reset."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from plainwire.diagnose import diagnose
from tests.diagnose.wire import CLIENT, SERVER, Wire, only

if TYPE_CHECKING:
    from plainwire.model import Connection


def lost(wire: Wire, closed_at: float, *, sent_at: float | None = None) -> Connection:
    """A request that crosses the server's FIN."""
    wire.ask(closed_at - wire.rtt / 2 if sent_at is None else sent_at)
    wire.close(SERVER, "fin", closed_at, ack=wire.exchanges[-1].request.start)  # type: ignore[union-attr]
    return wire.done("unanswered")


def wires(count: int) -> list[Wire]:
    return [Wire(id=n, first_exchange=20 * n, first_packet=100 * n) for n in range(2, 2 + count)]


def run(wire: Wire, requests: int, *, pause: float = 0.0) -> float:
    """Healthy exchanges; when the last response had come."""
    at = 0.0
    for _ in range(requests):
        wire.ok(at)
        at += wire.rtt + 1 + pause
    return at - 1 - pause


def test_the_same_number_of_requests_on_every_connection_is_a_limit() -> None:
    others = wires(3)
    for number, wire in enumerate(others):
        wire.close(SERVER, "fin", run(wire, 5, pause=10 * number) + 0.3)
    wire = Wire()
    at = run(wire, 5)
    findings = diagnose([lost(wire, at + 2, sent_at=at + 1), *(w.done() for w in others)])
    finding = only(findings)
    assert (finding.code, finding.fault, finding.certainty) == (
        "server-max-requests-close",
        "server",
        "likely",
    )
    assert "with the answer to request 5" in finding.claim
    assert finding.retry_safe is True


def test_a_connection_that_carried_more_refutes_the_limit() -> None:
    others = wires(3)
    for wire in others:
        wire.close(SERVER, "fin", run(wire, 5) + 0.3)
    longer = Wire(id=9, first_exchange=200, first_packet=1000)
    run(longer, 7)
    wire = Wire()
    at = run(wire, 5)
    finding = only(diagnose([lost(wire, at + 2, sent_at=at + 1), *(w.done() for w in others), longer.done()]))
    assert finding.code == "close-unannounced-after-response"


def test_equal_numbers_before_idle_closes_are_no_limit() -> None:
    """A program that asks five times and then pauses: the idle timer made those closes."""
    others = wires(3)
    for wire in others:
        wire.close(SERVER, "fin", run(wire, 5) + 1000)
    wire = Wire()
    at = run(wire, 5)
    finding = only(diagnose([lost(wire, at + 1000), *(w.done() for w in others)]))
    assert finding.code == "keepalive-idle-race"


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


def test_a_close_with_the_response_that_did_not_announce_it_is_the_server_s() -> None:
    wire = Wire()
    at = run(wire, 2)
    finding = only(diagnose([lost(wire, at + 2, sent_at=at + 1)]))
    assert finding.code == "close-unannounced-after-response"
    assert (finding.fault, finding.certainty, finding.retry_safe) == ("server", "likely", True)


@pytest.mark.parametrize("margin", [6, 94])
def test_a_client_that_went_on_at_once_after_the_unannounced_close_is_excused(margin: float) -> None:
    """Seen with curl, on a busy machine and because it does not look into what came."""
    wire = Wire()
    at = run(wire, 2)
    wire.close(SERVER, "close_notify", at)
    wire.ask(at + margin)
    wire.close(SERVER, "rst", at + margin + 80, bare=True)
    finding = only(diagnose([wire.done("unanswered")]))
    assert (finding.code, finding.fault) == ("close-unannounced-after-response", "server")


def test_a_client_that_had_the_unannounced_close_before_it_sent_is_at_fault_itself() -> None:
    wire = Wire()
    at = run(wire, 2)
    wire.close(SERVER, "fin", at + 0.2)
    wire.ack(CLIENT, at + 0.3)
    wire.ask(at + 300)
    wire.close(SERVER, "rst", at + 380, bare=True)
    assert only(diagnose([wire.done("unanswered")])).code == "stale-connection-reuse"


def test_other_idle_connections_that_ended_by_reset_are_counted() -> None:
    others = wires(2)
    for number, wire in enumerate(others):
        run(wire, 1)
        wire.close(SERVER, "rst", 1080 + number)
    wire = Wire()
    run(wire, 1)
    wire.ask(1050)
    wire.close(SERVER, "rst", 1080, ack=99)
    finding = only(diagnose([wire.done("unanswered"), *(w.done() for w in others)]))
    assert finding.code == "idle-close-by-reset"
    assert "It ended 3 idle connections like this, after 1.000 s to 1.001 s" in finding.claim
