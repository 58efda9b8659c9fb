"""Live handshakes of OpenSSL: what plainwire reads from the wire is what was said."""

from __future__ import annotations

import hashlib
import re
import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plainwire.model import Gap, Side
from plainwire.tls.alerts import name as alert_name
from plainwire.tls.session import MOST_WAITING, TlsSession
from tests.tls.live import (
    CLIENT,
    HOST,
    NO_ENCRYPT_THEN_MAC,
    SERVER,
    Hole,
    Live,
    Piece,
    contexts,
    cut,
    keys_of,
    read,
)

ASKED, ANSWERED = b"GET / HTTP/1.1\r\n\r\n", bytes(range(256)) * 100
TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
SUITES = {
    "ECDHE-ECDSA-AES128-GCM-SHA256": "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384": "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305": "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "ECDHE-ECDSA-AES128-SHA": "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "ECDHE-ECDSA-AES256-SHA": "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "ECDHE-ECDSA-AES128-SHA256": "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
    "ECDHE-ECDSA-AES256-SHA384": "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384",
    "ECDHE-RSA-AES128-GCM-SHA256": "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "ECDHE-RSA-AES256-GCM-SHA384": "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "ECDHE-RSA-CHACHA20-POLY1305": "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    "ECDHE-RSA-AES128-SHA256": "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
    "ECDHE-RSA-AES256-SHA384": "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384",
    "AES128-GCM-SHA256": "TLS_RSA_WITH_AES_128_GCM_SHA256",
    "AES256-GCM-SHA384": "TLS_RSA_WITH_AES_256_GCM_SHA384",
    "AES128-SHA": "TLS_RSA_WITH_AES_128_CBC_SHA",
    "AES256-SHA256": "TLS_RSA_WITH_AES_256_CBC_SHA256",
}
CBC = [name for name in SUITES if name.endswith(("SHA", "-AES128-SHA256", "AES256-SHA384", "-AES256-SHA256"))]


def talk(version: ssl.TLSVersion = TLS13, *, ciphers: str = "", key: str = "ec") -> Live:
    """One question, one long answer, and close_notify from both."""
    live = Live(*contexts(version, ciphers=ciphers, key=key))
    return _talk(live)


def _talk(live: Live) -> Live:
    live.say(CLIENT, ASKED)
    live.say(SERVER, ANSWERED)
    live.close(SERVER)
    live.close(CLIENT)
    return live


@pytest.fixture(scope="module")
def tls13() -> Live:
    return talk()


@pytest.fixture(scope="module")
def tls12() -> Live:
    return talk(TLS12)


@pytest.mark.parametrize("suite", SUITES)
def test_each_suite_of_tls_1_2(suite: str) -> None:
    live = talk(TLS12, ciphers=suite, key="ec" if "ECDSA" in suite else "rsa")
    reading = read(live.wire, live.key_log)
    assert reading.texts == (ASKED, ANSWERED)
    assert reading.reasons == []
    info = reading.session.info
    assert (info.version, info.cipher_suite) == ("TLS 1.2", SUITES[suite])
    assert info.handshake_complete


@pytest.mark.parametrize("suite", CBC)
def test_cbc_without_encrypt_then_mac(suite: str) -> None:
    client, server = contexts(TLS12, ciphers=suite, key="ec" if "ECDSA" in suite else "rsa")
    client.options |= NO_ENCRYPT_THEN_MAC
    live = _talk(Live(client, server))
    assert read(live.wire, live.key_log).texts == (ASKED, ANSWERED)


def test_tls_1_3_with_name_and_close_notify_of_both_sides(tls13: Live) -> None:
    reading = read(tls13.wire, tls13.key_log)
    assert reading.texts == (ASKED, ANSWERED)
    assert reading.reasons == []
    cipher = tls13.ends[0].cipher()
    assert cipher is not None
    info = reading.session.info
    assert (info.version, info.cipher_suite) == ("TLS 1.3", cipher[0])
    assert (info.server_name, info.resumed, info.handshake_complete) == (HOST, False, True)
    assert [(a.side, alert_name(a.description)) for a in reading.alerts] == [
        (SERVER, "close_notify"),
        (CLIENT, "close_notify"),
    ]


