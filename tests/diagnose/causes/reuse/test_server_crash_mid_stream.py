"""Resets at one moment, and nobody listening afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import diagnose
from tests.diagnose.wire import CLIENT, SERVER, Wire, only

if TYPE_CHECKING:
    from plainwire.model import Connection


def cut(number: int, at: float) -> Connection:
    wire = Wire(id=number, first_exchange=10 * number, first_packet=100 * number)
    wire.ok(0)
    wire.ask(500, f"/{number}")
    wire.close(SERVER, "rst", at)
    return wire.done("unanswered")


def attempt(at: float, *, refused: bool = True) -> Connection:
    wire = Wire(id=9, first_exchange=90, first_packet=900, start=at)
    if not refused:
        wire.ok(0)
        return wire.done()
    wire.segment(CLIENT, 0, flags=0x02, seq=-1, ack=-1)
    wire.close(SERVER, "rst", 80, ack=0)
    connection = wire.done()
    connection.established, connection.tls, connection.rtt_syn_ns = False, None, None
    return connection


def codes(*connections: Connection) -> set[str]:
    return {finding.code for finding in diagnose(connections)}


def test_resets_at_one_moment_and_a_refusal_afterwards_are_the_end_of_the_process() -> None:
    findings = diagnose([cut(1, 600), cut(2, 610), attempt(5000)])
    finding = next(f for f in findings if f.code == "server-crash-mid-stream")
    assert (finding.fault, finding.certainty, finding.exchanges) == ("server", "likely", [11, 21])
    assert "2 connections were reset within 50 ms" in finding.claim
    assert 901 in finding.packets


def test_one_reset_with_a_refusal_at_once_too() -> None:
    assert "server-crash-mid-stream" in codes(cut(1, 600), attempt(700))
    assert "server-crash-mid-stream" not in codes(cut(1, 600), attempt(5000))


def test_a_server_that_takes_new_connections_did_not_end() -> None:
    assert "server-crash-mid-stream" not in codes(cut(1, 600), cut(2, 610), attempt(700, refused=False))


def test_a_refusal_before_the_reset_says_nothing() -> None:
    assert "server-crash-mid-stream" not in codes(cut(1, 600), cut(2, 610), attempt(100))


def test_without_a_refusal_it_is_a_reset_in_mid_request() -> None:
    assert only(diagnose([cut(1, 600), cut(2, 610)])).code == "reset-mid-request"
