"""TLS 1.3 as no library sends it on demand: early data, key updates, padding, odd cuts."""

from __future__ import annotations

import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plainwire.model import Side
from tests.tls.crafted import (
    ALERT,
    APPLICATION,
    CHANGE,
    EARLY_DATA,
    END_OF_EARLY_DATA,
    HANDSHAKE,
    KEY_UPDATE,
    RANDOM,
    SUITES,
    Crafted,
    Sealer,
    hello,
    message,
    record,
)
from tests.tls.live import CLIENT, SERVER, Live, Piece, contexts, read


def opened(crafted: Crafted) -> list[Piece]:
    """A handshake."""
    return [
        (CLIENT, crafted.client_hello()),
        (SERVER, crafted.server_flight()),
        (CLIENT, crafted.client_finished()),
    ]


@pytest.mark.parametrize("suite", SUITES)
def test_each_suite_of_tls_1_3(suite: int) -> None:
    crafted = Crafted(suite)
    wire = [*opened(crafted), (CLIENT, crafted.client.seal(b"ask")), (SERVER, crafted.server.seal(b"answer"))]
    reading = read(wire, crafted.key_log())
    assert reading.texts == (b"ask", b"answer")
    assert reading.session.info.cipher_suite == SUITES[suite][0]
    assert reading.session.info.handshake_complete


@pytest.mark.parametrize("suite", SUITES)
def test_key_updates_of_both_sides(suite: int) -> None:
    crafted = Crafted(suite)
    wire = opened(crafted)
    sealers: dict[Side, Sealer] = {CLIENT: crafted.client, SERVER: crafted.server}
    for side in (CLIENT, SERVER, SERVER):
        wire.append((side, sealers[side].seal(b"before ")))
        wire.append((side, sealers[side].seal(message(KEY_UPDATE, b"\0"), HANDSHAKE)))
        sealers[side] = sealers[side].updated()
        wire.append((side, sealers[side].seal(b"after ")))
    assert read(wire, crafted.key_log()).texts == (b"before after ", b"before after before after ")


def test_padding_is_no_text() -> None:
    crafted = Crafted()
    texts = [(b"one", 100), (b"", 50), (b"", 0), (b"two\0", 1), (b"three", 0)]
    wire = [*opened(crafted), *((CLIENT, crafted.client.seal(t, padding=n)) for t, n in texts)]
    reading = read(wire, crafted.key_log())
    assert reading.texts[CLIENT] == b"onetwo\0three"
    assert reading.reasons == []


def test_a_close_notify_stands_where_its_record_does() -> None:
    crafted = Crafted()
    wire = [*opened(crafted), (SERVER, crafted.server.seal(b"bye"))]
    before = sum(len(data) for side, data in wire if side == SERVER)
    closing = crafted.server.seal(b"\1\0", ALERT)
    alerts = read([*wire, (SERVER, closing)], crafted.key_log()).alerts
    assert [(a.side, a.description, a.fatal, a.start, a.end) for a in alerts] == [
        (SERVER, 0, False, before, before + len(closing))
    ]


@given(st.lists(st.integers(1, 60), min_size=1, max_size=12))
def test_a_handshake_split_over_records(sizes: list[int]) -> None:
    crafted = Crafted()
    whole = hello(client=True)
    records, at = b"", 0
    for size in sizes:
        records += record(HANDSHAKE, whole[at : at + size], 0x0301) if whole[at : at + size] else b""
        at += size
    records += record(HANDSHAKE, whole[at:], 0x0301) if whole[at:] else b""
    wire = [(CLIENT, records), *opened(crafted)[1:], (CLIENT, crafted.client.seal(b"ask"))]
    assert read(wire, crafted.key_log()).texts[CLIENT] == b"ask"


def test_early_data_that_the_server_took() -> None:
    crafted = Crafted()
    wire = [
        (CLIENT, crafted.client_hello(EARLY_DATA)),
        (CLIENT, crafted.early.seal(b"early ")),
        (SERVER, crafted.server_flight(EARLY_DATA)),
        (CLIENT, crafted.early.seal(message(END_OF_EARLY_DATA), HANDSHAKE)),
        (CLIENT, crafted.client_finished()),
        (CLIENT, crafted.client.seal(b"late")),
    ]
    assert read(wire, crafted.key_log()).texts[CLIENT] == b"early late"
    reading = read(wire, crafted.key_log(without="CLIENT_EARLY_TRAFFIC_SECRET"))
    assert reading.texts[CLIENT] == b"late"
    assert "CLIENT_EARLY_TRAFFIC_SECRET" in reading.reasons[0].text


