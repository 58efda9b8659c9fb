"""The kernel's reading of a whole session and ``TlsSession`` give the same, whatever comes, and whenever."""

from __future__ import annotations

import ssl
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plainwire.conversation.shared import joined
from plainwire.model import Side, TlsInfo
from plainwire.tls.at_once import begun
from plainwire.tls.keylog import KeyLog
from plainwire.tls.session import TlsSession
from tests.needs import needs_kernel
from tests.tls.crafted import (
    ALERT,
    APPLICATION,
    CHANGE,
    HANDSHAKE,
    KEY_UPDATE,
    Crafted,
    Sealer,
    message,
    record,
)
from tests.tls.live import CLIENT, SERVER, Live, certificate, contexts

CLOSE_NOTIFY, NO_RENEGOTIATION = b"\1\0", b"\1\x64"
TICKET, CERTIFICATE_REQUEST = message(4, bytes(20)), message(13, bytes(3))
NAMES = bytes.fromhex("0000000a0008000005") + b"a.exa" + bytes.fromhex("00100005000302") + b"h2"
BEHIND = st.sampled_from(
    [
        *(
            (b"text", APPLICATION, 0),
            (b"", APPLICATION, 0),
            (b"", APPLICATION, 9),
            (b"padded", APPLICATION, 3),
        ),
        *((CLOSE_NOTIFY, ALERT, 0), (NO_RENEGOTIATION, ALERT, 0), (b"\2", ALERT, 0), (b"\2\x2a", ALERT, 1)),
        *((TICKET, HANDSHAKE, 0), (TICKET + TICKET, HANDSHAKE, 0), (TICKET[:9], HANDSHAKE, 0)),
        *((TICKET[9:], HANDSHAKE, 0), (CERTIFICATE_REQUEST, HANDSHAKE, 0), (b"", HANDSHAKE, 0)),
        *((b"x", 0, 0), (b"x", CHANGE, 0), (b"x", 99, 0), (b"beat", 24, 0)),
        *(
            ("change", 0, 0),
            ("update", 0, 0),
            ("again", 0, 0),
            ("damaged", 0, 0),
            ("ahead", 0, 0),
            ("clear", 0, 0),
        ),
    ]
)


def _sealed(sealer: Sealer, said: list[tuple[Any, int, int]]) -> bytes:
    """The records behind a handshake: plain ones, and what only ``TlsSession`` reads."""
    records: list[bytes] = []
    for text, kind, padding in said:
        match text:
            case "change":
                records.append(record(CHANGE, b"\1"))
            case "update":
                records.append(sealer.seal(message(KEY_UPDATE, b"\0"), HANDSHAKE))
                sealer = sealer.updated()
            case "again":
                records += records[-1:]
            case "damaged":
                records.append(sealer.seal(b"damaged")[:-1] + b"!")
            case "ahead":
                sealer.sequence += 1
            case "clear":
                records.append(record(ALERT, CLOSE_NOTIFY))
            case _:
                records.append(sealer.seal(text, kind, padding=padding))
    return b"".join(records)


@st.composite
def wires(draw: st.DrawFn) -> tuple[bytes, bytes, bytes]:
    """What both sides sent, and the key log: mostly as it should be."""
    crafted = Crafted(draw(st.sampled_from([0x1301, 0x1302, 0x1303])))
    change = draw(st.sampled_from([b"", record(CHANGE, b"\1")]))
    extensions = draw(st.sampled_from([b"", NAMES, NAMES[:-1], NAMES[:13], b"\0\x10\0\3\0\1\xff"]))
    chosen = draw(
        st.sampled_from(
            [b"", bytes.fromhex("00100005000302") + b"h2", bytes.fromhex("001000040002") + b"\xc3x"]
        )
    )
    client = crafted.client_hello(extensions) + change + crafted.client_finished()
    server = crafted.server_flight(chosen) + change
    client += _sealed(crafted.client, draw(st.lists(BEHIND, max_size=5)))
    server += _sealed(crafted.server, draw(st.lists(BEHIND, max_size=5)))
    without_label = draw(st.sampled_from(["", "", "", "", "SERVER_TRAFFIC_SECRET_0"]))
    if draw(st.integers(0, 5)) == 0:
        at = draw(st.integers(0, len(server) - 1))
        server = server[:at] + draw(st.sampled_from([b"", b"\0", b"\x17\3\3"])) + server[at + 1 :]
    return client, server, crafted.key_log(without=without_label)