@pytest.mark.parametrize("version", [TLS12, TLS13])
def test_alpn_is_the_protocol_that_the_server_chose(version: ssl.TLSVersion) -> None:
    client, server = contexts(version)
    client.set_alpn_protocols(["h2", "http/1.1"])
    server.set_alpn_protocols(["http/1.1"])
    live = Live(client, server)
    assert read(live.wire, live.key_log).session.info.alpn == "http/1.1"


@pytest.mark.parametrize(("version", "tickets"), [(TLS12, True), (TLS12, False), (TLS13, True)])
def test_a_resumed_session_is_told_from_a_new_one(version: ssl.TLSVersion, *, tickets: bool) -> None:
    client, server = contexts(version)
    if not tickets:
        server.options |= ssl.OP_NO_TICKET
        server.set_ciphers("ALL")
    first = _talk(Live(client, server))
    second = _talk(Live(client, server, session=first.ends[0].session))
    assert second.ends[0].session_reused
    readings = [read(live.wire, live.key_log) for live in (first, second)]
    assert [r.session.info.resumed for r in readings] == [False, True]
    assert readings[1].texts == (ASKED, ANSWERED)


def test_a_key_log_by_session_id_opens_the_session_and_its_resumption() -> None:
    client, server = contexts(TLS12)
    server.options |= ssl.OP_NO_TICKET
    first = _talk(Live(client, server))
    session = first.ends[0].session
    assert session is not None
    second = _talk(Live(client, server, session=session))
    line = re.search(rb"CLIENT_RANDOM \S+ (\S+)", first.key_log)
    assert line
    keys = keys_of(b"RSA Session-ID:" + session.id.hex().encode() + b" Master-Key:" + line[1] + b"\n")
    for live in (first, second):
        assert read(live.wire, keys).texts == (ASKED, ANSWERED)


def test_a_resumption_by_id_needs_only_the_first_session_s_secret() -> None:
    client, server = contexts(TLS12)
    server.options |= ssl.OP_NO_TICKET
    first = _talk(Live(client, server))
    second = _talk(Live(client, server, session=first.ends[0].session))
    keys = keys_of(first.key_log)
    read(first.wire, keys)
    assert read(second.wire, keys).texts == (ASKED, ANSWERED)


def test_hello_retry_request() -> None:
    client, server = contexts()
    server.set_ecdh_curve("secp384r1")  # of which clients send no key share unasked
    live = _talk(Live(client, server))
    retry = hashlib.sha256(b"HelloRetryRequest").digest()  # RFC 8446 section 4.1.3
    assert retry in live.wire[1][1]
    assert read(live.wire, live.key_log).texts == (ASKED, ANSWERED)


def test_an_alert_ends_a_handshake_that_finds_no_common_version() -> None:
    client, _ = contexts(TLS12)
    _, server = contexts(TLS13)
    live = Live.__new__(Live)
    with pytest.raises(ssl.SSLError):
        live.__init__(client, server)  # type: ignore[misc]
    reading = read(live.wire, b"")
    assert [(a.side, alert_name(a.description), a.fatal) for a in reading.alerts] == [
        (SERVER, "protocol_version", True)
    ]


def test_authentication_after_the_handshake_keeps_the_keys() -> None:
    client, server = contexts()
    client.post_handshake_auth = True
    server.verify_mode = ssl.CERT_OPTIONAL
    live = Live(client, server)
    live.say(CLIENT, ASKED)
    live.ends[SERVER].verify_client_post_handshake()
    live.ends[SERVER].do_handshake()
    live.carry()
    _talk(live)
    reading = read(live.wire, live.key_log)
    assert reading.reasons == []
    assert reading.texts == (ASKED * 2, ANSWERED)


