"""The two hellos: what of them is needed to decrypt and to report. RFC 8446 section 4.1, RFC 5246 7.4.1."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

SERVER_NAME, ALPN, ENCRYPT_THEN_MAC, PRE_SHARED_KEY, EARLY_DATA, SUPPORTED_VERSIONS = 0, 16, 22, 41, 42, 43

HELLO_RETRY_REQUEST = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
"""The server random that makes a ServerHello a HelloRetryRequest (RFC 8446 section 4.1.3)."""

VERSIONS = {0x0300: "SSL 3.0", 0x0301: "TLS 1.0", 0x0302: "TLS 1.1", 0x0303: "TLS 1.2", 0x0304: "TLS 1.3"}


@dataclass(slots=True)
class Hello:
    """A ClientHello or ServerHello. ``suites`` has one element in a ServerHello."""

    version: int
    random: bytes
    session_id: bytes
    suites: list[int]
    extensions: dict[int, bytes] = field(default_factory=dict)
    compression: int = 0
    """In a ServerHello: the method in use (RFC 3749), 0 for none."""

    @property
    def server_name(self) -> str | None:
        """The host name of the SNI extension (RFC 6066 section 3)."""
        data = self.extensions.get(SERVER_NAME, b"")
        if len(data) < 5 or data[2] != 0:
            return None
        (length,) = struct.unpack_from(">H", data, 3)
        return data[5 : 5 + length].decode("ascii", "backslashreplace") or None

    @property
    def alpn(self) -> str | None:
        """The first protocol of the ALPN extension: in a server's answer, the chosen one (RFC 7301)."""
        return alpn(self.extensions.get(ALPN, b""))

    @property
    def chosen_version(self) -> int:
        """In a ServerHello: the version in use."""
        data = self.extensions.get(SUPPORTED_VERSIONS, b"")
        return int.from_bytes(data, "big") if len(data) == 2 else self.version


def alpn(data: bytes) -> str | None:
    """The first name in an ALPN extension."""
    if len(data) < 3:
        return None
    return data[3 : 3 + data[2]].decode("ascii", "backslashreplace") or None


def parse_hello(body: bytes, *, client: bool) -> Hello | None:
    """Read a hello's body; None where it is cut or contradicts itself."""
    try:
        return _parse(body, client=client)
    except (struct.error, IndexError):
        return None


def _parse(body: bytes, *, client: bool) -> Hello | None:
    version = int.from_bytes(body[:2], "big")
    random = body[2:34]
    at = 35 + body[34]
    session_id = body[35:at]
    if client:
        (size,) = struct.unpack_from(">H", body, at)
        suites = list(struct.unpack_from(f">{size // 2}H", body, at + 2))
        at += 2 + size
        at += 1 + body[at]
        compression = 0
    else:
        suites = [struct.unpack_from(">H", body, at)[0]]
        compression = body[at + 2]
        at += 3
    if at > len(body):
        return None
    return Hello(version, random, session_id, suites, extensions(body[at:]), compression)


def extensions(data: bytes) -> dict[int, bytes]:
    """A list of extensions with its length in front (RFC 8446 section 4.2); the first of a kind counts."""
    found: dict[int, bytes] = {}
    at = 2
    while at + 4 <= len(data):
        kind, length = struct.unpack_from(">HH", data, at)
        found.setdefault(kind, data[at + 4 : at + 4 + length])
        at += 4 + length
    return found
