"""What no hello in the capture says, found because one secret or suite authenticates and no other does."""

from __future__ import annotations

import pytest

from plainwire.tls.reasons import NO_HANDSHAKE, NO_SECRET
from tests.tls.crafted import CHANGE, EARLY_DATA, RANDOM, SUITES, Crafted, hello, record
from tests.tls.live import CLIENT, SERVER, Piece, keys_of, read

ECH = bytes.fromhex("fe0d0000")
OUTER = bytes(reversed(RANDOM))


def talk(crafted: Crafted, first: bytes) -> list[Piece]:
    return [
        (CLIENT, first),
        (SERVER, crafted.server_flight()),
        (CLIENT, record(CHANGE, b"\1") + crafted.client_finished() + crafted.client.seal(b"ask")),
        (SERVER, crafted.server.seal(b"answer")),
    ]


def client_hello(suite: int, extensions: bytes = b"", random: bytes = OUTER) -> bytes:
    return record(22, hello(client=True, suite=suite, extensions=extensions, random=random), 0x0301)


def others(count: int) -> bytes:
    """Lines of connections that are not in the capture."""
    return b"".join(
        b"SERVER_HANDSHAKE_TRAFFIC_SECRET %064x %064x\n" % (number, number) for number in range(count)
    )


@pytest.mark.parametrize("suite", SUITES)
def test_secrets_of_the_inner_client_hello_are_found_for_the_outer(suite: int) -> None:
    crafted = Crafted(suite)
    reading = read(talk(crafted, client_hello(suite, ECH)), others(20) + crafted.key_log() + others(20))
    assert reading.texts == (b"ask", b"answer")
    assert reading.reasons == []
    assert reading.session.info.client_random == RANDOM
    assert reading.session.info.encrypted_client_hello == "accepted"


def test_without_the_extension_no_other_client_random_is_tried() -> None:
    crafted = Crafted()
    reading = read(talk(crafted, client_hello(0x1301)), crafted.key_log())
    assert reading.texts == (b"", b"")
    assert {r.text for r in reading.reasons} == {NO_SECRET}


def test_a_client_random_that_another_connection_has_said_is_not_tried_again() -> None:
    crafted, keys = Crafted(), keys_of(Crafted().key_log())
    first = read(talk(crafted, crafted.client_hello()), keys)
    assert first.texts == (b"ask", b"answer")
    left = keys.searches_left
    again = Crafted()
    assert read(talk(again, client_hello(0x1301, ECH)), keys).texts == (b"", b"")
    assert keys.searches_left == left


def test_the_searches_of_all_connections_together_are_bounded() -> None:
    keys = keys_of(others(1500))
    keys.searches_left = 1600
    for _ in range(3):
        reading = read(talk(Crafted(), client_hello(0x1301, ECH)), keys)
        assert {r.text for r in reading.reasons} == {NO_SECRET}
    assert keys.searches_left == 0


def test_a_connection_without_its_client_hello_is_read_from_the_server_s_side() -> None:
    crafted = Crafted()
    wire = talk(crafted, crafted.client_hello())[1:]
    reading = read(wire, others(3) + crafted.key_log())
    assert reading.texts == (b"", b"answer")
    assert [(r.side, r.text) for r in reading.reasons] == [(CLIENT, NO_HANDSHAKE)]
    assert reading.session.info.client_random == RANDOM


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("early", [False, True])
def test_the_client_s_side_alone_is_read_by_the_suite_that_opens_it(suite: int, *, early: bool) -> None:
    crafted = Crafted(suite)
    whole = hello(client=True, extensions=EARLY_DATA if early else b"")
    offer = b"\0\6" + b"".join(number.to_bytes(2, "big") for number in SUITES)
    body = whole[4:39] + offer + whole[43:]
    wire = [(CLIENT, record(22, b"\1" + len(body).to_bytes(3, "big") + body))]
    if early:
        wire.append((CLIENT, record(CHANGE, b"\1") + crafted.early.seal(b"early ")))
    else:
        wire.append((CLIENT, record(CHANGE, b"\1") + crafted.client_finished() + crafted.client.seal(b"ask")))
    reading = read(wire, crafted.key_log())
    assert reading.texts == (b"early " if early else b"ask", b"")
    assert reading.reasons == []
    assert reading.session.info.cipher_suite == SUITES[suite][0]
