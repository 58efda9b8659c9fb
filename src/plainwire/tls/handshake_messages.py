"""Handshake messages: the fields that are needed to decrypt and to report.

RFC 8446 section 4 (TLS 1.3), RFC 5246 section 7.4 (TLS 1.2), RFC 5246 appendix E.2 (the ClientHello in SSL
2.0's form), RFC 5077 (tickets). For damaged bytes every reader gives None, or what could be read.
"""

from __future__ import annotations

import struct

from msgspec import Struct, field

SERVER_NAME, TRUNCATED_MAC, ALPN, ENCRYPT_THEN_MAC, EXTENDED_MASTER_SECRET = 0, 4, 16, 22, 23
STATUS_REQUEST = 5
SESSION_TICKET, PRE_SHARED_KEY, EARLY_DATA, SUPPORTED_VERSIONS = 35, 41, 42, 43
CERTIFICATE_AUTHORITIES, POST_HANDSHAKE_AUTH, ENCRYPTED_CLIENT_HELLO = 47, 49, 0xFE0D
"""Extension types: IANA's registry; the last of RFC 9849."""

HELLO_RETRY_REQUEST = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
"""The server random that makes a ServerHello a HelloRetryRequest (RFC 8446 section 4.1.3)."""

TLS13 = 0x0304
VERSIONS = {
    0x0200: "SSL 2.0",
    0x0300: "SSL 3.0",
    0x0301: "TLS 1.0",
    0x0302: "TLS 1.1",
    0x0303: "TLS 1.2",
    TLS13: "TLS 1.3",
}

_LEGACY_HELLO_UNTIL = 22
"""The first draft of TLS 1.3 whose ServerHello has the layout of TLS 1.2's."""
_MOST_NAMES = 64
_ALGORITHMS_SINCE = 0x0303
"""The version from which a CertificateRequest lists signature algorithms (RFC 5246 section 7.4.4)."""


def draft(version: int) -> int:
    """The draft of TLS 1.3 that a version number stands for, else 0. 0xfb..: drafts of Facebook's Fizz."""
    return version & 0xFF if version >> 8 in (0x7F, 0xFB) else 0


def version_name(version: int) -> str:
    """``TLS 1.2``, ``TLS 1.3 draft 28``, or the number."""
    if number := draft(version):
        return f"TLS 1.3 draft {number}"
    return VERSIONS.get(version, f"0x{version:04x}")


class Hello(Struct):
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
        """The first protocol in the ALPN extension: from a server, the chosen one (RFC 7301)."""
        return alpn(self.extensions.get(ALPN, b""))

    @property
    def chosen_version(self) -> int:
        """In a ServerHello: the version in use, as it is on the wire."""
        data = self.extensions.get(SUPPORTED_VERSIONS, b"")
        return int.from_bytes(data, "big") if len(data) == 2 else self.version


def alpn(data: bytes) -> str | None:
    """The first name in an ALPN extension."""
    if len(data) < 3:
        return None
    return data[3 : 3 + data[2]].decode("ascii", "backslashreplace") or None


def alpn_names(data: bytes) -> list[str]:
    """All names in an ALPN extension."""
    names: list[str] = []
    at = 2
    while at < len(data) and len(names) < _MOST_NAMES:
        end = at + 1 + data[at]
        names.append(data[at + 1 : end].decode("ascii", "backslashreplace"))
        at = end
    return names


def parse_hello(body: bytes, *, client: bool) -> Hello | None:
    """Read a hello's body; None if it is cut or its lengths contradict each other."""
    try:
        return _parse(body, client=client)
    except (struct.error, IndexError):
        return None


def _parse(body: bytes, *, client: bool) -> Hello | None:
    version = int.from_bytes(body[:2], "big")
    random = body[2:34]
    if not client and 0 < draft(version) < _LEGACY_HELLO_UNTIL:
        return Hello(version, random, b"", [_u16(body, 34)], extensions(body[36:]))
    at = 35 + body[34]
    session_id = body[35:at]
    if client:
        size = _u16(body, at)
        suites = list(struct.unpack_from(f">{size // 2}H", body, at + 2))
        at += 2 + size
        at += 1 + body[at]
        compression = 0
    else:
        suites = [_u16(body, at)]
        compression = body[at + 2]
        at += 3
    if at > len(body):
        return None
    return Hello(version, random, session_id, suites, extensions(body[at:]), compression)


def _u16(data: bytes, at: int) -> int:
    value: int = struct.unpack_from(">H", data, at)[0]
    return value


