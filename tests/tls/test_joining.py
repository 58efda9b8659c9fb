"""Sessions that are seen from their middle on: RFC 8448's records, and records with large numbers."""

from __future__ import annotations

import ssl

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from plainwire.model import Gap, Side
from plainwire.tls.joining import Candidate
from plainwire.tls.keylog import WRITE_KEYS, KeyLog
from plainwire.tls.prf import prf
from plainwire.tls.session import TlsSession
from plainwire.tls.tls13_keys import APPLICATION_SECRETS
from tests.tls.live import Live, contexts
from tests.tls.live import read as read_wire
from tests.tls.test_session_rfc8448 import (
    CLIENT_ALERT,
    CLIENT_DATA,
    RANDOM,
    SECRETS,
    SERVER_ALERT,
    SERVER_DATA,
    TICKET,
    WIRE,
)

RECORD = bytes.fromhex(CLIENT_DATA)
SECRET = bytes.fromhex(SECRETS["CLIENT_TRAFFIC_SECRET_0"])
OTHER = "11" * 32

SUITES: dict[int, tuple[hashes.HashAlgorithm, int, type[AESGCM | ChaCha20Poly1305]]] = {
    0x1301: (hashes.SHA256(), 16, AESGCM),
    0x1302: (hashes.SHA384(), 32, AESGCM),
    0x1303: (hashes.SHA256(), 32, ChaCha20Poly1305),
}


def sealed(suite: int, secret: bytes, number: int, text: bytes) -> bytes:
    """A record as RFC 8446 sections 5.2 and 5.3 have it."""
    algorithm, key_size, cipher = SUITES[suite]

    def derived(label: bytes, size: int) -> bytes:
        info = size.to_bytes(2, "big") + bytes((6 + len(label),)) + b"tls13 " + label + b"\0"
        return HKDFExpand(algorithm, size, info).derive(secret)

    header = b"\x17\x03\x03" + (len(text) + 17).to_bytes(2, "big")
    nonce = int.from_bytes(derived(b"iv", 12), "big") ^ number
    return header + cipher(derived(b"key", key_size)).encrypt(
        nonce.to_bytes(12, "big"), text + b"\x17", header
    )


def test_record_of_rfc_8448_is_the_first() -> None:
    assert Candidate(0x1301, SECRET).number_of(RECORD[:5], RECORD[5:]) == 0


@pytest.mark.parametrize(
    ("suite", "number"), [(0x1301, 1), (0x1301, 40_000), (0x1302, 123_456_789), (0x1302, 0), (0x1303, 7)]
)
def test_number_of_any_record(suite: int, number: int) -> None:
    secret = bytes(range(48 if suite == 0x1302 else 32))
    record = sealed(suite, secret, number, b"GET / HTTP/1.1\r\n\r\n")
    assert Candidate(suite, secret).number_of(record[:5], record[5:]) == number
    wrong = secret[:-1] + b"\xff"
    assert Candidate(suite, wrong).number_of(record[:5], record[5:]) is None
    assert Candidate(suite, secret).number_of(record[:5], record[5:-1] + b"\0") is None


def session(*, secrets: dict[str, str]) -> TlsSession:
    keys = KeyLog()
    for label, secret in secrets.items():
        keys.add(f"{label} {OTHER} {secret}\n".encode())
    return TlsSession(keys)


def test_session_is_read_from_its_middle_on() -> None:
    """Its secrets stand under the client random that only the ClientHello would have told."""
    read = session(secrets=SECRETS)
    read.feed(Side.SERVER, 1000, bytes.fromhex(TICKET + SERVER_DATA + SERVER_ALERT))
    read.feed(Side.CLIENT, 500, bytes.fromhex(CLIENT_DATA + CLIENT_ALERT))
    read.advance()
    read.close()
    data = bytes(range(50))  # RFC 8448 section 3: both sides send the same
    assert [each[0] for each in read.plain(Side.CLIENT) if not isinstance(each, Gap)] == [data]
    assert [each[0] for each in read.plain(Side.SERVER) if not isinstance(each, Gap)] == [data]
    assert {(alert.side, alert.description) for alert in read.alerts} == {(Side.SERVER, 0), (Side.CLIENT, 0)}
    assert (read.info.version, read.info.cipher_suite) == ("TLS 1.3", "TLS_AES_128_GCM_SHA256")
    assert read.reasons == []


