"""The versions of QUIC that are read, and what differs between them.

Version 1: RFC 9001 sections 5.2 and 5.8; version 2: RFC 9369 section 3; drafts: draft-ietf-quic-tls.
"""

from __future__ import annotations

import enum
import re
from typing import NamedTuple


class Form(enum.IntEnum):
    """The form of a packet. The first four values are the type bits of version 1 (RFC 9000 section 17.2)."""

    INITIAL = 0
    ZERO_RTT = 1
    HANDSHAKE = 2
    RETRY = 3
    VERSION_NEGOTIATION = 4
    ONE_RTT = 5
    UNKNOWN = 6  # a long header of a version that is not read


class Version(NamedTuple):
    """One version: its name, the salt of its Initial keys, its labels, its long header types."""

    name: str
    salt: bytes
    labels: bytes
    retry_key: bytes
    """Empty if Retry packets have the original connection id instead of an integrity tag."""
    retry_nonce: bytes
    forms: tuple[Form, Form, Form, Form]


_FORMS_1 = (Form.INITIAL, Form.ZERO_RTT, Form.HANDSHAKE, Form.RETRY)
_FORMS_2 = (Form.RETRY, Form.INITIAL, Form.ZERO_RTT, Form.HANDSHAKE)

_V1 = Version(
    "QUIC v1",
    bytes.fromhex("38762cf7f55934b34d179ae6a4c80cadccbb7f0a"),
    b"quic",
    bytes.fromhex("be0c690b9f66575a1d766b54e368c84e"),
    bytes.fromhex("461599d35d632bf2239825bb"),
    _FORMS_1,
)
_V2 = Version(
    "QUIC v2",
    bytes.fromhex("0dede3def700a6db819381be6e269dcbf9bd2ed9"),
    b"quicv2",
    bytes.fromhex("8fb4b01b56ac48e260fbcbcead7ccc92"),
    bytes.fromhex("d86969bc2d7c6d9990efb04a"),
    _FORMS_2,
)
_SALT_22 = bytes.fromhex("7fbcdb0e7c66bbe9193a96cd21519ebd7a02644a")
_SALT_23 = bytes.fromhex("c3eef712c72ebb5a11a7d2432bb46365bef9f502")
_SALT_29 = bytes.fromhex("afbfec289993d24c9e9786f19c6111e04390a899")
_RETRY_25 = bytes.fromhex("4d32ecdb2a2133c841e4043df27d4430"), bytes.fromhex("4d1611d05513a552c587d575")
_RETRY_29 = bytes.fromhex("ccce187ed09a09d05728155a6cb96be1"), bytes.fromhex("e54930f97f2136f0530a8c1c")
_FIRST_DRAFT, _LAST_DRAFT = 22, 34


def _draft(number: int) -> Version:
    name = f"QUIC draft-{number}"
    if number >= 33:
        return _V1._replace(name=name)
    salt = _SALT_29 if number >= 29 else _SALT_23 if number >= 23 else _SALT_22
    retry = _RETRY_29 if number >= 29 else _RETRY_25 if number >= 25 else (b"", b"")
    return Version(name, salt, b"quic", *retry, _FORMS_1)


VERSIONS: dict[int, Version] = {
    1: _V1,
    0x6B3343CF: _V2,
    **{0xFF000000 + number: _draft(number) for number in range(_FIRST_DRAFT, _LAST_DRAFT + 1)},
    0xFACEB001: _draft(22)._replace(name="QUIC mvfst (draft-22)"),
    0xFACEB002: _draft(27)._replace(name="QUIC mvfst (draft-27)"),
}

_GOOGLE = re.compile(rb"[QT]0\d\d")


def name(number: int) -> str:
    """The name of a version: ``QUIC v1``, ``gQUIC Q043``, or its number."""
    known = VERSIONS.get(number)
    if known is not None:
        return known.name
    text = number.to_bytes(4, "big")
    return f"gQUIC {text.decode('ascii')}" if _GOOGLE.fullmatch(text) else f"0x{number:08X}"


def is_google(text: bytes) -> bool:
    """Whether four bytes are a version of Google's QUIC, from before the IETF's."""
    return _GOOGLE.fullmatch(text) is not None


def is_reserved(number: int) -> bool:
    """Whether a version is reserved to force a negotiation (RFC 9000 section 15)."""
    return number & 0x0F0F0F0F == 0x0A0A0A0A


def named_by_quic(number: int) -> bool:
    """Whether an unsupported version is certainly QUIC's: a draft, Google's, or reserved."""
    draft = number >> 8 == 0xFF0000
    return draft or is_reserved(number) or is_google(number.to_bytes(4, "big"))
