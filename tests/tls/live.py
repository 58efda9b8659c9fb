"""Handshakes between two ends in memory, by Python's ssl: what crosses the wire, and the secrets."""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import ssl
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.x509.oid import NameOID

from plainwire.model import Gap, Side
from plainwire.tls.keylog import KeyLog
from plainwire.tls.session import TlsSession

if TYPE_CHECKING:
    from collections.abc import Iterable

    from plainwire.tls.reasons import Reason
    from plainwire.tls.session import TlsAlert

HOST = "server.example"
CLIENT, SERVER = Side.CLIENT, Side.SERVER
NO_ENCRYPT_THEN_MAC = 0x80000  # SSL_OP_NO_ENCRYPT_THEN_MAC of openssl/ssl.h

Piece = tuple[Side, bytes]
Hole = tuple[Side, int]
"""As many bytes were sent and not captured."""


@functools.cache
def certificate(kind: str) -> bytes:
    """A certificate signed by itself, and its key, as PEM; ``kind`` is ``rsa``, ``ec`` or ``dsa``."""
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | dsa.DSAPrivateKey
    if kind == "rsa":
        key = rsa.generate_private_key(65537, 2048)
    else:
        key = ec.generate_private_key(ec.SECP256R1()) if kind == "ec" else dsa.generate_private_key(1024)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    key_pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return made.public_bytes(serialization.Encoding.PEM) + key_pem


def contexts(
    version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3, *, ciphers: str = "", key: str = "ec"
) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Contexts of client and server that speak one version (and, up to TLS 1.2, one cipher suite)."""
    client, server = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:
        Path(file.name).write_bytes(certificate(key))
        server.load_cert_chain(file.name)
    client.check_hostname = False
    client.verify_mode = ssl.CERT_NONE
    for context in (client, server):
        context.minimum_version = context.maximum_version = version
        if ciphers:
            context.set_ciphers(ciphers + ":@SECLEVEL=0")
    return client, server


@dataclass
class Live:
    """Both ends of one connection. ``wire`` holds what was sent, in order."""

    client_context: ssl.SSLContext
    server_context: ssl.SSLContext
    session: ssl.SSLSession | None = None
    wire: list[Piece] = field(default_factory=list)
    key_log: bytes = b""

    def __post_init__(self) -> None:
        self.incoming = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        with tempfile.NamedTemporaryFile() as file:
            self.client_context.keylog_filename = file.name
            self.ends = (
                self.client_context.wrap_bio(
                    self.incoming[0], self.outgoing[0], server_hostname=HOST, session=self.session
                ),
                self.server_context.wrap_bio(self.incoming[1], self.outgoing[1], server_side=True),
            )
            self._shake_hands()
            self.key_log = Path(file.name).read_bytes()

    def _shake_hands(self) -> None:
        for _ in range(6):
            for side in (CLIENT, SERVER):
                try:
                    self.ends[side].do_handshake()
                except ssl.SSLWantReadError:
                    pass
                finally:
                    self.carry()

    def carry(self) -> None:
        """Take what either end wrote over to the other one."""
        for side in (CLIENT, SERVER):
            data = self.outgoing[side].read()
            if data:
                self.wire.append((side, data))
                self.incoming[side.peer].write(data)

    def say(self, side: Side, text: bytes) -> None:
        self.ends[side].write(text)
        self.carry()
        got = b""
        while len(got) < len(text):
            got += self.ends[side.peer].read(len(text))
        assert got == text

    def close(self, side: Side) -> None:
        """Send close_notify."""
        with contextlib.suppress(ssl.SSLWantReadError):
            self.ends[side].unwrap()
        self.carry()


@dataclass
class Reading:
    """What plainwire made of a wire."""

    texts: tuple[bytes, bytes]
    alerts: list[TlsAlert]
    reasons: list[Reason]
    session: TlsSession
    records: tuple[list[tuple[int, int]], list[tuple[int, int]]]
    runs: tuple[list[bytes], list[bytes]]
    """The text between one Gap and the next."""


def read(wire: Iterable[Piece | Hole], key_log: bytes | KeyLog) -> Reading:
    """Feed a wire, piece by piece."""
    keys = key_log if isinstance(key_log, KeyLog) else keys_of(key_log)
    session = TlsSession(keys)
    offsets = [0, 0]
    texts: tuple[list[bytes], list[bytes]] = ([], [])
    records: tuple[list[tuple[int, int]], list[tuple[int, int]]] = ([], [])
    runs = [b""], [b""]

    def take() -> None:
        for side in Side:
            for piece in session.plain(side):
                if isinstance(piece, Gap):
                    runs[side].append(b"")
                    continue
                text, start, end = piece
                texts[side].append(text)
                runs[side][-1] += text
                records[side].append((start, end))

    for side, data in wire:
        if isinstance(data, int):
            session.gap(Gap(side, offsets[side], data, packet=1))
            offsets[side] += data
        else:
            session.feed(side, offsets[side], data)
            offsets[side] += len(data)
        session.advance()
        take()
    session.close()
    take()
    return Reading(
        (b"".join(texts[0]), b"".join(texts[1])), session.alerts, session.reasons, session, records, runs
    )


def keys_of(key_log: bytes) -> KeyLog:
    keys = KeyLog()
    keys.add(key_log)
    return keys


def cut(wire: Iterable[Piece], size: int) -> list[Piece]:
    """The same wire in segments of at most ``size`` bytes."""
    return [(side, data[at : at + size]) for side, data in wire for at in range(0, len(data), size)]
