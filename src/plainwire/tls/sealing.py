"""Encrypts records again under other secrets after their text was changed; each keeps its size and number.

Header, length, padding and the explicit nonce (if any) stay as they were on the wire. So a capture can be
handed over that has every record and can be read with secrets that were made up for it (see ``share``). RFC
8446 section 5.2, RFC 5246 section 6.2.3, RFC 7366.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from cryptography.exceptions import UnsupportedAlgorithm

from plainwire.tls import algorithms
from plainwire.tls.ciphers import expand_label, key_material
from plainwire.tls.mac_records import RecordMac

if TYPE_CHECKING:
    from plainwire.tls.negotiation import Negotiation
    from plainwire.tls.suites import Suite

_TLS10 = 0x0301
_EXPLICIT_NONCE = 8
_FIRST_DRAFT_AS_NOW = 25


class UnsealableError(Exception):
    """Records of this kind cannot be encrypted here; the message says which kind."""


class Sealer(Protocol):
    """Encrypts the records of one direction."""

    def seal(self, kind: int, version: bytes, number: int, text: bytes, before: bytes) -> bytes:
        """The body of a record, as long as ``before``, which held the same amount of text."""


class Sealer13:
    """TLS 1.3; ``text`` with content type and padding."""

    def __init__(self, suite: Suite, secret: bytes) -> None:
        key = expand_label(suite, secret, b"key", suite.key)
        self._encrypt = algorithms.sealing_aead(suite.kind, suite.cipher, key)
        self._iv = int.from_bytes(expand_label(suite, secret, b"iv", 12), "big")

    def seal(self, kind: int, version: bytes, number: int, text: bytes, before: bytes) -> bytes:
        """See ``Sealer``."""
        header = bytes((kind,)) + version + len(before).to_bytes(2, "big")
        return self._encrypt((self._iv ^ number).to_bytes(12, "big"), text, header)


class Sealer12:
    """AEADs of TLS 1.2."""

    def __init__(self, suite: Suite, key: bytes, iv: bytes) -> None:
        self._encrypt = algorithms.sealing_aead(suite.kind, suite.cipher, key)
        self._explicit = suite.kind != "chacha20"
        self._iv = iv

    def seal(self, kind: int, version: bytes, number: int, text: bytes, before: bytes) -> bytes:
        """See ``Sealer``."""
        extra = number.to_bytes(8, "big") + bytes((kind,)) + version + len(text).to_bytes(2, "big")
        if self._explicit:
            nonce = before[:_EXPLICIT_NONCE]
            return nonce + self._encrypt(self._iv + nonce, text, extra)
        return self._encrypt((int.from_bytes(self._iv, "big") ^ number).to_bytes(12, "big"), text, extra)


class CbcSealer:
    """A block cipher in CBC. Up to TLS 1.0 the last block is the next record's initialization vector."""

    def __init__(
        self, version: int, suite: Suite, key: bytes, iv: bytes, mac: RecordMac, *, first: bool
    ) -> None:
        self._encrypt = algorithms.sealing_cbc(suite.cipher, key)
        self._block = algorithms.block_size(suite.cipher)
        self._iv = iv if version <= _TLS10 else None
        self._mac = mac
        self._encrypt_then_mac = first

    def seal(self, kind: int, version: bytes, number: int, text: bytes, before: bytes) -> bytes:
        """See ``Sealer``."""
        iv, size = self._iv, len(before)
        if iv is None:
            iv, size = before[: self._block], size - self._block
        if self._encrypt_then_mac:
            size -= self._mac.size
        else:
            text += self._mac.of(number, kind, version, text)
        padding = size - len(text)
        sealed = self._encrypt(iv, text + bytes((padding - 1,)) * padding)
        if self._iv is not None:
            self._iv = sealed[-self._block :]
        else:
            sealed = iv + sealed
        return sealed + self._mac.of(number, kind, version, sealed) if self._encrypt_then_mac else sealed


class NullSealer:
    """No cipher: the text and its MAC."""

    def __init__(self, mac: RecordMac) -> None:
        self._mac = mac

    def seal(self, kind: int, version: bytes, number: int, text: bytes, before: bytes) -> bytes:  # noqa: ARG002
        """See ``Sealer``."""
        return text + self._mac.of(number, kind, version, text)


def of_secret(negotiation: Negotiation, secret: bytes) -> Sealer:
    """The sealer for a traffic secret of TLS 1.3.

    Raises:
        UnsealableError: its cipher cannot.

    """
    if negotiation.suite is None or 0 < negotiation.draft < _FIRST_DRAFT_AS_NOW:
        message = "a draft of TLS 1.3"
        raise UnsealableError(message)
    try:
        return Sealer13(negotiation.suite, secret)
    except UnsupportedAlgorithm as error:
        raise UnsealableError(negotiation.suite.name) from error


def of_master_secret(negotiation: Negotiation, master: bytes) -> tuple[Sealer, Sealer]:
    """The sealers for the client's and the server's records under a master secret, TLS 1.0 to 1.2.

    Raises:
        UnsealableError: the cipher cannot, or there is more to a record than its cipher.

    """
    suite, version, settings = negotiation.suite, negotiation.version, negotiation.settings
    randoms = negotiation.client_random, negotiation.server_random
    if suite is None or suite.export or settings.get("compression") or version < _TLS10:
        raise UnsealableError(suite.name if suite is not None else "an unknown suite")
    truncated, first = bool(settings.get("truncated_mac")), bool(settings.get("encrypt_then_mac"))
    try:
        client, server = (
            _sealer(version, suite, *keys, truncated=truncated, first=first)
            for keys in key_material(version, suite, master, randoms)
        )
    except UnsupportedAlgorithm as error:
        raise UnsealableError(suite.name) from error
    return client, server


def _sealer(
    version: int, suite: Suite, mac_key: bytes, key: bytes, iv: bytes, *, truncated: bool, first: bool
) -> Sealer:
    if not suite.mac:
        return Sealer12(suite, key, iv)
    mac = RecordMac(version, suite, mac_key, truncated=truncated)
    if suite.kind == "cbc":
        return CbcSealer(version, suite, key, iv, mac, first=first)
    if suite.kind == "null":
        return NullSealer(mac)
    raise UnsupportedAlgorithm(suite.name)
