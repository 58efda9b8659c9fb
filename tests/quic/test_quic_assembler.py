"""Which datagrams are QUIC, and whose they are."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plainwire.model import Endpoint
from plainwire.quic import quic_assembler
from plainwire.quic.quic_assembler import NOT_SEEN_TO_BEGIN, TOO_SMALL, UNKNOWN_VERSION
from plainwire.tls.keylog import KeyLog
from tests.quic.test_quic_connection import ANSWER, QUESTION, talk
from tests.quic.wire import AWAY, CLIENT, HOME, SERVER, START_NS, Columns, Sent, read

if TYPE_CHECKING:
    from tests.quic.talk import Talk

DNS_CLIENT, DNS = Endpoint("192.0.2.1", 40000), Endpoint("192.0.2.53", 53)
QUERY = bytes.fromhex("c3f0010000010000000000000377777707657861 6d706c6503636f6d0000010001".replace(" ", ""))


@pytest.fixture(scope="module")
def made() -> Talk:
    return talk()


def test_dns_is_no_quic(made: Talk) -> None:
    junk = [Sent(bytes((first,)) + QUERY[1:], DNS_CLIENT, DNS) for first in range(256)]
    wire = [sent for pair in zip(junk, made.wire, strict=False) for sent in pair] + made.wire[len(junk) :]
    reading = read(wire, made.key_log)
    assert reading.only.packets == len(made.wire)
    assert reading.text(0, SERVER) == ANSWER


def test_datagrams_of_a_connection_that_began_before_the_capture_are_counted(made: Talk) -> None:
    wire = [sent for sent in made.wire if not sent.data[0] & 0x80]
    reading = read(wire, made.key_log)
    assert reading.connections == []
    assert reading.assembler.passed_over == {NOT_SEEN_TO_BEGIN: len(wire)}


def test_a_handshake_whose_first_flight_was_not_captured(made: Talk) -> None:
    first = next(n for n, sent in enumerate(made.wire) if sent.source == AWAY)
    reading = read(made.wire[first:], made.key_log)
    facts = reading.only
    assert facts.mid_stream
    assert facts.roles_guessed
    assert (facts.client, facts.server) == (HOME, AWAY)
    assert facts.undecrypted[0].reason == "handshake not captured"


def test_a_first_flight_that_was_captured_behind_the_answer(made: Talk) -> None:
    first = next(n for n, sent in enumerate(made.wire) if sent.source == AWAY)
    wire = [made.wire[first], *made.wire[:first], *made.wire[first + 1 :]]
    reading = read(wire, made.key_log)
    facts = reading.only
    assert (facts.client, facts.mid_stream, facts.roles_guessed) == (HOME, False, False)
    assert (reading.text(0, CLIENT), reading.text(0, SERVER)) == (QUESTION, ANSWER)


def test_a_server_on_an_unusual_port_is_known_by_the_first_flight() -> None:
    """Even where the answer came first, and the ports say otherwise."""
    odd = talk()
    home, away = Endpoint("192.0.2.1", 443), Endpoint("198.51.100.7", 4433)
    ends = {HOME: home, AWAY: away}
    wire = [sent._replace(source=ends[sent.source], target=ends[sent.target]) for sent in odd.wire]
    reading = read([wire[1], wire[0], *wire[2:]], odd.key_log)
    assert (reading.only.client, reading.only.server) == (home, away)
    assert reading.text(0, SERVER) == ANSWER


def test_only_one_direction_was_captured(made: Talk) -> None:
    for end, stream in ((HOME, (0, CLIENT)), (AWAY, (0, SERVER))):
        reading = read([sent for sent in made.wire if sent.source == end], made.key_log)
        assert (reading.text(*stream) != b"") == (end == HOME)
        assert reading.only.quic is not None
        assert reading.only.quic.answered
        if end == HOME:
            assert reading.text(*stream) == QUESTION
            assert reading.only.undecrypted == []
        else:
            assert reading.only.undecrypted[0].reason == "handshake not captured"


def version_negotiation(client: bytes, server: bytes, versions: list[int]) -> bytes:
    """RFC 9000 section 17.2.1."""
    ids = bytes((len(client),)) + client + bytes((len(server),)) + server
    return b"\x80" + bytes(4) + ids + b"".join(struct.pack(">I", version) for version in versions)


def test_a_version_that_the_server_does_not_know() -> None:
    later = talk()
    first = bytes.fromhex("c0 1a2a3a4a 08") + bytes(range(8)) + b"\x08" + bytes(range(8, 16)) + bytes(1200)
    answer = version_negotiation(bytes(range(8, 16)), bytes(range(8)), [1, 0x6B3343CF, 0x0A0A0A0A])
    wire = [Sent(first, HOME, AWAY), Sent(answer, AWAY, HOME), *later.wire]
    reading = read(wire, later.key_log)
    facts = reading.only
    assert facts.quic is not None
    assert (facts.quic.first_version, facts.quic.version) == ("0x1A2A3A4A", "QUIC v1")
    (event,) = (e for e in facts.events if e.kind == "version_negotiation")
    assert (event.side, event.packet) == (SERVER, 2)
    assert event.detail == "the server knows QUIC v1, QUIC v2, 0x0A0A0A0A"
    assert reading.text(0, SERVER) == ANSWER


def test_only_an_unknown_version_was_seen() -> None:
    first = bytes.fromhex("c0 1a2a3a4a 08") + bytes(range(8)) + b"\x08" + bytes(range(8, 16)) + bytes(1200)
    facts = read([Sent(first)]).only
    assert facts.quic is not None
    assert not facts.quic.answered
    (reason,) = facts.undecrypted
    assert reason.reason == "version 0x1A2A3A4A of QUIC is not supported"


@pytest.mark.parametrize(
    ("datagram", "called"),
    [
        (b"\x0d" + bytes(range(8)) + b"Q043\x01" + bytes(1300), "gQUIC Q043"),
        (b"\xc3Q046\x50" + bytes(range(8)) + bytes(1300), "gQUIC Q046"),
    ],
)
def test_google_quic_is_named_and_not_decoded(datagram: bytes, called: str) -> None:
    facts = read([Sent(datagram), Sent(b"\x00" + bytes(60), AWAY, HOME)]).only
    assert facts.packets == 2
    assert facts.application == called
    assert [u.reason for u in facts.undecrypted] == [f"{called} is not decoded"]


def test_a_long_header_of_who_knows_what_is_counted() -> None:
    """If it is as large as the first datagram of a connection has to be."""
    head = bytes.fromhex("c5 77777777 08") + bytes(9)
    reading = read([Sent(head + bytes(1200)), Sent(head + bytes(100))])
    assert reading.connections == []
    assert reading.assembler.passed_over == {UNKNOWN_VERSION: 1}


def test_a_datagram_cut_by_the_snap_length(made: Talk) -> None:
    wire = [sent._replace(cut=max(len(sent.data) - 96, 0)) for sent in made.wire]
    facts = read(wire, made.key_log).only
    assert facts.snapped
    assert "packet 1 was cut by the snap length" in [u.reason for u in facts.undecrypted]


def test_a_cut_in_the_middle_of_a_connection_is_a_gap(made: Talk) -> None:
    big = [n for n, sent in enumerate(made.wire) if sent.source == AWAY and len(sent.data) > 1000]
    wire = list(made.wire)
    wire[big[-3]] = wire[big[-3]]._replace(cut=500)
    reading = read(wire, made.key_log)
    assert reading.only.snapped
    assert len(reading.gaps) == 1


def test_a_stateless_reset_names_who_forgot() -> None:
    """RFC 9000 section 10.3: the server's token is in its transport parameters."""
    own = talk()
    token = own.server._host_cids[0].stateless_reset_token
    assert token is not None
    reset = Sent(b"\x55" + bytes(40) + token, AWAY, HOME, own.now_ns)
    facts = read([*own.wire, reset], own.key_log).only
    close = facts.closes[0]
    assert (close.kind, close.side, close.packet) == ("stateless_reset", SERVER, len(own.wire) + 1)
    forged = Sent(b"\x55" + bytes(40) + bytes(16), AWAY, HOME, own.now_ns)
    assert read([*own.wire, forged], own.key_log).only.closes == []


