"""What is said of another handshake when the first is over."""

from __future__ import annotations

import contextlib
import ssl
import tempfile
from pathlib import Path

import pytest

from tests.tls.crafted import HANDSHAKE, Crafted, message
from tests.tls.live import CLIENT, SERVER, Live, Piece, certificate, contexts, cut, read

CERTIFICATE_REQUEST, CERTIFICATE, HELLO_REQUEST = 13, 11, 0
REQUEST = message(CERTIFICATE_REQUEST, b"\1c\0\0")
EMPTY = message(CERTIFICATE, b"\1c\0\0\0")


def kinds(wire: list[Piece], key_log: bytes) -> list[tuple[int, str]]:
    return [(later.side, later.kind) for later in read(wire, key_log).session.later]


def asked(*, offers: bool, certified: bool = False) -> Live:
    """A connection on which Python's server asks for a certificate later, or tries to."""
    client, server = contexts()
    client.post_handshake_auth = offers
    server.post_handshake_auth, server.verify_mode = True, ssl.CERT_OPTIONAL
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:
        Path(file.name).write_bytes(certificate("ec"))
        server.load_verify_locations(file.name)
        if certified:
            client.load_cert_chain(file.name)
    live = Live(client, server)
    live.say(CLIENT, b"ask")
    live.ends[SERVER].verify_client_post_handshake()
    live.say(SERVER, b"wait")
    live.say(CLIENT, b"more")
    return live


@pytest.mark.parametrize(("certified", "answer"), [(True, "certificate"), (False, "empty_certificate")])
@pytest.mark.parametrize("size", [1 << 20, 50])
def test_a_certificate_that_is_asked_for_later(certified: bool, answer: str, size: int) -> None:  # noqa: FBT001
    live = asked(offers=True, certified=certified)
    reading = read(cut(live.wire, size), live.key_log)
    later = [(each.side, each.kind) for each in reading.session.later]
    assert later == [(SERVER, "certificate_request"), (CLIENT, answer)]
    assert bool(live.ends[SERVER].getpeercert(binary_form=True)) == certified  # what OpenSSL made of it
    assert reading.session.info.post_handshake_auth
    assert reading.texts == (b"askmore", b"wait")


def test_openssl_does_not_ask_a_client_that_did_not_offer_it() -> None:
    with pytest.raises(ssl.SSLError, match=r"(?i)extension not received"):
        asked(offers=False)
    live = Live(*contexts())
    assert not read(live.wire, live.key_log).session.info.post_handshake_auth


def test_a_certificate_of_the_first_handshake_is_none_of_it() -> None:
    client, server = contexts()
    server.verify_mode = ssl.CERT_OPTIONAL
    live = Live(client, server)
    with contextlib.suppress(ssl.SSLError):
        live.say(CLIENT, b"ask")
    assert kinds(live.wire, live.key_log) == []


def test_a_hello_request_means_nothing_in_tls_1_3_nor_a_certificate_request_from_a_client() -> None:
    crafted = Crafted()
    wire = [(CLIENT, crafted.client_hello()), (SERVER, crafted.server_flight())]
    wire.append((CLIENT, crafted.client_finished() + crafted.client.seal(REQUEST, HANDSHAKE)))
    wire.append((SERVER, crafted.server.seal(message(HELLO_REQUEST), HANDSHAKE)))
    assert kinds(wire, crafted.key_log()) == []


def test_the_number_of_questions_is_bounded() -> None:
    crafted = Crafted()
    wire = [(CLIENT, crafted.client_hello()), (SERVER, crafted.server_flight())]
    wire.append((CLIENT, crafted.client_finished()))
    for _ in range(50):
        wire.append((SERVER, crafted.server.seal(REQUEST * 10, HANDSHAKE)))
        wire.append((CLIENT, crafted.client.seal(EMPTY * 10, HANDSHAKE)))
    assert len(kinds(wire, crafted.key_log())) == 64
