"""Which secret is in use, and what the hellos of old and of drafts agree on."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plainwire.tls.handshake_messages import first_certificate, parse_hello, parse_sslv2_hello, ticket
from tests.tls.crafted import RANDOM, Crafted, Sealer, hello, message, record
from tests.tls.live import CLIENT, SERVER, Live, Piece, contexts, keys_of, read

if TYPE_CHECKING:
    from collections.abc import Iterable

TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


def talk(version: ssl.TLSVersion, ciphers: str = "") -> Live:
    live = Live(*contexts(version, ciphers=ciphers, key="rsa"))
    live.say(CLIENT, b"ask")
    live.say(SERVER, b"answer")
    return live


def _wrong(lines: Iterable[bytes]) -> bytes:
    return b"".join(line[:-8] + b"%08x\n" % number for number, line in enumerate(lines))


@pytest.mark.parametrize("version", [TLS12, TLS13])
@pytest.mark.parametrize("place", ["before", "after", "both"])
def test_of_several_secrets_for_one_client_random_that_is_used_which_opens_the_records(
    version: ssl.TLSVersion, place: str
) -> None:
    live = talk(version)
    wrong = _wrong(line for line in live.key_log.splitlines() if not line.startswith(b"#"))
    log = wrong * (place != "after") + live.key_log + wrong * (place != "before")
    reading = read(live.wire, log)
    assert reading.texts == (b"ask", b"answer")
    assert reading.reasons == []


@pytest.mark.parametrize("ciphers", ["NULL-SHA256", "AES128-SHA"])
def test_what_is_not_encrypted_is_read_without_a_secret(ciphers: str) -> None:
    live = talk(TLS12, ciphers)
    reading = read(live.wire, b"")
    clear = ciphers.startswith("NULL")
    assert reading.texts == ((b"ask", b"answer") if clear else (b"", b""))
    assert read(live.wire, live.key_log).texts == (b"ask", b"answer")


@pytest.mark.parametrize("challenge", [16, 32])
def test_a_client_hello_in_the_form_of_ssl_2(challenge: int) -> None:
    live = talk(TLS12)
    random = live.wire[0][1][11:43][:challenge]
    body = (
        b"\1\3\3" + bytes.fromhex("0006 0000") + challenge.to_bytes(2, "big") + bytes.fromhex("00c030010080")
    )
    body += random
    wire = [(CLIENT, (0x8000 | len(body)).to_bytes(2, "big") + body), *live.wire[1:]]
    full = random.rjust(32, b"\0").hex().encode()
    keys = keys_of(live.key_log.replace(live.wire[0][1][11:43].hex().encode(), full))
    reading = read(wire, keys)
    assert reading.session.info.client_random.hex().encode() == full
    # Finished and all behind it hang on both randoms: only the true one opens them.
    assert reading.texts == ((b"ask", b"answer") if challenge == 32 else (b"", b""))


def test_an_answer_in_ssl_2_is_named() -> None:
    wire = [
        (CLIENT, b"\x80\x1c\1\0\2\0\3\0\0\0\x10\1\0\x80" + bytes(16)),
        (SERVER, b"\x80\x0b\4\0\1\0\2" + bytes(6)),
    ]
    texts = {r.text for r in read([(SERVER, wire[1][1])], b"").reasons}
    assert texts == {"unsupported version SSL 2.0"}


@pytest.mark.parametrize("draft", [18, 19, 21, 22, 23, 26, 28])
def test_drafts_of_tls_1_3(draft: int) -> None:
    crafted = Crafted()
    for sealer in (crafted.client_hs, crafted.server_hs, crafted.client, crafted.server):
        sealer.draft = draft
    flight = message(8, b"\0\0") + message(20, bytes(32))
    wire: list[Piece] = [
        (CLIENT, crafted.client_hello()),
        (SERVER, record(22, _server_hello(draft)) + crafted.server_hs.seal(flight, 22)),
        (CLIENT, crafted.client_finished() + crafted.client.seal(b"ask")),
        (SERVER, crafted.server.seal(b"answer")),
    ]
    reading = read(wire, crafted.key_log())
    assert reading.texts == (b"ask", b"answer")
    assert reading.session.info.version == f"TLS 1.3 draft {draft}"


def _server_hello(draft: int) -> bytes:
    if draft >= 22:
        return hello(client=False, version=0x7F00 + draft)
    return message(2, bytes([0x7F, draft]) + RANDOM + b"\x13\1" + b"\0\0")  # section 4.1.3 of draft 21


def test_a_draft_too_old_is_named() -> None:
    wire = [(CLIENT, Crafted().client_hello()), (SERVER, record(22, hello(client=False, version=0x7F0E)))]
    wire.append((SERVER, Sealer(0x1301, bytes(32)).seal(b"x")))
    assert {r.text for r in read(wire, b"").reasons} == {"unsupported version TLS 1.3 draft 14"}


def test_protocols_offered_and_chosen() -> None:
    client, server = contexts()
    client.set_alpn_protocols(["h2", "http/1.1"])
    server.set_alpn_protocols(["http/1.1"])
    live = Live(client, server)
    info = read(live.wire, live.key_log).session.info
    assert (info.alpn_offered, info.alpn) == (["h2", "http/1.1"], "http/1.1")


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_for_a_message_are_read_or_not(body: bytes, flag: bool) -> None:  # noqa: FBT001
    assert first_certificate(body, tls13=flag) in body
    assert ticket(body) in body
    found = parse_sslv2_hello(body)
    assert found is None or len(found.random) == 32
    parse_hello(body, client=flag)
