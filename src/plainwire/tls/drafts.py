"""The ciphers of TLS 1.3, and of the drafts that were in use before it was published.

Drafts differ in the additional data (none before draft 25) and in the prefix of the labels that keys are
derived with (before draft 20).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag

from plainwire.tls import algorithms
from plainwire.tls.ciphers import Aead13, hkdf_expand, next_secret

if TYPE_CHECKING:
    from plainwire.tls.record_cipher import RecordCipher
    from plainwire.tls.suites import Suite

_HEADER_AUTHENTICATED = 25
_SHORT_PREFIX = 20


class AeadDraft:
    """A cipher as it was before draft 25. ``open`` gives TLSInnerPlaintext as it is."""

    __slots__ = ("_decrypt", "_iv", "sequence")

    def __init__(self, suite: Suite, secret: bytes, draft: int) -> None:
        key = _expand(suite, secret, b"key", suite.key, draft)
        self._decrypt = algorithms.aead(suite.kind, suite.cipher, key)
        self._iv = int.from_bytes(_expand(suite, secret, b"iv", 12, draft), "big")
        self.sequence = 0

    def open(self, kind: int, version: bytes, body: bytes | memoryview) -> bytes | None:  # noqa: ARG002
        """See ``RecordCipher``."""
        try:
            text = self._decrypt((self._iv ^ self.sequence).to_bytes(12, "big"), body, b"")
        except InvalidTag:
            return None
        self.sequence += 1
        return text


def cipher(suite: Suite, secret: bytes, draft: int) -> RecordCipher:
    """The cipher of a traffic secret; ``draft`` is 0 for TLS 1.3 itself."""
    if 0 < draft < _HEADER_AUTHENTICATED:
        return AeadDraft(suite, secret, draft)
    return Aead13(suite, secret)


def updated(suite: Suite, secret: bytes, draft: int) -> bytes:
    """The traffic secret after a KeyUpdate (RFC 8446 section 7.2)."""
    if 0 < draft < _SHORT_PREFIX:
        return _expand(suite, secret, b"application traffic secret", len(secret), draft)
    return next_secret(suite, secret)


def _expand(suite: Suite, secret: bytes, label: bytes, length: int, draft: int) -> bytes:
    full = (b"TLS 1.3, " if draft < _SHORT_PREFIX else b"tls13 ") + label
    info = length.to_bytes(2, "big") + bytes((len(full),)) + full + b"\0"
    return hkdf_expand(suite.prf, secret, info, length)
