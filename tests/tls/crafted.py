"""TLS 1.3 records sealed by the test itself, for what no library can be made to send.

Key schedule and record protection written from RFC 8446 sections 5.2, 7.1 to 7.3, on the standard
library's hmac: a second opinion on plainwire's own.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

CHANGE, ALERT, HANDSHAKE, APPLICATION = 20, 21, 22, 23
FINISHED, KEY_UPDATE, END_OF_EARLY_DATA, ENCRYPTED_EXTENSIONS = 20, 24, 5, 8
EARLY_DATA = bytes.fromhex("002a0000")
RANDOM = bytes(range(32))
SUITES = {  # number: name, bytes of key, hash
    0x1301: ("TLS_AES_128_GCM_SHA256", 16, "sha256"),
    0x1302: ("TLS_AES_256_GCM_SHA384", 32, "sha384"),
    0x1303: ("TLS_CHACHA20_POLY1305_SHA256", 32, "sha256"),
}
LABELS = {
    "CLIENT_EARLY_TRAFFIC_SECRET": 1,
    "CLIENT_HANDSHAKE_TRAFFIC_SECRET": 2,
    "SERVER_HANDSHAKE_TRAFFIC_SECRET": 3,
    "CLIENT_TRAFFIC_SECRET_0": 4,
    "SERVER_TRAFFIC_SECRET_0": 5,
}


def expand(algorithm: str, secret: bytes, label: bytes, length: int, prefix: bytes = b"tls13 ") -> bytes:
    """HKDF-Expand-Label, for at most one block of output."""
    info = length.to_bytes(2, "big") + bytes([len(prefix + label)]) + prefix + label + b"\0"
    return hmac.digest(secret, info + b"\1", algorithm)[:length]


def message(kind: int, body: bytes = b"") -> bytes:
    return bytes([kind]) + len(body).to_bytes(3, "big") + body


def record(kind: int, body: bytes, version: int = 0x0303) -> bytes:
    return bytes([kind]) + version.to_bytes(2, "big") + len(body).to_bytes(2, "big") + body


def hello(
    *,
    client: bool,
    suite: int = 0x1301,
    extensions: bytes = b"",
    random: bytes = RANDOM,
    version: int = 0x0304,
) -> bytes:
    """The handshake message; a server's says ``version`` in its supported_versions."""
    number = suite.to_bytes(2, "big")
    if not client:
        extensions = bytes.fromhex("002b0002") + version.to_bytes(2, "big") + extensions
    choice = b"\0\2" + number + b"\1\0" if client else number + b"\0"
    body = b"\3\3" + random + b"\0" + choice + len(extensions).to_bytes(2, "big") + extensions
    return message(1 if client else 2, body)


@dataclass
class Sealer:
    """One direction under one traffic secret."""

    suite: int
    secret: bytes
    sequence: int = 0
    draft: int = 28

    @property
    def prefix(self) -> bytes:
        """Of labels: section 7.1 of draft-ietf-tls-tls13-19 and -20."""
        return b"tls13 " if self.draft >= 20 else b"TLS 1.3, "

    def seal(self, text: bytes, kind: int = APPLICATION, *, padding: int = 0) -> bytes:
        """One record."""
        _, size, algorithm = SUITES[self.suite]
        key = expand(algorithm, self.secret, b"key", size, self.prefix)
        iv = int.from_bytes(expand(algorithm, self.secret, b"iv", 12, self.prefix), "big")
        cipher = ChaCha20Poly1305(key) if self.suite == 0x1303 else AESGCM(key)
        inner = text + bytes([kind]) + bytes(padding)
        header = record(APPLICATION, bytes(len(inner) + 16))[:5]
        nonce = (iv ^ self.sequence).to_bytes(12, "big")
        self.sequence += 1
        extra = header if self.draft >= 25 else b""  # section 5.2 of draft-ietf-tls-tls13-24 and -25
        return header + cipher.encrypt(nonce, inner, extra)

    def updated(self) -> Sealer:
        """The sealer after a KeyUpdate."""
        algorithm = SUITES[self.suite][2]
        return Sealer(self.suite, expand(algorithm, self.secret, b"traffic upd", len(self.secret)))


class Crafted:
    """Secrets chosen by the test, sealers under them, and the key log that gives them away."""

    def __init__(self, suite: int = 0x1301) -> None:
        self.suite = suite
        size = 48 if suite == 0x1302 else 32
        self.secrets = {label: bytes([fill]) * size for label, fill in LABELS.items()}
        self.early, self.client_hs, self.server_hs, self.client, self.server = (
            Sealer(suite, secret) for secret in self.secrets.values()
        )

    def key_log(self, *, without: str = "") -> bytes:
        lines = [f"{k} {RANDOM.hex()} {v.hex()}\n" for k, v in self.secrets.items() if k != without]
        return "".join(lines).encode()

    def client_hello(self, extensions: bytes = b"") -> bytes:
        return record(HANDSHAKE, hello(client=True, suite=self.suite, extensions=extensions), 0x0301)

    def server_flight(self, extensions: bytes = b"") -> bytes:
        """ServerHello to Finished; signatures and proofs are left out, as nobody checks them here."""
        flight = message(ENCRYPTED_EXTENSIONS, len(extensions).to_bytes(2, "big") + extensions)
        flight += message(FINISHED, bytes(32))
        clear = record(HANDSHAKE, hello(client=False, suite=self.suite))
        return clear + self.server_hs.seal(flight, HANDSHAKE)

    def client_finished(self) -> bytes:
        return self.client_hs.seal(message(FINISHED, bytes(32)), HANDSHAKE)
