"""Records sealed again: read with the new secrets they say the new text, with the old ones nothing."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest

from plainwire.model import Side
from plainwire.share.resealing import MadeUpSecrets, ResealedTls
from plainwire.share.wire_text import WireText
from plainwire.tls.keylog import WRITE_KEYS
from plainwire.tls.sealing import UnsealableError
from tests.tls.live import CLIENT, NO_ENCRYPT_THEN_MAC, SERVER, Live, contexts, keys_of, read
from tests.tls.test_joining import sealed12

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.tls.live import Piece

V10, V12, V13 = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
SAID = [(CLIENT, b"GET /hunter2 HTTP/1.1\r\n\r\n"), (SERVER, b"HTTP/1.1 200 OK\r\n\r\n" + b"hunter2" * 5000)]
SUITES = [
    "AES128-GCM-SHA256",
    "AES256-GCM-SHA384",
    "AES128-CCM",
    "AES128-CCM8",
    "CHACHA20-POLY1305",
    "AES128-SHA",
]


def _live(version: ssl.TLSVersion, suite: str, *, inside: bool = False) -> Live:
    name = f"ECDHE-ECDSA-{suite}" if suite else ""
    made = contexts(version, ciphers=name)
    if inside:
        for context in made:
            context.options |= NO_ENCRYPT_THEN_MAC
    live = Live(*made)
    for side, text in SAID:
        live.say(side, text)
    live.close(SERVER)
    return live


def _wires(pieces: Iterable[Piece]) -> tuple[WireText, WireText]:
    streams = [b"", b""]
    for side, data in pieces:
        streams[side] += data
    client, server = (
        WireText(side, [(streams[side], 0, len(streams[side]))] if streams[side] else []) for side in Side
    )
    return client, server


def _resealed(live: Live) -> tuple[list[Piece], bytes]:
    """The wire with the text in upper case, and the secrets that open it."""
    wires = _wires(live.wire)
    secrets = MadeUpSecrets(keys_of(live.key_log), b"k" * 32)
    session = ResealedTls(wires, secrets)
    inner = WireText(CLIENT, session.plain[0]), WireText(SERVER, session.plain[1])
    for wire in inner:
        wire.put(0, wire.data.upper())
    session.seal(inner)
    assert [len(wire.made) for wire in wires] == [len(wire.data) for wire in wires]
    at = [0, 0]
    made: list[Piece] = []
    for side, data in live.wire:
        made.append((side, bytes(wires[side].made[at[side] : at[side] + len(data)])))
        at[side] += len(data)
    return made, b"\n".join(secrets.lines)


def _check(live: Live) -> None:
    made, key_log = _resealed(live)
    before, after = read(live.wire, live.key_log), read(made, key_log)
    assert before.texts == (SAID[0][1], SAID[1][1])
    assert after.texts == (SAID[0][1].upper(), SAID[1][1].upper())
    assert [(a.side, a.description, a.start) for a in after.alerts] == [
        (a.side, a.description, a.start) for a in before.alerts
    ]
    assert after.records == before.records
    assert not after.reasons
    assert read(made, live.key_log).texts == (b"", b"")
    assert not set(key_log.split()) & {line.split()[2] for line in live.key_log.splitlines() if line}


@pytest.mark.parametrize("suite", SUITES)
def test_every_kind_of_suite_of_tls_1_2(suite: str) -> None:
    _check(_live(V12, suite))


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1 is deprecated:DeprecationWarning")
def test_a_mac_inside_the_encryption_and_chained_vectors() -> None:
    _check(_live(V12, "AES128-SHA", inside=True))
    _check(_live(V10, "AES256-SHA"))


def test_tls_1_3_with_its_handshake_and_alerts() -> None:
    _check(_live(V13, ""))


def test_session_that_keys_out_of_memory_open_is_not_sealed_again() -> None:
    """Its keys are made of no secret that another could stand for."""
    key = bytes(range(16))
    log = f"{WRITE_KEYS[CLIENT]} {bytes(32).hex()} {(key + b'salt' + bytes(8)).hex()}".encode()
    wires = _wires([(CLIENT, sealed12(key, b"salt", 0, 5, SAID[0][1]))])
    secrets = MadeUpSecrets(keys_of(log), b"k" * 32)
    session = ResealedTls(wires, secrets)
    inner = WireText(CLIENT, session.plain[0]), WireText(SERVER, session.plain[1])
    assert inner[0].data == SAID[0][1]
    with pytest.raises(UnsealableError, match="handshake was not captured"):
        session.seal(inner)
    assert secrets.lines == {}


def test_secrets_show_in_no_representation() -> None:
    live = _live(V13, "")
    secrets = MadeUpSecrets(keys_of(live.key_log), b"k" * 32)
    ResealedTls(_wires(live.wire), secrets)
    assert live.key_log.split()[2].decode() not in repr(secrets)