def test_a_closed_connection_is_over_after_a_while() -> None:
    made = talk()
    made.server.close(error_code=0)
    made.run()
    later = [sent._replace(time_ns=sent.time_ns + quic_assembler.LINGER_NS + 10**9) for sent in talk().wire]
    assembler, columns = quic_assembler.QuicAssembler(), Columns()
    keys = KeyLog()
    keys.add(made.key_log)
    touched, over = assembler.feed(columns.batch([*made.wire, *later]), keys)
    assert [c.facts.id for c in touched] == [1, 2]
    assert [c.facts.id for c in over] == [1]
    assert over[0].finish().closes[0].side is SERVER


def test_a_silent_connection_says_until_when_it_was_watched(made: Talk) -> None:
    late = START_NS + 120 * 10**9
    reading = read([*made.wire, Sent(QUERY, DNS_CLIENT, DNS, late)], made.key_log)
    info = reading.only.quic
    assert info is not None
    assert info.watched_until_ns == late
    assert info.idle_timeout_ns == 60 * 10**9


def test_the_number_of_connections_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quic_assembler, "MOST_OPEN", 5)
    head = bytes.fromhex("c0 00000001 08")
    wire = [
        Sent(head + number.to_bytes(8, "big") + bytes.fromhex("0000 4030") + bytes(48))
        for number in range(50)
    ]
    assembler, columns = quic_assembler.QuicAssembler(), Columns()
    _, over = assembler.feed(columns.batch(wire), KeyLog())
    assert len(over) == 45
    assert len(assembler.close()) == 5


