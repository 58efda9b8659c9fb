"""Keys and protection against the RFCs' own examples: RFC 9001 appendix A, RFC 9369 appendix A."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES

from plainwire.quic import headers
from plainwire.quic.protection import (
    PacketKeys,
    UpdatedKeys,
    decode_number,
    initial_keys,
    retry_is_genuine,
    usable,
)
from plainwire.quic.versions import VERSIONS, Form
from plainwire.tls import suites
from plainwire.tls.ciphers import expand_label

V1, V2 = VERSIONS[1], VERSIONS[0x6B3343CF]
TARGET = bytes.fromhex("8394c8f03e515708")  # appendix A of both: the client's Destination Connection ID
SECRET_A5 = bytes.fromhex("9ac312a7f877468ebe69422748ad00a15443f18203a07d6060f688f30f21632b")

CLIENT_HELLO = bytes.fromhex(
    "060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e86804fe3a47f06a2b69484c0000041301130201"
    "0000c000000010000e00000b6578616d706c652e636f6dff01000100000a00080006001d0017001800100007000504616c70"
    "6e000500050100000000003300260024001d00209370b2c9caa47fbabaf4559fedba753de171fa71f50f1ce15d43e994ec74"
    "d748002b0003020304000d0010000e0403050306030203080408050806002d00020101001c00024001003900320408ffffff"
    "ffffffffff05048000ffff07048000ffff0801100104800075300901100f088394c8f03e51570806048000ffff"
)
"""The CRYPTO frame of appendix A.2; PADDING fills the payload to 1162 bytes."""

SERVER_HELLO = bytes.fromhex(
    "02000000000600405a020000560303eefce7f7b37ba1d1632e96677825ddf73988cfc79825df566dc5430b9a045a12001301"
    "00002e00330024001d00209d3c940d89690b84d08a60993c144eca684d1081287c834d5311bcf32bb9da1a002b00020304"
)
SERVER_INITIALS = {
    "v1": bytes.fromhex(
        "cf000000010008f067a5502a4262b5004075c0d95a482cd0991cd25b0aac406a5816b6394100f37a1c69797554780bb38cc5"
        "a99f5ede4cf73c3ec2493a1839b3dbcba3f6ea46c5b7684df3548e7ddeb9c3bf9c73cc3f3bded74b562bfb19fb84022f8ef4"
        "cdd93795d77d06edbb7aaf2f58891850abbdca3d20398c276456cbc42158407dd074ee"
    ),
    "v2": bytes.fromhex(
        "dc6b3343cf0008f067a5502a4262b5004075d92faaf16f05d8a4398c47089698baeea26b91eb761d9b89237bbf8726301791"
        "5358230035f7fd3945d88965cf17f9af6e16886c61bfc703106fbaf3cb4cfa52382dd16a393e42757507698075b2c984c707"
        "f0a0812d8cd5a6881eaf21ceda98f4bd23f6fe1a3e2c43edd9ce7ca84bed8521e2e140"
    ),
}
HEADS = {  # of the client's Initial as it is sent, and its end
    "v1": (
        "c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11",
        "e221af44860018ab0856972e194cd934",
    ),
    "v2": (
        "d76b3343cf088394c8f03e5157080000449ea0c95e82ffe67b6abcdb4298b485",
        "a18b2faa745b6fe189cf772a9f84cbfc",
    ),
}
RETRIES = {
    "v1": "ff000000010008f067a5502a4262b5746f6b656e04a265ba2eff4d829058fb3f0f2496ba",
    "v2": "cf6b3343cf0008f067a5502a4262b5746f6b656ec8646ce8bfe33952d955543665dcc7b6",
}
DRAFT_29_SERVER_INITIAL = bytes.fromhex(
    "caff00001d0008f067a5502a4262b5004074aaf2f007823a5d3a1207c86ee49132824f0465243d082d868b107a38092bc80528"
    "664cbf9456ebf27673fb5fa5061ab573c9f001b81da028a00d52ab00b15bebaa70640e106cf2acd043e9c6b4411c0a79637134"
    "d8993701fe779e58c2fe753d14b0564021565ea92e57bc6faf56dfc7a40870e6"
)
"""draft-ietf-quic-tls-29 appendix A.3."""

DRAFT_23_CLIENT = tuple(
    bytes.fromhex(text)
    for text in (
        "af7fd7efebd21878ff66811248983694",
        "8681359410a70bb9c92f0420",
        "a980b8b4fb7d9fbc13e814c23164253d",
    )
)
"""Key, iv and hp of draft-ietf-quic-tls-23 appendix A.1."""

DRAFT_RETRIES = {  # appendix A.4 of draft-ietf-quic-tls-27 and -29
    0xFF00001B: "ffff00001b0008f067a5502a4262b5746f6b656ea523cb5ba524695f6569f293a1359d8e",
    0xFF00001D: "ffff00001d0008f067a5502a4262b5746f6b656ed16926d81f6f9ca2953a8aa4575e1e49",
}
CHACHA = {
    "v1": "4cfe4189655e5cd55c41f69080575d7999c25a5bfb",
    "v2": "5558b1c60ae7b6b932bc27d786f4bc2bb20f2162ba",
}
BY_NAME = {"v1": V1, "v2": V2}


@pytest.mark.parametrize("name", ["v1", "v2"])
def test_server_initial(name: str) -> None:
    packet = SERVER_INITIALS[name]
    header = headers.read_long(packet)
    assert header is not None
    assert (header.form, header.target, header.source) == (
        Form.INITIAL,
        b"",
        bytes.fromhex("f067a5502a4262b5"),
    )
    assert header.end == len(packet)
    opened = initial_keys(BY_NAME[name], TARGET)[1].open(packet, header.number_at, 0)
    assert opened is not None
    assert (opened.number, opened.payload) == (1, SERVER_HELLO)


@pytest.mark.parametrize("name", ["v1", "v2"])
def test_client_initial(name: str) -> None:
    """The packet of appendix A.2, made anew from its plain text: its printed head and end agree."""
    start, end = (bytes.fromhex(text) for text in HEADS[name])
    version = {"v1": "c300000001", "v2": "d36b3343cf"}[name]
    plain_header = bytes.fromhex(version + "088394c8f03e5157080000449e00000002")
    payload = CLIENT_HELLO.ljust(1162, b"\0")
    packet = sealed(BY_NAME[name].labels, secret_of(name), plain_header, 2, payload)
    assert packet.startswith(start)
    assert packet.endswith(end)
    header = headers.read_long(packet)
    assert header is not None
    opened = initial_keys(BY_NAME[name], TARGET)[0].open(packet, header.number_at, 0)
    assert opened == (2, payload)


def secret_of(name: str) -> bytes:
    """client_initial_secret as the RFCs print it."""
    return bytes.fromhex(
        {
            "v1": "c00cf151ca5be075ed0ebfb5c80323c42d6b7db67881289af4008f1f6c357aea",
            "v2": "14ec9d6eb9fd7af83bf5a668bc17a7e283766aade7ecd0891f70f9ff7f4bf47b",
        }[name]
    )


def sealed(labels: bytes, secret: bytes, header: bytes, number: int, payload: bytes) -> bytes:
    """A packet protected by AES-128-GCM, by another implementation (aioquic's OpenSSL)."""
    from aioquic.quic.crypto import CryptoPair  # noqa: PLC0415 - the other implementation, here only
    from aioquic.tls import CipherSuite  # noqa: PLC0415

    pair = CryptoPair()
    version = 1 if labels == b"quic" else 0x6B3343CF
    pair.send.setup(cipher_suite=CipherSuite.AES_128_GCM_SHA256, secret=secret, version=version)
    return pair.encrypt_packet(header, payload, number)


@pytest.mark.parametrize("name", ["v1", "v2"])
def test_chacha20_short_header(name: str) -> None:
    suite = suites.lookup(0x0304, 0x1303)
    assert suite is not None
    packet = bytes.fromhex(CHACHA[name])
    opened = PacketKeys(suite, SECRET_A5, BY_NAME[name].labels).open(packet, 1, 654360564)
    assert opened == (654360564, b"\x01")
    assert UpdatedKeys(suite, SECRET_A5, BY_NAME[name].labels).open(packet, 1, 654360564) == opened


@pytest.mark.parametrize("name", ["v1", "v2"])
def test_retry_integrity(name: str) -> None:
    packet = bytes.fromhex(RETRIES[name])
    header = headers.read_long(packet)
    assert header is not None
    assert (header.form, header.token) == (Form.RETRY, b"token")
    assert retry_is_genuine(BY_NAME[name], packet, TARGET)
    assert not retry_is_genuine(BY_NAME[name], packet, TARGET[:-1])
    assert not retry_is_genuine(BY_NAME[name], packet[:-1] + b"!", TARGET)


def test_draft_29_initial() -> None:
    header = headers.read_long(DRAFT_29_SERVER_INITIAL)
    assert header is not None
    keys = initial_keys(VERSIONS[0xFF00001D], TARGET)[1]
    opened = keys.open(DRAFT_29_SERVER_INITIAL, header.number_at, 0)
    assert opened is not None
    assert opened.payload.startswith(bytes.fromhex("0d0000000018410a020000560303eefce7f7b37ba1d1632e9667"))


@pytest.mark.parametrize("number", [0xFF000017, 0xFF000018, 0xFF00001C, 0xFACEB002])
def test_draft_23_initial(number: int) -> None:
    """Sealed here with the draft's keys."""
    key, iv, hp = DRAFT_23_CLIENT
    header = b"\xc0" + number.to_bytes(4, "big") + b"\x08" + TARGET + b"\0\0\x40\x40\x07"
    nonce = iv[:-1] + bytes((iv[-1] ^ 7,))
    body = AESGCM(key).encrypt(nonce, b"\x01" * 47, header)
    mask = Cipher(AES(hp), modes.ECB()).encryptor().update(body[3:19])
    packet = bytes((header[0] ^ mask[0] & 0x0F,)) + header[1:-1] + bytes((7 ^ mask[1],)) + body
    found = headers.read_long(packet)
    assert found is not None
    opened = initial_keys(VERSIONS[number], TARGET)[0].open(packet, found.number_at, 0)
    assert opened == (7, b"\x01" * 47)


def test_ccm() -> None:
    """Sealed here; RFC 9001 section 5.4.3: the mask is AES's as for GCM."""
    suite = suites.lookup(0x0304, 0x1304)
    assert suite is not None
    key, iv, hp = (
        expand_label(suite, SECRET_A5, b"quic " + label, size)
        for label, size in ((b"key", 16), (b"iv", 12), (b"hp", 16))
    )
    header = b"\x40" + TARGET + b"\x00"
    body = AESCCM(key, tag_length=16).encrypt(iv, b"\x01" * 30, header)
    mask = Cipher(AES(hp), modes.ECB()).encryptor().update(body[3:19])
    packet = bytes((0x40 ^ mask[0] & 0x1F,)) + TARGET + mask[1:2] + body
    assert UpdatedKeys(suite, SECRET_A5, b"quic").open(packet, 9, 0) == (0, b"\x01" * 30)


@pytest.mark.parametrize("number", DRAFT_RETRIES)
def test_retry_of_drafts(number: int) -> None:
    packet = bytes.fromhex(DRAFT_RETRIES[number])
    assert retry_is_genuine(VERSIONS[number], packet, TARGET)
    assert not retry_is_genuine(VERSIONS[number], packet, TARGET[1:])


def test_packet_numbers_of_the_rfc() -> None:
    """RFC 9000 appendix A.3."""
    assert decode_number(0x9B32, 16, 0xA82F30EA + 1) == 0xA82F9B32


@pytest.mark.parametrize(
    ("number", "bits", "expected"),
    [(0, 8, 0), (255, 8, 250), (256, 8, 250), (65536, 16, 65530), (200, 8, 0x100), (2**40, 32, 2**40 - 5)],
)
def test_a_packet_number_is_the_nearest_to_the_expected(number: int, bits: int, expected: int) -> None:
    assert decode_number(number & ((1 << bits) - 1), bits, expected) == number


def test_a_changed_bit_anywhere_does_not_authenticate() -> None:
    packet = SERVER_INITIALS["v1"]
    keys = initial_keys(V1, TARGET)[1]
    for at in range(18, len(packet)):
        changed = packet[:at] + bytes((packet[at] ^ 1,)) + packet[at + 1 :]
        assert keys.open(changed, 18, 0) is None


def test_a_packet_too_short_for_a_sample_is_refused() -> None:
    assert initial_keys(V1, TARGET)[1].open(SERVER_INITIALS["v1"][:37], 18, 0) is None


def test_suites_that_quic_uses() -> None:
    """RFC 9001 section 5.3: all of TLS 1.3 but the one with the short tag."""
    numbers = [n for n in range(0x1301, 0x1306) if usable(suites.lookup(0x0304, n))]
    assert numbers == [0x1301, 0x1302, 0x1303, 0x1304]


def test_keys_do_not_show_themselves() -> None:
    suite = suites.lookup(0x0304, 0x1301)
    assert suite is not None
    assert SECRET_A5.hex() not in repr(UpdatedKeys(suite, SECRET_A5, b"quic"))
    assert repr(SECRET_A5) not in repr(UpdatedKeys(suite, SECRET_A5, b"quic"))
