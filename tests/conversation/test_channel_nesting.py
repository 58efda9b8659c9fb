"""What goes through a tunnel is read as well as what opened it, in any nesting; both are tied together."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from tests.conversation.wire import CLIENT, GET, OK, SERVER, Said, Talk, gist

if TYPE_CHECKING:
    from pathlib import Path

CONNECT = b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n"
ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
INSIDE: Said = [(CLIENT, GET), (SERVER, OK)]
ONE_BYTE = 1

PREAMBLES: list[tuple[str, str, Said]] = [
    ("PROXY protocol 1", "for 192.0.2.7:5000", [(CLIENT, b"PROXY TCP4 192.0.2.7 192.0.2.9 5000 443\r\n")]),
    ("PROXY protocol 1", "unknown", [(CLIENT, b"PROXY UNKNOWN\r\n")]),
    (
        "PROXY protocol 2",
        "for [2001:db8::7]:5000",
        [
            (
                CLIENT,
                b"\r\n\r\n\0\r\nQUIT\n\x21\x21\0\x24"
                + bytes.fromhex("20010db8000000000000000000000007" * 2)
                + struct.pack(">HH", 5000, 443),
            )
        ],
    ),
    (
        "SOCKS 5",
        "a.example:443",
        [
            (CLIENT, b"\5\1\0"),
            (SERVER, b"\5\0"),
            (CLIENT, b"\5\1\0\3\x09a.example\1\xbb"),
            (SERVER, b"\5\0\0\1\xc0\0\2\1\x04\xd2"),
        ],
    ),
    (
        "SOCKS 5",
        "192.0.2.9:443",
        [
            (CLIENT, b"\5\2\0\2"),
            (SERVER, b"\5\2"),
            (CLIENT, b"\1\4user\7hunter2"),
            (SERVER, b"\1\0"),
            (CLIENT, b"\5\1\0\1\xc0\0\2\x09\1\xbb"),
            (SERVER, b"\5\0\0\4" + bytes(18)),
        ],
    ),
    ("SOCKS 4", "192.0.2.9:443", [(CLIENT, b"\4\1\1\xbb\xc0\0\2\x09me\0"), (SERVER, b"\0\x5a" + bytes(6))]),
    (
        "SOCKS 4a",
        "a.example:443",
        [(CLIENT, b"\4\1\1\xbb\0\0\0\1me\0a.example\0"), (SERVER, b"\0\x5a" + bytes(6))],
    ),
]

UPGRADES: list[tuple[str, Said]] = [
    (
        "SMTP",
        [
            (SERVER, b"220 mail.example ESMTP\r\n"),
            (CLIENT, b"EHLO me.example\r\n"),
            (SERVER, b"250-mail.example\r\n250 STARTTLS\r\n"),
            (CLIENT, b"STARTTLS\r\n"),
            (SERVER, b"220 go ahead\r\n"),
        ],
    ),
    ("IMAP", [(SERVER, b"* OK ready\r\n"), (CLIENT, b"a1 STARTTLS\r\n"), (SERVER, b"a1 OK begin\r\n")]),
    ("POP3", [(SERVER, b"+OK ready\r\n"), (CLIENT, b"STLS\r\n"), (SERVER, b"+OK begin\r\n")]),
    ("FTP", [(SERVER, b"220 ready\r\n"), (CLIENT, b"AUTH TLS\r\n"), (SERVER, b"234 begin\r\n")]),
    (
        "LDAP",
        [
            (CLIENT, b"\x30\x1d\2\1\1\x77\x18\x80\x161.3.6.1.4.1.1466.20037"),
            (SERVER, b"\x30\x0c\2\1\1\x78\7\x0a\1\0\4\0\4\0"),
        ],
    ),
    (
        "XMPP",
        [
            (CLIENT, b"<?xml version='1.0'?><stream:stream to='a.example'>"),
            (SERVER, b"<?xml version='1.0'?><stream:stream><stream:features><starttls/></stream:features>"),
            (CLIENT, b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"),
            (SERVER, b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"),
        ],
    ),
    (
        "XMPP",
        [
            (CLIENT, b"<?xml version='1.0'?><stream:stream to='a.example'>"),
            (SERVER, b"<?xml version='1.0'?><stream:stream><stream:features><starttls/></stream:features>"),
            (CLIENT, b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'> <required/>\n</starttls>"),
            (SERVER, b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"),
        ],
    ),
    ("PostgreSQL", [(CLIENT, b"\0\0\0\x08\x04\xd2\x16\x2f"), (SERVER, b"S")]),
    (
        "MySQL",
        [
            (SERVER, b"\x4a\0\0\0\x0a8.0.36\0" + bytes(66)),
            (CLIENT, b"\x20\0\0\1\x85\xae\xff\x19" + bytes(28)),
        ],
    ),
]


@pytest.mark.parametrize("segment", [1460, ONE_BYTE])
@pytest.mark.parametrize("secure", [True, False])
@pytest.mark.parametrize(("kind", "target", "said"), PREAMBLES)
def test_what_follows_a_preamble_is_read(
    kind: str, target: str, said: Said, *, secure: bool, segment: int, tmp_path: Path
) -> None:
    talk = Talk(list(said))
    talk = talk.tls(INSIDE) if secure else Talk([*said, *INSIDE])
    connection = talk.connection(tmp_path, segment=segment)
    assert [(t.kind, t.target, t.refused) for t in connection.tunnels] == [(kind, target, "")]
    assert [gist(e) for e in connection.exchanges] == [("GET /inside", 200)]
    assert (connection.tls is not None) == secure


@pytest.mark.parametrize(("name", "said"), UPGRADES)
@pytest.mark.parametrize("segment", [1460, ONE_BYTE])
def test_tls_that_begins_in_another_protocol_is_read(
    name: str, said: Said, segment: int, tmp_path: Path
) -> None:
    connection = Talk(list(said)).tls(INSIDE).connection(tmp_path, segment=segment)
    assert [t.kind for t in connection.tunnels] == [f"STARTTLS ({name})"]
    assert connection.tls is not None
    assert connection.tls.handshake_complete
    assert [gist(e) for e in connection.exchanges] == [("GET /inside", 200)]


def test_the_exchange_inside_a_connect_tunnel_names_the_one_outside(tmp_path: Path) -> None:
    connection = Talk().client(CONNECT).server(ESTABLISHED).tls(INSIDE).connection(tmp_path)
    outside, inside = connection.exchanges
    assert [gist(outside), gist(inside)] == [("CONNECT a.example:443", 200), ("GET /inside", 200)]
    assert inside.via is outside
    assert outside.via is None
    assert [(t.kind, t.target) for t in connection.tunnels] == [("CONNECT", "a.example:443")]


def test_tls_inside_a_tunnel_inside_tls_is_read(tmp_path: Path) -> None:
    inner = Talk([(CLIENT, CONNECT), (SERVER, ESTABLISHED)]).tls(INSIDE)
    outer = Talk(key_log=inner.key_log).tls(inner.said)
    report = outer.report(tmp_path)
    (connection,) = report.connections
    assert connection.tls is not None
    assert [info.handshake_complete for info in (connection.tls, *connection.inner_tls)] == [True, True]
    assert [gist(e) for e in connection.exchanges] == [("CONNECT a.example:443", 200), ("GET /inside", 200)]
    response = connection.exchanges[1].response
    assert response is not None
    assert response.body == b"ok"
    # The packets named are those that carried the outer records.
    assert connection.exchanges[0].request is not None
    assert connection.exchanges[0].request.packet < response.packet <= connection.last_packet


def test_a_proxy_that_refuses_is_named(tmp_path: Path) -> None:
    talk = (
        Talk().client(b"\5\1\0").server(b"\5\0").client(b"\5\1\0\3\1a\1\xbb").server(b"\5\5\0\1" + bytes(6))
    )
    (tunnel,) = talk.connection(tmp_path).tunnels
    assert (tunnel.kind, tunnel.refused) == ("SOCKS 5", "the proxy refused: connection refused")


def test_passwords_of_a_proxy_are_nowhere_in_the_facts(tmp_path: Path) -> None:
    said = next(said for kind, target, said in PREAMBLES if kind == "SOCKS 5" and target.startswith("192"))
    assert "hunter2" not in repr(Talk([*said, *INSIDE]).connection(tmp_path))


def test_a_server_that_answers_tls_in_clear_text_is_heard(tmp_path: Path) -> None:
    hello = Talk().tls([]).said[0]
    refusal = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
    connection = Talk([hello, (SERVER, refusal)]).connection(tmp_path)
    assert [gist(e) for e in connection.exchanges] == [("", 400)]
    assert "the server answers in clear text where TLS was asked for" in [
        u.reason for u in connection.undecrypted
    ]


def test_a_protocol_that_never_begins_tls_makes_nothing(tmp_path: Path) -> None:
    talk = (
        Talk()
        .server(b"220 mail.example ESMTP\r\n")
        .client(b"EHLO a\r\n")
        .server(b"250 fine\r\n")
        .client(b"QUIT\r\n")
    )
    connection = talk.connection(tmp_path)
    assert (connection.tunnels, connection.exchanges, connection.tls) == ([], [], None)
