"""Holes and damage inside TLS: only what authenticates is read, and the work is bounded."""

from __future__ import annotations

import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plainwire.model import Gap
from plainwire.tls.session import TlsSession
from tests.tls.crafted import EARLY_DATA, HANDSHAKE, KEY_UPDATE, Crafted, message
from tests.tls.live import CLIENT, SERVER, Hole, Live, Piece, contexts, keys_of, read


def opened(crafted: Crafted) -> list[Piece | Hole]:
    return [
        (CLIENT, crafted.client_hello()),
        (SERVER, crafted.server_flight()),
        (CLIENT, crafted.client_finished()),
    ]


def test_a_gap_in_the_text_says_where_the_bytes_were_and_at_which_packet() -> None:
    crafted = Crafted()
    session = TlsSession(keys_of(crafted.key_log()))
    at = 0
    for side, data in opened(crafted):
        if isinstance(data, bytes):
            session.feed(side, 0 if side == CLIENT else at, data)
            at += len(data) if side == SERVER else 0
        session.advance()
    records = [crafted.server.seal(b"%d" % number * 50) for number in range(6)]
    session.feed(SERVER, at, records[0] + records[1][:9])
    start = at + len(records[0])
    lost = len(records[1]) - 9 + len(records[2]) + 5
    session.gap(Gap(SERVER, start + 9, lost, packet=77))
    session.feed(SERVER, start + 9 + lost, records[3][5:] + records[4] + records[5])
    session.advance()
    end = start + sum(len(each) for each in records[1:4])
    assert session.plain(SERVER) == [
        (b"0" * 50, at, start),
        Gap(SERVER, start, end - start, 77),
        (b"4" * 50, end, end + len(records[4])),
        (b"5" * 50, end + len(records[4]), end + len(records[4]) + len(records[5])),
    ]


def test_a_hole_in_the_handshake_hides_no_text() -> None:
    """The certificates are lost, and with them the server's Finished."""
    crafted = Crafted()
    flight = crafted.server_flight()
    wire: list[Piece | Hole] = [
        (CLIENT, crafted.client_hello()),
        (SERVER, flight[:-30]),
        (SERVER, 30),
        (SERVER, crafted.server.seal(b"answer")),
        (CLIENT, crafted.client_finished() + crafted.client.seal(b"ask")),
    ]
    reading = read(wire, crafted.key_log())
    assert reading.runs == ([b"ask"], [b"answer"])
    assert reading.reasons == []


def test_a_key_update_in_the_hole() -> None:
    crafted = Crafted()
    update = crafted.server.seal(b"before"), crafted.server.seal(message(KEY_UPDATE, b"\0"), HANDSHAKE)
    updated = crafted.server.updated()
    lost = updated.seal(b"lost")
    wire = [
        *opened(crafted),
        (SERVER, update[0]),
        (SERVER, len(update[1] + lost)),
        (SERVER, updated.seal(b"on")),
    ]
    assert read(wire, crafted.key_log()).runs[SERVER] == [b"before", b"on"]


def test_the_server_s_answer_to_early_data_is_lost() -> None:
    crafted = Crafted()
    flight = crafted.server_flight(EARLY_DATA)
    wire: list[Piece | Hole] = [
        (CLIENT, crafted.client_hello(EARLY_DATA)),
        (CLIENT, crafted.early.seal(b"early ")),
        (SERVER, flight[:-30]),
        (SERVER, 30),
        (CLIENT, crafted.client_finished() + crafted.client.seal(b"ask")),
    ]
    reading = read(wire, crafted.key_log())
    assert reading.texts[CLIENT] == b"ask"
    assert "early data: the server's answer to them could not be read" in [r.text for r in reading.reasons]


def test_a_damaged_record_is_named_and_the_next_one_read() -> None:
    crafted = Crafted()
    records = [crafted.server.seal(b"%d" % number) for number in range(4)]
    damaged = records[1][:-1] + bytes([records[1][-1] ^ 1])
    reading = read(
        [*opened(crafted), (SERVER, records[0] + damaged + records[2] + records[3])], crafted.key_log()
    )
    assert reading.runs[SERVER] == [b"0", b"23"]
    assert [(r.side, r.text) for r in reading.reasons] == [(SERVER, "record 4 is damaged (MAC failed)")]


def test_junk_between_records_hides_nothing() -> None:
    crafted = Crafted()
    wire = [*opened(crafted), (SERVER, crafted.server.seal(b"a") + b"junk!" + crafted.server.seal(b"b"))]
    reading = read(wire, crafted.key_log())
    assert reading.runs[SERVER] == [b"ab"]
    assert [r.text for r in reading.reasons] == ["no TLS record where record 4 should begin"]


@pytest.mark.parametrize("suite", ["AES128-SHA", "AES128-GCM-SHA256", "ECDHE-RSA-CHACHA20-POLY1305"])
def test_a_hole_in_the_clear_part_of_tls_1_2(suite: str) -> None:
    """The certificate is lost; the Finished behind it proves the keys."""
    live = Live(*contexts(ssl.TLSVersion.TLSv1_2, ciphers=suite, key="rsa"))
    live.say(CLIENT, b"ask")
    live.say(SERVER, b"answer")
    wire: list[Piece | Hole] = []
    for number, (side, data) in enumerate(live.wire):
        wire += [(side, data[:200]), (side, 300), (side, data[500:])] if number == 1 else [(side, data)]
    reading = read(wire, live.key_log)
    assert reading.runs == ([b"ask"], [b"answer"])
    assert reading.reasons == []


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_behind_a_hole_records_that_hang_on_those_before_stay_unread(version: ssl.TLSVersion) -> None:
    """TLS 1.0 in CBC needs the end of the record before; TLS 1.1 does not."""
    live = Live(*contexts(version, ciphers="AES128-SHA", key="rsa"))
    for number in range(9):
        live.say(SERVER, b"%d" % number * 100)
    *before, lost, last = live.wire
    reading = read([*before, (SERVER, len(lost[1])), last], live.key_log)
    if version == ssl.TLSVersion.TLSv1:
        assert len(reading.runs[SERVER]) == 1
        assert [r.text.rstrip("0123456789") for r in reading.reasons] == ["gap at record "]
    else:
        assert reading.runs[SERVER][-1] == b"8" * 100
        assert reading.reasons == []


@given(st.binary(max_size=3000), st.integers(1, 100_000))
def test_junk_behind_a_hole_ends_the_direction_with_the_record_it_was_at(junk: bytes, size: int) -> None:
    crafted = Crafted()
    headers = b"\x17\3\3\0\x20" + junk + b"\x17\3\3\0\x15" + junk
    wire = [*opened(crafted), (SERVER, crafted.server.seal(b"a")), (SERVER, size), (SERVER, headers)]
    reading = read(wire, crafted.key_log())
    assert reading.runs[SERVER] == [b"a"]
    assert [r.text for r in reading.reasons] == ["gap at record 4"]


def test_what_one_hole_may_cost_is_bounded() -> None:
    """Thousands of headers, each of which might be the record of thousands of numbers."""
    crafted = Crafted()
    wire = [*opened(crafted), (SERVER, 1 << 30), (SERVER, b"\x17\3\3\0\x20" + bytes(32))]
    wire += [(SERVER, b"\x17\3\3\0\x20" + bytes(32))] * 2000
    reading = read([*wire, (SERVER, crafted.server.seal(b"on"))], crafted.key_log())
    assert reading.texts[SERVER] == b""
    assert [r.text for r in reading.reasons] == ["gap at record 3"]
