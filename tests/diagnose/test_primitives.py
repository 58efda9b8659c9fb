"""The facts on which the rules rest."""

from __future__ import annotations

import msgspec

from plainwire.diagnose import clock, primitives
from plainwire.model import Endpoint
from tests.diagnose.wire import CLIENT, MS, SERVER, Wire


def test_the_round_trip_is_the_smallest_seen() -> None:
    wire = Wire(rtt=80)
    wire.ask(0)
    wire.ack(SERVER, 50, ack=99)
    assert primitives.shortest_rtt(wire.done()) == 50 * MS


def test_a_retransmitted_request_gives_no_round_trip() -> None:
    """The acknowledgment 2 ms after the second copy answers the first one."""
    wire = Wire(rtt=80)
    wire.ask(0)
    wire.segment(CLIENT, 78, length=99, seq=0)
    wire.ack(SERVER, 80, ack=99)
    assert primitives.shortest_rtt(wire.done()) == 80 * MS


def test_a_repeated_fin_is_not_the_first_close() -> None:
    wire = Wire()
    wire.ok(0)
    wire.close(SERVER, "fin", 1080)
    wire.closes.append(msgspec.structs.replace(wire.close(SERVER, "fin", 1300), repeated=True))
    del wire.closes[1]
    connection = wire.done()
    first = primitives.first_close(connection, SERVER)
    assert first is not None
    assert first.packet == 3


def test_an_alert_that_ends_nothing_is_no_close() -> None:
    wire = Wire()
    wire.ok(0)
    wire.close(SERVER, "alert", 1000, detail="no_renegotiation")
    assert primitives.first_close(wire.done(), SERVER) is None


def test_loopback_and_one_address_are_one_host() -> None:
    def pair(client: str, server: str) -> bool:
        return primitives.on_one_host(Wire(client=Endpoint(client, 1), server=Endpoint(server, 2)).done())

    assert pair("127.0.0.1", "127.0.0.2")
    assert pair("::1", "::1")
    assert pair("192.0.2.7", "192.0.2.7")
    assert not pair("192.0.2.7", "192.0.2.8")
    assert not pair("127.0.0.1", "192.0.2.8")


def test_an_announced_close_is_told_from_one_that_was_not() -> None:
    wire = Wire()
    wire.ok(0, close=True)
    wire.close(SERVER, "fin", 2080)
    close = clock.idle_close(wire.done())
    assert close is not None
    assert close.announced
