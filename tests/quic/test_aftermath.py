"""Frames that aioquic does not send at will, in packets sealed with its keys: events, closes, facts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from aioquic.quic.crypto import CryptoPair
from aioquic.tls import CipherSuite
from hypothesis import given, settings
from hypothesis import strategies as st

from plainwire.model import Endpoint
from plainwire.quic.aftermath import MOST_EVENTS
from tests.quic.test_protection import CLIENT_HELLO, SERVER_HELLO
from tests.quic.test_quic_connection import talk
from tests.quic.wire import AWAY, CLIENT, HOME, SERVER, Reading, Sent, read

if TYPE_CHECKING:
    from plainwire.model import StreamEvent
    from tests.quic.talk import Talk

FIRST = 5000
"""Packet numbers from here on are free."""


@pytest.fixture(scope="module")
def made() -> Talk:
    return talk(cipher_suites=[CipherSuite.AES_128_GCM_SHA256])


def sealed(
    made: Talk,
    payload: bytes,
    *,
    by_client: bool = True,
    number: int = FIRST,
    first: int = 0x43,
    target: bytes = b"",
) -> Sent:
    """A 1-RTT packet with these frames; its number is written in four bytes."""
    label = b"CLIENT_TRAFFIC_SECRET_0" if by_client else b"SERVER_TRAFFIC_SECRET_0"
    (line,) = (line for line in made.key_log.splitlines() if line.startswith(label))
    pair = CryptoPair()
    secret = bytes.fromhex(line.split()[2].decode())
    pair.send.setup(cipher_suite=CipherSuite.AES_128_GCM_SHA256, secret=secret, version=1)
    target = target or (made.client if by_client else made.server)._peer_cid.cid
    header = bytes((first,)) + target + number.to_bytes(4, "big")
    packet = pair.encrypt_packet(header, payload.ljust(20, b"\0"), number)
    path = (HOME, AWAY) if by_client else (AWAY, HOME)
    return Sent(packet, *path, made.now_ns + 1)


def after(made: Talk, *sent: Sent) -> Reading:
    return read([*made.wire, *sent], made.key_log)


def event(reading: Reading, kind: str) -> StreamEvent:
    (found,) = (e for e in reading.only.events if e.kind == kind)
    return found


def test_a_sender_that_is_blocked(made: Talk) -> None:
    reading = after(made, sealed(made, bytes.fromhex("14 4400 15 08 4400 16 05")))
    packet = len(made.wire) + 1
    for kind, stream, limit in (
        ("data_blocked", None, 1024),
        ("stream_data_blocked", 8, 1024),
        ("streams_blocked_bidi", None, 5),
    ):
        found = event(reading, kind)
        assert (found.side, found.stream, found.packet) == (CLIENT, stream, packet)
        assert found.detail == f"at {limit}"


def test_of_limits_the_newest_is_kept(made: Talk) -> None:
    wire = [
        sealed(made, b"\x10" + (0x80000000 + 100_000 * n).to_bytes(4, "big"), number=FIRST + n)
        for n in (30, 31)
    ]
    found = event(after(made, *wire), "max_data")
    assert (found.detail, found.packet) == ("up to 3100000", len(made.wire) + 2)


def test_a_path_that_is_probed(made: Talk) -> None:
    found = event(after(made, sealed(made, b"\x1a" + bytes(8))), "path_challenge")
    assert found.side is CLIENT


def test_a_frame_that_nobody_knows_is_an_event(made: Talk) -> None:
    found = event(after(made, sealed(made, bytes.fromhex("4fff"))), "unreadable_frame")
    assert found.detail == "frame type 0xFFF is not known"


def test_a_fixed_bit_that_is_not_set(made: Talk) -> None:
    """RFC 9287."""
    sent = sealed(made, bytes.fromhex("0b 28 04") + b"text", first=0x03)
    assert not sent.data[0] & 0x40
    assert after(made, sent).text(40, CLIENT) == b"text"


def test_a_reason_phrase_is_one_line_of_printable_text(made: Talk) -> None:
    reason = "gö\n\x9b\u202e".encode() + b"\xff"
    close = sealed(made, b"\x1d\x41\x05" + bytes((len(reason),)) + reason, by_client=False)
    found = event(after(made, close), "connection_close")
    assert found.detail == "gö\\n\\x9b\\u202e\\xff"
    assert (found.side, found.name) == (SERVER, "H3_FRAME_UNEXPECTED")


def test_what_application_error_stands_for_is_told_in_its_place(made: Talk) -> None:
    facts = after(made, sealed(made, bytes.fromhex("1c 0c 00 00 1d 410a 00"))).only
    assert [e.name for e in facts.events if e.kind == "connection_close"] == ["H3_MISSING_SETTINGS"]
    assert [(c.detail, c.repeated) for c in facts.closes] == [("H3_MISSING_SETTINGS", False)]


def test_a_close_that_is_repeated_is_marked(made: Talk) -> None:
    wire = [sealed(made, bytes.fromhex("1c 02 00 00"), number=FIRST + n) for n in range(3)]
    facts = after(made, *wire).only
    assert [c.repeated for c in facts.closes] == [False, True, True]
    assert [c.seq for c in facts.closes] == [FIRST, FIRST + 1, FIRST + 2]
    assert facts.closes[0].detail == "CONNECTION_REFUSED"


def test_a_close_says_what_its_sender_had_received(made: Talk) -> None:
    wire = [
        sealed(made, bytes.fromhex("02 05 00 00 00")),
        sealed(made, bytes.fromhex("1d 00 00"), number=FIRST + 1),
    ]
    facts = after(made, *wire).only
    close = facts.closes[0]
    assert close.ack is not None
    assert close.ack >= 5
    assert facts.quic is not None
    acknowledged = [largest for *_, largest in facts.quic.acknowledged[CLIENT]]
    assert acknowledged == sorted(acknowledged)
    assert close.ack == acknowledged[-1]


def test_packet_numbers_lead_to_packets(made: Talk) -> None:
    info = after(made, sealed(made, b"\x01")).only.quic
    assert info is not None
    assert info.numbers[CLIENT][-1] == (len(made.wire) + 1, FIRST)
    assert info.missing_packets[CLIENT] > 4000


def test_a_new_connection_id_is_followed_to_another_address(made: Talk) -> None:
    """RFC 9000 section 9: the server announces an id, the client goes elsewhere with it."""
    identity = bytes(range(8, 20))
    announced = sealed(made, b"\x18\x09\x00\x0c" + identity + bytes(16), by_client=False)
    sent = sealed(made, bytes.fromhex("0b 28 04") + b"text", target=identity)
    elsewhere = sent._replace(source=Endpoint("203.0.113.5", 7777))
    reading = after(made, announced, elsewhere)
    assert reading.text(40, CLIENT) == b"text"
    assert event(reading, "migration").detail == f"from {HOME} to 203.0.113.5:7777"


def test_events_are_bounded(made: Talk) -> None:
    wire = [sealed(made, (b"\x1a" + bytes(8)) * 120, number=FIRST + n) for n in range(40)]
    reading = after(made, *wire)
    assert len(reading.only.events) <= 2 * MOST_EVENTS


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=80), min_size=1, max_size=8))
def test_any_frames_of_an_authentic_peer(made: Talk, payloads: list[bytes]) -> None:
    wire = [
        sealed(made, payload, number=FIRST + n, by_client=bool(n % 2)) for n, payload in enumerate(payloads)
    ]
    whole, singly = after(made, *wire), read([*made.wire, *wire], made.key_log, step=1)
    assert whole.texts == singly.texts
    assert whole.connections == singly.connections


def initial(crypto: bytes, *, by_client: bool, number: int = 0) -> Sent:
    """An Initial packet, which anybody can make, with this at the beginning of its CRYPTO stream."""
    target, pair = bytes(range(8)), CryptoPair()
    pair.setup_initial(cid=target, is_client=by_client, version=1)
    payload = (b"\x06\x00" + (0x4000 + len(crypto)).to_bytes(2, "big") + crypto).ljust(40, b"\0")
    size = (0x4000 + 4 + len(payload) + 16).to_bytes(2, "big")
    ids = b"\x08" + target + b"\x00" if by_client else b"\x00\x08" + target
    header = b"\xc3\0\0\0\1" + ids + b"\x00" + size + number.to_bytes(4, "big")
    path = (HOME, AWAY) if by_client else (AWAY, HOME)
    return Sent(pair.encrypt_packet(header, payload, number), *path)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_handshake_messages(data: st.DataObject) -> None:
    wire = []
    for side in (0, 1):
        message = bytearray(hello_of(side))
        for _ in range(data.draw(st.integers(0, 3))):
            message[data.draw(st.integers(0, len(message) - 1))] = data.draw(st.integers(0, 255))
        cut = data.draw(st.integers(1, len(message)))
        wire.append(initial(bytes(message[:cut]), by_client=side == 0))
    assert read(wire).only.packets == 2


def test_hellos_of_the_rfc_are_read() -> None:
    tls = read([initial(hello_of(0), by_client=True), initial(hello_of(1), by_client=False)]).only.tls
    assert tls is not None
    assert tls.server_name == "example.com"
    assert tls.cipher_suite == "TLS_AES_128_GCM_SHA256"
    assert tls.alpn_offered == ["alpn"]


def hello_of(side: int) -> bytes:
    """RFC 9001 appendix A.2 and A.3, without the frame around."""
    return CLIENT_HELLO[4:] if side == 0 else SERVER_HELLO[9:]
