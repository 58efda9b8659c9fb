"""Who closed first."""

from __future__ import annotations

import msgspec

from plainwire.diagnose.evidence.closes import client_first, first_close
from tests.diagnose.wire import CLIENT, SERVER, Wire


def test_a_repeated_fin_is_not_the_first_close() -> None:
    wire = Wire()
    wire.ok(0)
    wire.close(SERVER, "fin", 1080)
    wire.closes.append(msgspec.structs.replace(wire.close(SERVER, "fin", 1300), repeated=True))
    del wire.closes[1]
    connection = wire.done()
    first = first_close(connection, SERVER)
    assert first is not None
    assert first.packet == 3


def test_an_alert_that_ends_nothing_is_no_close() -> None:
    wire = Wire()
    wire.ok(0)
    wire.close(SERVER, "alert", 1000, detail="no_renegotiation")
    assert first_close(wire.done(), SERVER) is None


def test_who_had_the_other_s_close_closed_second_whatever_the_capture_s_order() -> None:
    wire = Wire()
    wire.ok(0)
    wire.close(CLIENT, "fin", 500, ack=201)  # it acknowledges the FIN that was captured behind it
    wire.close(SERVER, "fin", 501, seq=200)
    connection = wire.done()
    assert client_first(connection) is None
    assert connection.closed_by is SERVER
    wire = Wire()
    wire.ok(0)
    wire.close(CLIENT, "fin", 500)
    wire.close(SERVER, "fin", 501)
    assert client_first(wire.done()) is not None
    assert wire.done().closed_by is CLIENT
