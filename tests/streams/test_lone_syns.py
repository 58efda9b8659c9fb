"""A SYN without company costs next to nothing, and is a connection as soon as anything belongs to it."""

from __future__ import annotations

import pytest

from plainwire.model import RST, SYN, Side
from plainwire.packets.decode import Decoder
from plainwire.streams import lone_syns, tcp_assembler
from plainwire.streams.tcp_assembler import Assembler
from tests.builders.packets import CLIENT, SERVER
from tests.streams.wire import Wire, batch, everything, streams

MSS = bytes((2, 4, 5, 180))


def _attempts(count: int) -> list[Wire]:
    return [
        Wire((CLIENT[0], port), isn=(port, 5000)).client(-1, ack=None, flags=SYN, options=MSS)
        for port in range(10_000, 10_000 + count)
    ]


def test_what_comes_later_belongs_to_it() -> None:
    wire = Wire().client(-1, ack=None, flags=SYN, options=MSS).client(-1, ack=None, flags=SYN, at=1000)
    wire.server(-1, flags=SYN).client(0).client(0, b"ask")
    in_batches = wire.stream(range(len(wire.packets)))
    assert everything([in_batches]) == everything([wire.stream()])
    assert [(syn.packet, syn.options and syn.options.mss) for syn in in_batches.facts.syns] == [
        (1, 1460),
        (2, None),
        (3, None),
    ]


def test_one_that_nothing_came_of_is_a_connection_in_the_end() -> None:
    packets = [packet for wire in _attempts(3) for packet in wire.packets]
    found = streams(packets, range(3))
    assert [(str(s.facts.client), s.facts.established, s.facts.packets) for s in found] == [
        (f"{CLIENT[0]}:{port}", False, 1) for port in (10_000, 10_001, 10_002)
    ]


@pytest.mark.parametrize("refused", [False, True])
def test_a_flood_is_counted_and_its_first_attempts_are_told(
    monkeypatch: pytest.MonkeyPatch, *, refused: bool
) -> None:
    monkeypatch.setattr(lone_syns, "MOST_NOTED", 5)
    monkeypatch.setattr(tcp_assembler, "MOST_OPEN", 8)
    monkeypatch.setattr("plainwire.streams.attempts.MOST_KEPT", 4)
    monkeypatch.setattr("plainwire.streams.attempts.MOST_OF_OTHERS", 0)
    decoder, assembler = Decoder(), Assembler()
    over = []
    for number, wire in enumerate(_attempts(40), 1):
        if refused:
            wire.reset(Side.SERVER, 0, 0)
        over += assembler.feed(decoder.decode(batch(wire.packets, number)).segments)[1]
    over += assembler.close()
    assert len(over) == 4
    (key,), (count,) = assembler.attempts.counted, assembler.attempts.counted.values()
    assert (str(decoder.endpoints[key[0]]), key[1], count) == (f"{SERVER[0]}:{SERVER[1]}", refused, 36)
    assert assembler.given_up == 0


def test_a_connection_that_is_used_outlasts_a_flood(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp_assembler, "MOST_OPEN", 8)
    decoder, assembler = Decoder(), Assembler()
    used = Wire((CLIENT[0], 9_000)).opened().client(0, b"ask")
    assembler.feed(decoder.decode(batch(used.packets, 1)).segments)
    for wire in _attempts(40):
        wire.client(-1, ack=None, flags=SYN, at=1)  # again: no lone one any more
        assembler.feed(decoder.decode(batch(wire.packets, 10)).segments)
    more = Wire((CLIENT[0], 9_000)).server(0, b"answer", ack=3)
    touched, _ = assembler.feed(decoder.decode(batch(more.packets, 100)).segments)
    assert [(c.facts.packets, c.facts.mid_stream) for c in touched] == [(5, False)]


def test_where_too_many_are_used_the_one_that_was_silent_for_longest_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tcp_assembler, "MOST_OPEN", 4)
    decoder, assembler = Decoder(), Assembler()
    over = []
    for number in range(5):
        wire = Wire((CLIENT[0], 9_000 + number)).opened().client(0, b"ask", at=number)
        over += assembler.feed(decoder.decode(batch(wire.packets, 1)).segments)[1]
    assert [c.facts.client.port for c in over] == [9_000]
    assert assembler.given_up == 1


def test_no_packet_of_a_reset_alone_is_an_attempt() -> None:
    stream = Wire().add(Side.CLIENT, 0, flags=RST).stream()
    assert stream.facts.mid_stream
