"""SSL 3.0, which neither OpenSSL nor GnuTLS speaks any more, spoken by tlslite-ng in memory."""

from __future__ import annotations

import socket
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest

from plainwire.model import Side
from plainwire.tls.keylog import KeyLog
from tests.tls.live import certificate, read

with warnings.catch_warnings(action="ignore"):  # asyncore, which it takes along where Python still has it
    from tlslite.api import (  # type: ignore[import-untyped]
        HandshakeSettings,
        TLSConnection,
        X509CertChain,
        parsePEMKey,
    )

ASKED, ANSWERED = [b"GET / HTTP/1.0\r\n\r\n", b"", b"again" * 300], [bytes(range(256)) * 20, b"x"]
SSL3 = 3, 0
NAMES = {
    "rc4": "RC4_128",
    "3des": "3DES_EDE_CBC",
    "aes128": "AES_128_CBC",
    "aes256": "AES_256_CBC",
    "null": "NULL",
}
_PATIENCE = 60.0


@dataclass
class Wire:
    """A socket that keeps what is sent through it."""

    side: Side
    end: socket.socket
    sent: list[tuple[Side, bytes]] = field(default_factory=list)

    def send(self, data: bytes) -> int:
        self.sent.append((self.side, bytes(data)))
        self.end.sendall(data)
        return len(data)

    def sendall(self, data: bytes) -> None:
        self.send(data)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - the rest of a socket
        return getattr(self.end, name)


@dataclass
class Talk:
    wire: list[tuple[Side, bytes]]
    suite: str
    key_log: bytes


def settings(cipher: str, mac: str) -> HandshakeSettings:
    made = HandshakeSettings()
    made.minVersion = made.maxVersion = SSL3
    made.cipherNames, made.macNames = [cipher], [mac]
    made.keyExchangeNames = ["rsa"]
    made.useEncryptThenMAC = made.useExtendedMasterSecret = False
    return made


def talk(cipher: str, mac: str) -> Talk:
    """What both ends said to each other, and the secret that they had in common."""
    ends = socket.socketpair()
    for end in ends:
        end.settimeout(_PATIENCE)
    sent: list[tuple[Side, bytes]] = []
    client, server = (TLSConnection(Wire(side, end, sent)) for side, end in zip(Side, ends, strict=True))
    wanted = settings(cipher, mac)
    pem = certificate("rsa").decode()
    chain = X509CertChain()
    chain.parsePemList(pem)

    def serve() -> None:
        server.handshakeServer(certChain=chain, privateKey=parsePEMKey(pem, private=True), settings=wanted)
        assert server.read(min=len(b"".join(ASKED))) == b"".join(ASKED)
        for text in ANSWERED:
            server.write(text)
        server.close()

    with ThreadPoolExecutor(1) as thread:
        served = thread.submit(serve)
        client.handshakeClientCert(settings=wanted)
        for text in ASKED:
            client.write(text)
        assert client.read(min=len(b"".join(ANSWERED))) == b"".join(ANSWERED)
        served.result(_PATIENCE)
        client.close()
    for end in ends:
        end.close()
    line = f"CLIENT_RANDOM {client._clientRandom.hex()} {client.session.masterSecret.hex()}\n"
    name = f"TLS_RSA_WITH_{NAMES[cipher]}_{mac.upper()}"
    return Talk(sent, name, line.encode())


@pytest.mark.parametrize(
    ("cipher", "mac"),
    [("rc4", "sha"), ("rc4", "md5"), ("3des", "sha"), ("aes128", "sha"), ("aes256", "sha"), ("null", "sha")],
)
def test_what_was_said(cipher: str, mac: str) -> None:
    said = talk(cipher, mac)
    reading = read(said.wire, said.key_log)
    assert (reading.session.info.version, reading.session.info.cipher_suite) == ("SSL 3.0", said.suite)
    assert (reading.texts, reading.reasons) == ((b"".join(ASKED), b"".join(ANSWERED)), [])
    assert {(alert.side, alert.description) for alert in reading.alerts} == {(side, 0) for side in Side}


def test_the_server_s_private_key_is_enough() -> None:
    keys = KeyLog()
    keys.private_keys.add(certificate("rsa"), "key")
    assert read(talk("aes128", "sha").wire, keys).texts == (b"".join(ASKED), b"".join(ANSWERED))


@pytest.mark.parametrize("cipher", ["rc4", "aes128"])
def test_another_secret_is_a_wrong_one(cipher: str) -> None:
    said = talk(cipher, "sha")
    line = said.key_log.split()
    reading = read(said.wire, b" ".join([*line[:2], b"0" * 96]))
    assert reading.texts == (b"", b"")
    assert all("MAC failed" in reason.text for reason in reading.reasons)
    assert len(reading.reasons) == 2