# --- how the bytes come ------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [TLS12, TLS13])
@pytest.mark.parametrize("size", [1, 7, 1460])
def test_records_split_over_segments(version: ssl.TLSVersion, size: int, tls12: Live, tls13: Live) -> None:
    live = tls12 if version == TLS12 else tls13
    whole, pieces = read(live.wire, live.key_log), read(cut(live.wire, size), live.key_log)
    assert pieces.texts == (ASKED, ANSWERED)
    assert pieces.records == whole.records
    assert sorted(pieces.alerts) == sorted(whole.alerts)


@pytest.mark.parametrize("version", [TLS12, TLS13])
@pytest.mark.parametrize("first", Side)
def test_one_direction_after_the_other(
    version: ssl.TLSVersion, first: Side, tls12: Live, tls13: Live
) -> None:
    live = tls12 if version == TLS12 else tls13
    order = sorted(live.wire, key=lambda piece: piece[0] != first)
    reading = read(order, live.key_log)
    assert reading.texts == (ASKED, ANSWERED)
    assert reading.session.info.handshake_complete


@given(st.data())
def test_any_interleaving_of_any_pieces_reads_the_same(tls13: Live, data: st.DataObject) -> None:
    wire = cut(tls13.wire, data.draw(st.integers(50, 4000)))
    sides = data.draw(st.permutations([side for side, _ in wire]))
    queues = {side: iter([piece for piece in wire if piece[0] == side]) for side in Side}
    assert read([next(queues[side]) for side in sides], tls13.key_log).texts == (ASKED, ANSWERED)


@given(st.data())
def test_whatever_happens_to_the_bytes_no_text_is_read_that_was_not_said(
    tls13: Live, tls12: Live, data: st.DataObject
) -> None:
    live = data.draw(st.sampled_from([tls13, tls12]))
    wire = cut(live.wire, data.draw(st.sampled_from([500, 5000])))
    for _ in range(data.draw(st.integers(1, 3))):
        wire = data.draw(st.sampled_from([_shortened, _doubled, _swapped, _damaged]))(data, wire)
    reading = read(wire, live.key_log)
    for said, (first, *behind) in zip((ASKED, ANSWERED), reading.runs, strict=True):
        assert said.startswith(first)
        assert all(text in said for text in behind)


def _shortened(data: st.DataObject, wire: list[Piece]) -> list[Piece]:
    return wire[: data.draw(st.integers(0, len(wire)))]


def _doubled(data: st.DataObject, wire: list[Piece]) -> list[Piece]:
    at = data.draw(st.integers(0, len(wire)))
    return [*wire[:at], *wire[at : at + 1], *wire[at:]]


def _swapped(data: st.DataObject, wire: list[Piece]) -> list[Piece]:
    at = data.draw(st.integers(0, len(wire)))
    return wire[:at] + wire[at : at + 2][::-1] + wire[at + 2 :]


def _damaged(data: st.DataObject, wire: list[Piece]) -> list[Piece]:
    if not wire:
        return wire
    at = data.draw(st.integers(0, len(wire) - 1))
    side, piece = wire[at]
    place = data.draw(st.integers(0, len(piece) - 1))
    junk = data.draw(st.binary(max_size=20))
    return [*wire[:at], (side, piece[:place] + junk + piece[place + len(junk) :]), *wire[at + 1 :]]


@given(st.lists(st.tuples(st.sampled_from(Side), st.binary(max_size=60)), max_size=8))
def test_junk_is_no_text_and_no_error(wire: list[Piece]) -> None:
    assert read(wire, b"").texts == (b"", b"")


# --- secrets and bytes that are missing ----------------------------------------------------------------