def parse_sslv2_hello(body: bytes) -> Hello | None:
    """Read a ClientHello in SSL 2.0's form, from its message type on (RFC 5246 appendix E.2)."""
    if len(body) < 9 or body[0] != 1:
        return None
    version, suites, session, challenge = struct.unpack_from(">HHHH", body, 1)
    at = 9 + suites
    end = at + session + challenge
    if suites % 3 or not 16 <= challenge <= 32 or end > len(body):
        return None
    numbers = [int.from_bytes(body[i : i + 3], "big") for i in range(9, at, 3)]
    random = body[at + session : end].rjust(32, b"\0")
    return Hello(version, random, body[at : at + session], [n for n in numbers if n <= 0xFFFF])


def extensions(data: bytes) -> dict[int, bytes]:
    """A list of extensions after its length (RFC 8446 section 4.2); of two of a kind, the first counts."""
    found: dict[int, bytes] = {}
    at = 2
    while at + 4 <= len(data):
        kind, length = struct.unpack_from(">HH", data, at)
        found.setdefault(kind, data[at + 4 : at + 4 + length])
        at += 4 + length
    return found


def first_certificate(body: bytes, *, tls13: bool) -> bytes:
    """The DER of the sender's own certificate in a Certificate message; empty if it sent none."""
    at = 1 + body[0] if tls13 and body else 0  # certificate_request_context (RFC 8446 section 4.4.2)
    size = int.from_bytes(body[at + 3 : at + 6], "big")
    found = body[at + 6 : at + 6 + size]
    return found if len(found) == size else b""


def chain_length(body: bytes, *, tls13: bool) -> int:
    """How many certificates a Certificate message holds (RFC 8446 section 4.4.2, RFC 5246 section 7.4.2)."""
    at = (1 + body[0] if tls13 and body else 0) + 3
    count = 0
    while at + 3 <= len(body):
        at += 3 + int.from_bytes(body[at : at + 3], "big")
        if tls13:
            at += 2 + int.from_bytes(body[at : at + 2], "big")
        count += 1
    return count if at == len(body) else 0


def issuers(body: bytes, most: int, *, tls13: bool) -> list[bytes]:
    """The DER of the certificates behind the first in a Certificate message, at most so many."""
    found: list[bytes] = []
    at = (1 + body[0] if tls13 and body else 0) + 3
    while at + 3 <= len(body) and len(found) <= most:
        size = int.from_bytes(body[at : at + 3], "big")
        found.append(body[at + 3 : at + 3 + size])
        at += 3 + size
        if tls13:
            at += 2 + int.from_bytes(body[at : at + 2], "big")
    return found[1:]


def is_stapled(body: bytes, *, tls13: bool) -> bool:
    """Whether a Certificate message of TLS 1.3 has an OCSP response to its first certificate.

    RFC 8446 section 4.4.2.1. In older versions it is a message of its own.
    """
    if not tls13 or not body:
        return False
    at = 1 + body[0] + 3
    at += 3 + int.from_bytes(body[at : at + 3], "big")
    size = int.from_bytes(body[at : at + 2], "big")
    return STATUS_REQUEST in extensions(body[at : at + 2 + size])


def authorities(body: bytes, version: int) -> list[bytes]:
    """The names of authorities in a CertificateRequest, DER each; empty where it names none.

    RFC 8446 sections 4.2.4 and 4.3.2, RFC 5246 section 7.4.4.
    """
    at = 1 + body[0] if body else 0  # certificate_request_context, or certificate_types
    if version == TLS13:
        listed = extensions(body[at:]).get(CERTIFICATE_AUTHORITIES, b"")
    else:
        algorithms = 2 + int.from_bytes(body[at : at + 2], "big") if version >= _ALGORITHMS_SINCE else 0
        listed = body[at + algorithms :]
    found: list[bytes] = []
    at = 2
    while at + 2 <= len(listed) and len(found) < _MOST_NAMES:
        end = at + 2 + int.from_bytes(listed[at : at + 2], "big")
        if end > len(listed):
            return []
        found.append(listed[at + 2 : end])
        at = end
    return found


def newest_version(hello: Hello) -> int:
    """The newest version that a ClientHello offers, of those that are known (RFC 8446 section 4.2.1)."""
    listed = hello.extensions.get(SUPPORTED_VERSIONS, b"")[1:]
    offered = [int.from_bytes(listed[at : at + 2], "big") for at in range(0, len(listed) - 1, 2)]
    return max((version for version in offered if version in VERSIONS), default=hello.version)


def prime_bits(body: bytes) -> int | None:
    """Bits of the prime in ServerDHParams (RFC 5246 section 7.4.3); None if it is cut."""
    size = int.from_bytes(body[:2], "big")
    prime = body[2 : 2 + size]
    return int.from_bytes(prime, "big").bit_length() if size and len(prime) == size else None


def ticket(body: bytes) -> bytes:
    """The ticket in a NewSessionTicket of TLS 1.2 and before (RFC 5077 section 3.3)."""
    size = int.from_bytes(body[4:6], "big")
    found = body[6 : 6 + size]
    return found if len(found) == size else b""