def test_after_very_many_connections_small_datagrams_begin_no_more(
    monkeypatch: pytest.MonkeyPatch, made: Talk
) -> None:
    monkeypatch.setattr(quic_assembler, "MANY_OPENED", 5)
    head = bytes.fromhex("c0 00000001 08")
    small = [
        Sent(
            head + number.to_bytes(8, "big") + bytes.fromhex("0000 4030") + bytes(48),
            Endpoint("192.0.2.9", 9),
        )
        for number in range(50)
    ]
    reading = read([*small, *made.wire], made.key_log)
    assert reading.assembler.passed_over == {TOO_SMALL: 45}
    assert len(reading.connections) == 6
    assert reading.connections[-1].decrypted


def test_ids_and_paths_are_forgotten_with_their_connection(made: Talk) -> None:
    later = [sent._replace(time_ns=sent.time_ns + quic_assembler.IDLE_NS + 10**9) for sent in talk().wire]
    reading = read([*made.wire, *later], step=50)
    assert len(reading.connections) == 2
    again = read([*made.wire, later[0]], made.key_log, step=1)
    assert len(again.assembler._ids) == 0


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_capture_with_holes_repeats_junk_and_another_order(made: Talk, data: st.DataObject) -> None:
    wire = list(made.wire)
    for _ in range(data.draw(st.integers(0, 30))):
        at = data.draw(st.integers(0, len(wire) - 1))
        match data.draw(st.integers(0, 4)):
            case 0:
                del wire[at]
            case 1:
                wire.insert(data.draw(st.integers(0, len(wire) - 1)), wire[at])
            case 2:
                wire[at] = wire[at]._replace(cut=data.draw(st.integers(0, len(wire[at].data))))
            case 3:
                changed = bytearray(wire[at].data)
                changed[data.draw(st.integers(0, len(changed) - 1))] ^= data.draw(st.integers(1, 255))
                wire[at] = wire[at]._replace(data=bytes(changed))
            case _:
                wire.insert(
                    at, Sent(data.draw(st.binary(min_size=1, max_size=60)), HOME, AWAY, wire[at].time_ns)
                )
    whole = read(wire, made.key_log)
    pieces = read(wire, made.key_log, step=data.draw(st.integers(1, 20)))
    assert pieces.connections == whole.connections
    assert pieces.texts == whole.texts
    for texts in whole.texts:  # whatever was read was said
        for (stream, side), text in texts.items():
            said = made.said.get((stream, side), b"")
            if not whole.gaps:
                assert said.startswith(text)
            assert len(text) <= len(said)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.binary(max_size=80), max_size=20))
def test_any_datagrams(junk: list[bytes]) -> None:
    wire = [Sent(data, *((HOME, AWAY), (AWAY, HOME))[number % 2]) for number, data in enumerate(junk)]
    read(wire)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(range(0x80, 0x100, 8)), st.binary(max_size=80)), max_size=20))
def test_any_datagrams_that_claim_to_be_quic(junk: list[tuple[int, bytes]]) -> None:
    wire = [Sent(bytes((first,)) + b"\0\0\0\1\4abcd\4efgh" + data) for first, data in junk]
    reading = read(wire)
    assert len(reading.connections) <= len(wire)