def test_early_data_that_the_server_refused_is_no_text() -> None:
    crafted = Crafted()
    wire = [
        (CLIENT, crafted.client_hello(EARLY_DATA)),
        (CLIENT, crafted.early.seal(b"early ")),
        (SERVER, crafted.server_flight()),
        (CLIENT, crafted.client_finished()),
        (CLIENT, crafted.client.seal(b"again")),
    ]
    for without in ("", "CLIENT_EARLY_TRAFFIC_SECRET"):
        reading = read(wire, crafted.key_log(without=without))
        assert reading.texts[CLIENT] == b"again"
        assert reading.reasons == []


@pytest.mark.parametrize("size", range(18))
def test_a_record_too_short_for_its_tag_does_not_authenticate(size: int) -> None:
    crafted = Crafted()
    wire = [*opened(crafted), (SERVER, record(APPLICATION, bytes(size)))]
    reasons = read(wire, crafted.key_log()).reasons
    assert [(r.side, r.text) for r in reasons] == [(SERVER, "wrong secret (MAC failed at record 3)")]


def test_a_record_longer_than_any_is_no_record() -> None:
    crafted = Crafted()
    wire = [*opened(crafted), (SERVER, b"\x17\x03\x03\xff\xff" + bytes(70_000))]
    assert [r.text for r in read(wire, crafted.key_log()).reasons] == [
        "no TLS record where record 3 should begin"
    ]


def test_a_suite_that_is_not_supported_is_named() -> None:
    encrypted = [(side, record(CHANGE, b"\1") + record(HANDSHAKE, bytes(range(60)))) for side in Side]
    reading = read([*_hellos(0x0081), *encrypted], b"")
    assert {(r.side, r.text) for r in reading.reasons} == {
        (side, "unsupported suite TLS_GOSTR341001_WITH_28147_CNT_IMIT") for side in Side
    }


def test_a_compression_that_is_not_supported_is_named() -> None:
    wire = [*_hellos(0xC02F, compression=64), (CLIENT, record(CHANGE, b"\1"))]
    assert [r.text for r in read(wire, b"").reasons] == ["unsupported compression method 64"]


@pytest.mark.parametrize("suite", [0x000A, 0xC02F])
def test_a_clear_alert_after_the_hellos_is_seen_whatever_the_suite(suite: int) -> None:
    reading = read([*_hellos(suite), (CLIENT, record(ALERT, b"\2\x30"))], b"")
    assert [(a.side, a.description, a.fatal) for a in reading.alerts] == [(CLIENT, 48, True)]
    assert reading.reasons == []  # nothing came that could not be read


def test_a_heartbeat_before_encryption_hides_nothing() -> None:
    """RFC 6520; in clear text it is how Heartbleed asks."""
    live = Live(*contexts(ssl.TLSVersion.TLSv1_2))
    live.say(CLIENT, b"ask")
    wire = [live.wire[0], (CLIENT, record(24, b"\1\x40\0")), *live.wire[1:]]
    assert read(wire, live.key_log).texts[CLIENT] == b"ask"


def _hellos(suite: int, compression: int = 0) -> list[Piece]:
    """Of TLS 1.2."""
    body = b"\3\3" + RANDOM + b"\0" + suite.to_bytes(2, "big") + bytes([compression])
    return [(CLIENT, record(HANDSHAKE, hello(client=True))), (SERVER, record(HANDSHAKE, message(2, body)))]


@given(st.binary(max_size=120), st.sampled_from(Side))
def test_any_bytes_for_a_hello(body: bytes, side: Side) -> None:
    wire = [(side, record(HANDSHAKE, message(1 if side == CLIENT else 2, body)))]
    assert read(wire, b"").texts == (b"", b"")


@given(st.data())
def test_a_cut_hello_is_damaged_or_read_but_never_an_error(data: st.DataObject) -> None:
    whole = hello(client=True, extensions=bytes.fromhex("0000000f000d00000a") + b"name.test!")
    body = whole[4 : data.draw(st.integers(4, len(whole)))]
    reading = read([(CLIENT, record(HANDSHAKE, message(1, body)))], b"")
    random = reading.session.info.client_random
    assert random == RANDOM or "the ClientHello is damaged" in [r.text for r in reading.reasons]