@pytest.mark.parametrize("version", [TLS12, TLS13])
def test_secrets_that_come_after_the_packets(version: ssl.TLSVersion, tls12: Live, tls13: Live) -> None:
    live = tls12 if version == TLS12 else tls13
    keys = keys_of(b"")
    session = TlsSession(keys)
    offsets = [0, 0]
    for side, data in live.wire:
        session.feed(side, offsets[side], data)
        session.advance()
        offsets[side] += len(data)
    assert session.plain(CLIENT) == session.plain(SERVER) == []
    keys.add(live.key_log)
    session.close()
    assert b"".join(piece[0] for piece in session.plain(SERVER) if not isinstance(piece, Gap)) == ANSWERED
    assert session.reasons == []


@pytest.mark.parametrize("version", [TLS12, TLS13])
def test_without_a_secret_both_directions_say_so_once(
    version: ssl.TLSVersion, tls12: Live, tls13: Live
) -> None:
    reading = read((tls12 if version == TLS12 else tls13).wire, b"")
    assert {(r.side, r.text) for r in reading.reasons} == {
        (side, "no secret for this client random") for side in Side
    }
    assert len(reading.reasons) == 2


@pytest.mark.parametrize("version", [TLS12, TLS13])
def test_a_wrong_secret_is_named_at_the_first_record_that_does_not_open(
    version: ssl.TLSVersion, tls12: Live, tls13: Live
) -> None:
    live = tls12 if version == TLS12 else tls13
    wrong = re.sub(rb"[0-9a-f]{8}\n", b"00000000\n", live.key_log)
    reading = read(live.wire, wrong)
    assert reading.texts == (b"", b"")
    assert len(reading.reasons) == 2
    assert all("wrong secret (MAC failed at record" in reason.text for reason in reading.reasons)
    sent = {side: b"".join(data for s, data in live.wire if s == side) for side in Side}
    for reason in reading.reasons:  # it stands where a record begins
        assert sent[reason.side][reason.offset] in (22, 23)


@pytest.mark.parametrize("label", ["CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"])
def test_one_missing_label_is_named_and_the_other_direction_is_read(label: str, tls13: Live) -> None:
    lines = [line for line in tls13.key_log.splitlines() if not line.startswith(label.encode())]
    reading = read(tls13.wire, b"\n".join(lines))
    side = CLIENT if label.startswith("CLIENT") else SERVER
    assert [(r.side, r.text) for r in reading.reasons] == [
        (side, f"the key log has no {label} for this client random")
    ]
    assert reading.texts[side] == b""
    assert reading.texts[side.peer] == (ASKED, ANSWERED)[side.peer]


@pytest.mark.parametrize("label", ["CLIENT_HANDSHAKE_TRAFFIC_SECRET", "SERVER_HANDSHAKE_TRAFFIC_SECRET"])
def test_what_comes_behind_a_handshake_that_cannot_be_read_is_read(label: str, tls13: Live) -> None:
    lines = [line for line in tls13.key_log.splitlines() if not line.startswith(label.encode())]
    reading = read(tls13.wire, b"\n".join(lines))
    assert reading.texts == (ASKED, ANSWERED)
    assert reading.reasons == []


def test_a_connection_seen_from_its_middle_is_read_by_the_secrets_that_fit(tls13: Live) -> None:
    reading = read(tls13.wire[3:], tls13.key_log)
    assert reading.texts == (ASKED, ANSWERED)
    assert reading.reasons == []


def test_a_connection_seen_from_its_middle_has_no_handshake(tls12: Live) -> None:
    reading = read(tls12.wire[4:], tls12.key_log)
    assert reading.texts == (b"", b"")
    assert {r.text for r in reading.reasons} == {"handshake not captured"}


@pytest.fixture(scope="module")
def long_answer() -> dict[ssl.TLSVersion, Live]:
    """Some hundred records of either version."""
    lives = {}
    for version in (TLS12, TLS13):
        live = lives[version] = Live(*contexts(version))
        live.say(CLIENT, ASKED)
        for number in range(100):
            live.say(SERVER, _part(number))
        live.close(SERVER)
    return lives


