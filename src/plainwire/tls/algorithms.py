"""Ciphers by name: AEADs, CBC block ciphers, RC4. From ``cryptography``, or implemented here."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Protocol

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.decrepit.ciphers import algorithms as decrepit
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305

from plainwire.tls.aria import Aria
from plainwire.tls.gcm import Gcm

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography.hazmat.primitives.ciphers import BlockCipherAlgorithm

_TAG = 16
_SHORT_TAG = 8
_SMALL_BLOCKS = {"TripleDES": 8, "DES": 8, "IDEA": 8, "RC2": 8}


class Decrypt(Protocol):
    """Decrypts what an AEAD encrypted; the tag is at the end.

    Raises:
        InvalidTag: it is not authentic.

    """

    def __call__(self, nonce: bytes, data: bytes | memoryview, extra: bytes | memoryview, /) -> bytes:
        """Give the plain text."""


def aead(kind: str, cipher: str, key: bytes) -> Decrypt:
    """The AEAD of a suite: ``kind`` is gcm, ccm, ccm8 or chacha20, ``cipher`` the block cipher's name."""
    if kind == "chacha20":
        return ChaCha20Poly1305(key).decrypt
    if kind == "gcm":
        return AESGCM(key).decrypt if cipher == "AES" else _gcm(cipher, key)
    if cipher != "AES":
        message = f"no {cipher} in CCM"
        raise UnsupportedAlgorithm(message)
    return AESCCM(key, tag_length=_TAG if kind == "ccm" else _SHORT_TAG).decrypt


def sealing_aead(kind: str, cipher: str, key: bytes) -> Decrypt:
    """The same AEAD for encryption: takes nonce, plain text and additional data, gives the ciphertext.

    Raises:
        UnsupportedAlgorithm: there is none for this cipher.

    """
    if kind == "chacha20":
        return ChaCha20Poly1305(key).encrypt
    if cipher != "AES" or kind not in ("gcm", "ccm", "ccm8"):
        message = f"nothing seals {cipher} in {kind}"
        raise UnsupportedAlgorithm(message)
    if kind == "gcm":
        return AESGCM(key).encrypt
    return AESCCM(key, tag_length=_TAG if kind == "ccm" else _SHORT_TAG).encrypt


def tag_size(kind: str) -> int:
    """Bytes that an AEAD adds to a text."""
    return _SHORT_TAG if kind == "ccm8" else _TAG


def _gcm(cipher: str, key: bytes) -> Decrypt:
    if cipher == "ARIA":
        return Gcm(Aria(key).encrypt).decrypt
    if cipher == "SM4":
        return functools.partial(_native_gcm, algorithms.SM4(key))
    encryptor = Cipher(_block_cipher(cipher, key), modes.ECB()).encryptor()  # noqa: S305 - GCM's inside
    return Gcm(encryptor.update).decrypt


def _native_gcm(
    algorithm: BlockCipherAlgorithm,
    nonce: bytes,
    data: bytes | memoryview,
    extra: bytes | memoryview,
) -> bytes:
    if len(data) < _TAG:
        raise InvalidTag
    decryptor = Cipher(algorithm, modes.GCM(nonce, bytes(data[-_TAG:]))).decryptor()
    decryptor.authenticate_additional_data(bytes(extra))
    return decryptor.update(data[:-_TAG]) + decryptor.finalize()


def block_size(cipher: str) -> int:
    """Bytes of a block."""
    return _SMALL_BLOCKS.get(cipher, 16)


def cbc(cipher: str, key: bytes) -> Callable[[bytes, bytes], bytes]:
    """CBC decryption: initialization vector and whole blocks in, plain text of the same length out."""
    if cipher == "ARIA":
        return Aria(key).decrypt_cbc
    algorithm = _block_cipher(cipher, key)

    def decrypt(iv: bytes, data: bytes) -> bytes:
        decryptor = Cipher(algorithm, modes.CBC(iv)).decryptor()
        return decryptor.update(data) + decryptor.finalize()

    return decrypt


def sealing_cbc(cipher: str, key: bytes) -> Callable[[bytes, bytes], bytes]:
    """CBC encryption of whole blocks.

    Raises:
        UnsupportedAlgorithm: there is none for this cipher.

    """
    if cipher == "ARIA":
        message = "nothing seals ARIA in CBC"
        raise UnsupportedAlgorithm(message)
    algorithm = _block_cipher(cipher, key)

    def encrypt(iv: bytes, data: bytes) -> bytes:
        encryptor = Cipher(algorithm, modes.CBC(iv)).encryptor()
        return encryptor.update(data) + encryptor.finalize()

    return encrypt


def rc4(key: bytes) -> Callable[[bytes], bytes]:
    """RC4; each call continues the key stream where the last one ended."""
    return Cipher(decrepit.ARC4(key), None).decryptor().update


def _block_cipher(cipher: str, key: bytes) -> BlockCipherAlgorithm:
    if cipher == "AES":
        return algorithms.AES(key)
    if cipher == "SM4":
        return algorithms.SM4(key)
    if cipher == "DES":
        return decrepit.TripleDES(key * 3)
    home = decrepit if hasattr(decrepit, cipher) else algorithms  # which has moved, one after the other
    made: BlockCipherAlgorithm = getattr(home, cipher)(key)
    return made


@functools.cache
def available(kind: str, cipher: str, key: int) -> bool:
    """Whether the installed ``cryptography`` has what a suite needs: builds differ."""
    zeros = bytes(key)
    try:
        if kind == "cbc":
            cbc(cipher, zeros)(bytes(block_size(cipher)), bytes(block_size(cipher)))
        elif kind == "rc4":
            rc4(zeros)(zeros)
        elif kind != "null":
            aead(kind, cipher, zeros)(bytes(12), bytes(32), b"")
    except InvalidTag:
        return True
    except (UnsupportedAlgorithm, AttributeError, ValueError):
        return False
    return True
