"""Whether enough was captured for absence to be evidence."""

from __future__ import annotations

from plainwire.diagnose.evidence.captured import is_damaged, is_whole, server_was_seen
from plainwire.model import Gap, QuicInfo, Side
from tests.diagnose.opening import Opening
from tests.diagnose.wire import CLIENT, SERVER, Wire


def test_a_hole_that_the_receiver_did_not_get_either_is_no_hole_of_the_capture() -> None:
    wire = Wire()
    wire.ok(0)
    hole = Gap(SERVER, 200, 50, 2)
    assert is_whole(wire.done())
    wire.ack(CLIENT, 200, ack=200)
    lost = wire.done()
    lost.gaps = [hole]
    assert is_whole(lost)
    wire.ack(CLIENT, 300, ack=250)
    taken = wire.done()
    taken.gaps = [hole]
    assert not is_whole(taken)


def test_packets_of_quic_that_were_acknowledged_and_are_not_there_are_missing() -> None:
    connection = Wire().done()
    connection.quic = QuicInfo()
    connection.quic.acknowledged[Side.CLIENT] = [(0, 1, 0, 3)]
    connection.quic.numbers[Side.SERVER] = [(1, 0), (2, 1), (3, 2), (4, 3)]
    assert is_whole(connection)
    del connection.quic.numbers[Side.SERVER][2]
    assert not is_whole(connection)


def test_a_hole_damages_the_exchange_around_it_and_no_other() -> None:
    wire = Wire()
    first, second, third = wire.ok(0), wire.ok(200), wire.ok(400)
    wire.ack(CLIENT, 600)
    connection = wire.done()
    assert second.response is not None
    connection.gaps = [Gap(SERVER, second.response.start, 10, second.response.packet)]
    assert [is_damaged(connection, each) for each in (first, second, third)] == [False, True, False]


def test_a_server_was_seen_if_anything_of_it_is_there() -> None:
    assert not server_was_seen(Opening().syn(0).done())
    alone = Opening().syn(0)
    alone.segment(CLIENT, 80)
    assert not server_was_seen(alone.done())
    assert server_was_seen(Opening().syn(0).accept().done())
