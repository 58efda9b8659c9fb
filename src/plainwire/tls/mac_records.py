"""Records with a MAC of their own: block ciphers in CBC, RC4, and no cipher at all. SSL 3.0 to TLS 1.2.

RFC 5246 section 6.2.3, RFC 2246 section 6.2.3 (the last block is the next record's initialization vector),
RFC 6101 section 5.2.3 (SSL 3.0's MAC and padding), RFC 7366 (encrypt-then-MAC), RFC 6066 section 7
(truncated MAC), RFC 3749 (compression).
"""

from __future__ import annotations

import hashlib
import hmac
import zlib
from typing import TYPE_CHECKING

from plainwire.tls import algorithms

if TYPE_CHECKING:
    from plainwire.tls.record_cipher import RecordCipher
    from plainwire.tls.suites import Suite

_SSL3, _TLS10 = 0x0300, 0x0301
_TRUNCATED = 10
_LONGEST_TEXT = 16384
_SSL3_PADS = {"md5": 48, "sha1": 40}


class RecordMac:
    """Checks whether a record is authentic."""

    __slots__ = ("_algorithm", "_key", "_ssl3", "size")

    def __init__(self, version: int, suite: Suite, key: bytes, *, truncated: bool) -> None:
        self._algorithm = suite.mac
        self._key = key
        self._ssl3 = version == _SSL3
        self.size = _TRUNCATED if truncated else hashlib.new(suite.mac).digest_size

    def agrees(self, sequence: int, kind: int, version: bytes, data: bytes, mac: bytes) -> bool:
        """Whether ``mac`` is the MAC of a record."""
        return hmac.compare_digest(self.of(sequence, kind, version, data), mac)

    def of(self, sequence: int, kind: int, version: bytes, data: bytes) -> bytes:
        """The MAC of a record."""
        start, length = sequence.to_bytes(8, "big") + bytes((kind,)), len(data).to_bytes(2, "big")
        if self._ssl3:
            made = self._of_ssl3(start + length + data)
        else:
            made = hmac.digest(self._key, start + version + length + data, self._algorithm)
        return made[: self.size]

    def _of_ssl3(self, data: bytes) -> bytes:
        pad = _SSL3_PADS[self._algorithm]
        inner = hashlib.new(self._algorithm, self._key + b"\x36" * pad + data).digest()
        return hashlib.new(self._algorithm, self._key + b"\x5c" * pad + inner).digest()


class CbcCipher:
    """A block cipher in CBC, MAC then encrypt or encrypt then MAC."""

    __slots__ = ("_block", "_decrypt", "_encrypt_then_mac", "_iv", "_mac", "_ssl3", "sequence")

    def __init__(
        self, version: int, suite: Suite, key: bytes, iv: bytes, mac: RecordMac, *, encrypt_then_mac: bool
    ) -> None:
        self._decrypt = algorithms.cbc(suite.cipher, key)
        self._block = algorithms.block_size(suite.cipher)
        self._iv: bytes | None = iv if version <= _TLS10 else None  # from TLS 1.1 on, each record has its own
        self._mac = mac
        self._ssl3 = version == _SSL3
        self._encrypt_then_mac = encrypt_then_mac
        self.sequence = 0

    def open(self, kind: int, version: bytes, body: bytes | memoryview) -> bytes | None:
        """See ``RecordCipher``."""
        data = bytes(body)
        if self._encrypt_then_mac:
            data, mac = data[: -self._mac.size], data[-self._mac.size :]
            if not self._mac.agrees(self.sequence, kind, version, data, mac):
                return None
            text = self._unpadded(data)
        else:
            text = self._unpadded(data)
            if text is None or len(text) < self._mac.size:
                return None
            text, mac = text[: -self._mac.size], text[-self._mac.size :]
            if not self._mac.agrees(self.sequence, kind, version, text, mac):
                return None
        if text is not None:
            self.sequence += 1
            if self._iv is not None:
                self._iv = data[-self._block :]
        return text

    def _unpadded(self, data: bytes) -> bytes | None:
        iv, size = self._iv, self._block
        if iv is None:
            iv, data = data[:size], data[size:]
        if not data or len(data) % size or len(iv) != size:
            return None
        padded = self._decrypt(iv, data)
        padding = padded[-1] + 1
        if padding > len(padded) or (self._ssl3 and padding > size):
            return None
        if not self._ssl3 and padded[-padding:] != bytes((padding - 1,)) * padding:
            return None
        return padded[:-padding]


class StreamCipher:
    """RC4, or no encryption: text and MAC have the same length on the wire."""

    __slots__ = ("_ahead", "_mac", "_stream", "sequence")

    def __init__(self, suite: Suite, key: bytes, mac: RecordMac) -> None:
        self._stream = algorithms.rc4(key) if suite.kind == "rc4" else None
        self._ahead = b""  # key stream taken for a record that did not open
        self._mac = mac
        self.sequence = 0

    def open(self, kind: int, version: bytes, body: bytes | memoryview) -> bytes | None:
        """See ``RecordCipher``."""
        data = bytes(body)
        text = self._decrypted(data)
        if len(text) < self._mac.size:
            return None
        text, mac = text[: -self._mac.size], text[-self._mac.size :]
        if not self._mac.agrees(self.sequence, kind, version, text, mac):
            return None
        self._ahead = self._ahead[len(data) :]
        self.sequence += 1
        return text

    def _decrypted(self, data: bytes) -> bytes:
        if self._stream is None:
            return data
        size = len(data)
        if len(self._ahead) < size:
            self._ahead += self._stream(bytes(size - len(self._ahead)))
        mixed = int.from_bytes(data, "big") ^ int.from_bytes(self._ahead[:size], "big")
        return mixed.to_bytes(size, "big")


class Inflating:
    """Records that were compressed before encryption; each direction is one DEFLATE stream."""

    __slots__ = ("_inflate", "_inner")

    def __init__(self, inner: RecordCipher) -> None:
        self._inner = inner
        self._inflate = zlib.decompressobj()

    @property
    def sequence(self) -> int:
        """The inner cipher's sequence number."""
        return self._inner.sequence

    @sequence.setter
    def sequence(self, value: int) -> None:
        self._inner.sequence = value

    def open(self, kind: int, version: bytes, body: bytes | memoryview) -> bytes | None:
        """See ``RecordCipher``; None, too, if a record decompresses to more than a record may hold."""
        text = self._inner.open(kind, version, body)
        if not text:
            return text
        try:
            inflated = self._inflate.decompress(text, _LONGEST_TEXT)
        except zlib.error:
            return None
        return None if self._inflate.unconsumed_tail else inflated