def _outcome(session: TlsSession, rests: list[tuple[Side, int, bytes]], keys: KeyLog) -> list[Any]:
    """Feed what is left, piece by piece, and tell all that came of everything."""
    for side, offset, rest in rests:
        session.feed(side, offset, rest)
        session.advance()
    session.close()
    texts = [session.plain(side) for side in Side]
    sides = [(s.buffer, s.base, s.record, s.dead, s.wanted, s.secret, s.done) for s in session._sides]
    told = [sorted(session.alerts), session.reasons, session.reuses, session.later, session.finished]
    return [session.info, texts, sides, *told, keys.claimed]


def _both(
    client: bytes, server: bytes, key_log: bytes, cuts: tuple[int, int]
) -> tuple[list[Any], list[Any] | None]:
    """What ``TlsSession`` makes of it, and what comes of the kernel's beginning; None where it declines."""
    found: list[list[Any] | None] = []
    first = client[: cuts[0]], server[: cuts[1]]
    rests = [(CLIENT, cuts[0] + 7, client[cuts[0] :]), (SERVER, cuts[1] + 9, server[cuts[1] :])]
    rests = [
        (side, at + step, rest[step : step + 50])
        for side, at, rest in rests
        for step in range(0, len(rest), 50)
    ]
    for by_kernel in (False, True):
        keys, info = KeyLog(), TlsInfo()
        keys.add(key_log)
        whole = begun(keys, info, first, (7, 9)) if by_kernel else None
        if by_kernel and whole is None:
            assert info == TlsInfo()
            return found[0] or [], None
        session = whole.continued() if whole is not None else TlsSession(keys)
        if whole is None:
            for side, at in ((CLIENT, 7), (SERVER, 9)):
                session.feed(side, at, first[side])
            session.advance()
        else:
            session.go_on()
        found.append(_outcome(session, rests, keys))
    return found[0] or [], found[1]


@pytest.fixture(autouse=True)
def _kernel() -> None:
    needs_kernel()


@settings(max_examples=200, deadline=None)
@given(wires(), st.integers(0, 400), st.integers(0, 400))
def test_both_read_the_same(wire: tuple[bytes, bytes, bytes], late: int, later: int) -> None:
    client, server, key_log = wire
    by_python, by_kernel = _both(
        client, server, key_log, (max(len(client) - late, 1), max(len(server) - later, 1))
    )
    assert by_kernel in (None, by_python)


def test_a_session_of_openssl_is_read_at_once() -> None:
    live = Live(*contexts())
    live.say(CLIENT, b"ask")
    live.say(SERVER, b"answer")
    live.close(CLIENT)
    client, server = (b"".join(data for side, data in live.wire if side is wanted) for wanted in Side)
    keys = KeyLog()
    keys.add(live.key_log)
    whole = begun(keys, TlsInfo(), (client, server), (0, 0))
    assert whole is not None
    assert not whole.stopped
    texts = [joined(whole.plain(side)) for side in Side]
    assert texts == [b"ask", b"answer"]
    assert whole.info.certificate == ssl.PEM_cert_to_DER_cert(
        certificate("ec").decode().partition("-----BEGIN PR")[0]
    )
    assert [alert.side for alert in whole.alerts] == [CLIENT]


def test_without_a_secret_nothing_is_read_and_nothing_noted() -> None:
    crafted = Crafted()
    client, info = crafted.client_hello() + crafted.client_finished(), TlsInfo()
    keys = KeyLog()
    keys.add(crafted.key_log(without="CLIENT_TRAFFIC_SECRET_0"))
    assert begun(keys, info, (client, crafted.server_flight()), (0, 0)) is None
    assert info == TlsInfo()
    assert not keys.claimed
