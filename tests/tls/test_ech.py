"""Encrypted Client Hello: the inner hello, by the lines that a key log has about it."""

from __future__ import annotations

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from plainwire.tls.ech import hpke_key, inner_hello
from plainwire.tls.handshake_messages import Hello, parse_hello
from tests.tls.crafted import RANDOM, Crafted, message, record
from tests.tls.live import CLIENT, SERVER, keys_of, read

SECRET = bytes.fromhex("fe0e18c9f024ce43799ae393c7e8fe8fce9d218875e8227b0187c04e7d2ea1fc")
CONFIG = bytes.fromhex("fe0d000a01002000000004000100010000")
OUTER = bytes(reversed(RANDOM))
ALPN = bytes.fromhex("0010000500030268 32")


def test_the_key_of_rfc_9180_appendix_a_1_1() -> None:
    # https://www.rfc-editor.org/rfc/rfc9180#appendix-A.1.1
    info = bytes.fromhex("4f6465206f6e2061204772656369616e2055726e")
    key, nonce = hpke_key(SECRET, info, kem=0x20, kdf=1, aead=1)
    assert (key.hex(), nonce.hex()) == ("4531685d41d65f03dc48f6b8302c05b0", "56d890e5accaaf011cff4b7d")


def server_name(name: bytes) -> bytes:
    listed = b"\0" + len(name).to_bytes(2, "big") + name
    return b"\0\0" + (len(listed) + 2).to_bytes(2, "big") + len(listed).to_bytes(2, "big") + listed


def body(random: bytes, extensions: bytes) -> bytes:
    return (
        b"\3\3" + random + b"\0" + b"\0\2\x13\1" + b"\1\0" + len(extensions).to_bytes(2, "big") + extensions
    )


def outer_hello() -> bytes:
    """Section 5.1 of RFC 9849: ALPN is taken over from the outer hello, zeros pad the inner one."""
    takes_over = bytes.fromhex("fd00 0003 02 0010")
    inner = body(RANDOM, server_name(b"hidden.test") + takes_over) + bytes(7)
    enc = b"e" * 32

    def with_payload(payload: bytes) -> bytes:
        sent = (
            b"\0\0\1\0\1\x07" + len(enc).to_bytes(2, "big") + enc + len(payload).to_bytes(2, "big") + payload
        )
        extension = b"\xfe\x0d" + len(sent).to_bytes(2, "big") + sent
        return body(OUTER, server_name(b"public.test") + ALPN + extension)

    key, nonce = hpke_key(SECRET, b"tls ech\0" + CONFIG, kem=0x20, kdf=1, aead=1)
    extra = with_payload(bytes(len(inner) + 16))
    return with_payload(AESGCM(key).encrypt(nonce, inner, extra))


def key_log(secret: bytes = SECRET) -> bytes:
    ech = f"ECH_SECRET {OUTER.hex()} {secret.hex()}\nECH_CONFIG {OUTER.hex()} {CONFIG.hex()}\n"
    return ech.encode() + Crafted().key_log()


def test_the_inner_server_name_is_shown_and_its_secrets_used() -> None:
    crafted = Crafted()
    wire = [
        (CLIENT, record(22, message(1, outer_hello()))),
        (SERVER, crafted.server_flight()),
        (CLIENT, crafted.client_finished() + crafted.client.seal(b"ask")),
        (SERVER, crafted.server.seal(b"answer")),
    ]
    keys = keys_of(key_log())
    reading = read(wire, keys)
    assert reading.texts == (b"ask", b"answer")
    info = reading.session.info
    assert (info.server_name, info.outer_server_name) == ("hidden.test", "public.test")
    assert (info.client_random, info.encrypted_client_hello) == (RANDOM, "accepted")
    assert info.alpn_offered == ["h2"]
    without = read(wire, key_log(bytes(32))).session.info  # found by trial; the name stays hidden
    assert (without.server_name, without.client_random) == ("public.test", RANDOM)


@given(st.binary(max_size=80), st.binary(max_size=40), st.binary(max_size=40))
def test_any_bytes_for_the_extension_the_secret_and_the_configuration(
    sent: bytes, secret: bytes, config: bytes
) -> None:
    whole = outer_hello()
    hello = parse_hello(whole, client=True)
    assert hello is not None
    found = Hello(hello.version, hello.random, b"", hello.suites, {**hello.extensions, 0xFE0D: sent})
    assert inner_hello(whole, found, secret, config) is None
    assert inner_hello(whole, hello, secret, CONFIG) is None
    assert inner_hello(whole, hello, SECRET, CONFIG) is not None