def _part(number: int) -> bytes:
    return b"%04d" % number * 300


def _holed(live: Live, start: int, size: int) -> list[Piece | Hole]:
    """What the server said, but for ``size`` bytes from ``start`` on."""
    wire: list[Piece | Hole] = []
    at = 0
    for side, data in live.wire:
        if side == CLIENT:
            wire.append((side, data))
            continue
        low, high = max(start - at, 0), max(start + size - at, 0)
        if data[:low]:
            wire.append((side, data[:low]))
        if data[low:high]:
            wire.append((side, len(data[low:high])))
        if data[max(low, high) :]:
            wire.append((side, data[max(low, high) :]))
        at += len(data)
    return wire


@pytest.mark.parametrize("version", [TLS12, TLS13])
@pytest.mark.parametrize(("start", "size"), [(10_000, 100), (10_000, 50_000), (60_000, 1300)])
def test_behind_a_hole_what_authenticates_is_read(
    version: ssl.TLSVersion, start: int, size: int, long_answer: dict[ssl.TLSVersion, Live]
) -> None:
    live = long_answer[version]
    reading = read(_holed(live, start, size), live.key_log)
    assert reading.reasons == []
    before, behind = reading.runs[SERVER]
    said = b"".join(_part(number) for number in range(100))
    assert said.startswith(before)
    assert said.endswith(behind)
    overhead = 40 * (size // 1200 + 3)  # of records, and two that are lost in part
    assert len(said) - len(before) - len(behind) < size + 2 * 1200 + overhead
    assert reading.texts[CLIENT] == ASKED
    assert [alert_name(a.description) for a in reading.alerts] == ["close_notify"]  # read, the hole behind it


@given(st.data())
def test_no_hole_leads_to_text_that_was_not_said(
    long_answer: dict[ssl.TLSVersion, Live], data: st.DataObject
) -> None:
    live = long_answer[data.draw(st.sampled_from([TLS12, TLS13]))]
    wire = _holed(live, data.draw(st.integers(0, 130_000)), data.draw(st.integers(1, 60_000)))
    reading = read(wire, live.key_log)
    said = b"".join(_part(number) for number in range(100))
    first, *behind = reading.runs[SERVER]
    assert said.startswith(first)
    assert all(text in said for text in behind)
    assert reading.texts[CLIENT] in (ASKED, b"")  # nothing without the server's hello


def test_a_hole_with_nothing_readable_behind_it_ends_its_direction(tls13: Live) -> None:
    server = sum(len(data) for side, data in tls13.wire[:-1] if side == SERVER) - 20
    reading = read(_holed(tls13, server, 10_000), tls13.key_log)
    assert ANSWERED.startswith(reading.texts[SERVER])
    assert reading.texts[CLIENT] == ASKED
    assert [(r.side, r.text.rstrip("0123456789")) for r in reading.reasons] == [(SERVER, "gap at record ")]


def test_what_waits_for_a_secret_is_bounded(tls13: Live) -> None:
    session = TlsSession(keys_of(b""))
    record = b"\x17\x03\x03\x40\x00" + bytes(1 << 14)
    for side, data in tls13.wire[:2]:
        session.feed(side, 0, data)
        session.advance()
    start = len(tls13.wire[1][1])
    for number in range(MOST_WAITING // len(record) + 2):
        session.feed(SERVER, start + number * len(record), record)
        session.advance()
    assert [r.text for r in session.reasons] == ["no secret for this client random"]


def test_a_server_that_answers_in_clear_text_is_named(tls13: Live) -> None:
    wire = [tls13.wire[0], (SERVER, b"HTTP/1.1 400 Bad Request\r\n\r\n")]
    assert "the server answers in clear text where TLS was asked for" in [
        r.text for r in read(wire, tls13.key_log).reasons
    ]