@pytest.mark.parametrize("cut", [1, 4, 5, 100, len(TICKET.replace("\n", "")) // 2 - 1])
@pytest.mark.parametrize("step", [1, 7, 10_000])
def test_a_direction_is_read_from_the_middle_of_a_record_on(cut: int, step: int) -> None:
    """In pieces of any size: it goes on with the next record that a secret opens."""
    read = session(secrets=SECRETS)
    server = bytes.fromhex(TICKET + SERVER_DATA + SERVER_ALERT)
    for at in range(cut, len(server), step):
        read.feed(Side.SERVER, at, server[at : at + step])
        read.advance()
    read.feed(Side.CLIENT, 500, bytes.fromhex(CLIENT_DATA))
    read.close()
    assert [each[0] for each in read.plain(Side.SERVER) if not isinstance(each, Gap)] == [bytes(range(50))]
    assert [each[0] for each in read.plain(Side.CLIENT) if not isinstance(each, Gap)] == [bytes(range(50))]
    assert read.reasons == []


def test_handshake_whose_own_secrets_are_lacking_is_skipped() -> None:
    lines = [f"{label} {RANDOM} {SECRETS[label]}\n" for label in APPLICATION_SECRETS]
    reading = read_wire(WIRE, "".join(lines).encode())
    assert reading.texts == (bytes(range(50)), bytes(range(50)))
    assert reading.reasons == []
    assert reading.session.info.handshake_complete


def test_secrets_of_others_do_not_read_it() -> None:
    read = session(secrets={"CLIENT_TRAFFIC_SECRET_0": "22" * 32, "SERVER_TRAFFIC_SECRET_0": "33" * 48})
    read.feed(Side.CLIENT, 0, bytes.fromhex(CLIENT_DATA))
    read.feed(Side.SERVER, 0, bytes.fromhex(SERVER_DATA))
    read.advance()
    read.close()
    assert {reason.text for reason in read.reasons} == {"handshake not captured"}
    assert (read.info.version, read.info.client_random) == (None, b"")


def test_no_more_is_tried_than_all_connections_may_cost() -> None:
    keys = KeyLog()
    keys.add(f"CLIENT_TRAFFIC_SECRET_0 {OTHER} {SECRETS['CLIENT_TRAFFIC_SECRET_0']}\n".encode())
    keys.joins_left = 1
    texts = []
    for _ in range(2):
        read = TlsSession(keys)
        read.feed(Side.CLIENT, 0, bytes.fromhex(CLIENT_DATA))
        read.advance()
        texts.append(len(read.plain(Side.CLIENT)))
    assert texts == [1, 0]


def test_one_side_of_which_the_secret_is_known() -> None:
    read = session(secrets={"SERVER_TRAFFIC_SECRET_0": SECRETS["SERVER_TRAFFIC_SECRET_0"]})
    read.feed(Side.CLIENT, 0, bytes.fromhex(CLIENT_DATA))
    read.feed(Side.SERVER, 0, bytes.fromhex(TICKET))
    read.advance()
    read.close()
    assert [reason.side for reason in read.reasons] == [Side.CLIENT]
    assert read.info.version == "TLS 1.3"


def sealed12(key: bytes, salt: bytes, first: int, number: int, text: bytes) -> bytes:
    """A record as RFC 5246 section 6.2.3.3 and RFC 5288 section 3 have it; nonces count from ``first``."""
    nonce = ((first + number) % (1 << 64)).to_bytes(8, "big")
    extra = number.to_bytes(8, "big") + b"\x17\x03\x03" + len(text).to_bytes(2, "big")
    body = nonce + AESGCM(key).encrypt(salt + nonce, text, extra)
    return b"\x17\x03\x03" + len(body).to_bytes(2, "big") + body


@pytest.mark.parametrize("size", [16, 32])
@pytest.mark.parametrize("first", [0, (1 << 64) - 3])
def test_session_of_tls_12_is_read_with_the_keys_themselves(size: int, first: int) -> None:
    """They stand in lines of ours, with what the nonces begin with."""
    keys = {side: bytes([side + 1]) * size for side in Side}
    lines = {
        label: (keys[side] + b"salt" + first.to_bytes(8, "big")).hex()
        for side, label in zip(Side, WRITE_KEYS, strict=True)
    }
    read = session(secrets=lines)
    for number in (5, 6):
        read.feed(Side.CLIENT, 100, sealed12(keys[Side.CLIENT], b"salt", first, number, b"GET"))
    read.feed(Side.SERVER, 100, sealed12(keys[Side.SERVER], b"salt", first, 1000, b"HTTP"))
    read.advance()
    said = {side: [each[0] for each in read.plain(side) if not isinstance(each, Gap)] for side in Side}
    assert said == {Side.CLIENT: [b"GET", b"GET"], Side.SERVER: [b"HTTP"]}
    assert (read.joined, read.info.version, read.info.cipher_suite) == (True, "TLS 1.2", None)
    assert keys[Side.CLIENT].hex() not in repr(read.info)


def test_session_of_tls_12_is_not_read_with_other_keys() -> None:
    line = {WRITE_KEYS[0]: (bytes(16) + b"salt" + bytes(8)).hex()}
    read = session(secrets=line)
    read.feed(Side.CLIENT, 100, sealed12(b"\1" * 16, b"salt", 0, 5, b"GET"))
    read.close()
    assert read.plain(Side.CLIENT) == []
    assert read.info.version is None


@pytest.mark.parametrize(("name", "size", "digest"), [("AES128", 16, "sha256"), ("AES256", 32, "sha384")])
def test_session_of_tls_12_whose_handshake_was_captured(name: str, size: int, digest: str) -> None:
    """The keys themselves do where its secret is not known."""
    live = Live(*contexts(ssl.TLSVersion.TLSv1_2, ciphers=f"ECDHE-ECDSA-{name}-GCM-SHA{digest[3:]}"))
    live.say(Side.CLIENT, b"GET")
    live.say(Side.SERVER, b"HTTP")
    client, server = (next(data[11:43] for side, data in live.wire if side == of) for of in Side)
    master = bytes.fromhex(live.key_log.split()[-1].decode())
    block = prf(0x0303, digest, master, b"key expansion", server + client, 2 * size + 8)
    lines = b""
    for side, label in zip(Side, WRITE_KEYS, strict=True):
        key, salt = block[side * size :][:size], block[2 * size + 4 * side :][:4]
        lines += f"{label} {client.hex()} {(key + salt + bytes(8)).hex()}\n".encode()
    done = read_wire(live.wire, lines)
    assert (done.texts, done.reasons) == ((b"GET", b"HTTP"), [])
    assert done.session.info.handshake_complete
    assert read_wire(live.wire, lines.splitlines()[0]).texts == (b"GET", b"")
