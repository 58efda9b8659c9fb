"""Galois/Counter Mode: over AES it must agree with the library's own."""

from __future__ import annotations

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from plainwire.tls.algorithms import aead
from plainwire.tls.gcm import Gcm

KEY, NONCE = bytes(range(16)), bytes(range(12))


def over_aes() -> Gcm:
    return Gcm(Cipher(algorithms.AES(KEY), modes.ECB()).encryptor().update)


@given(st.binary(max_size=100), st.binary(max_size=40))
def test_it_opens_what_the_library_seals(text: bytes, extra: bytes) -> None:
    assert over_aes().decrypt(NONCE, AESGCM(KEY).encrypt(NONCE, text, extra), extra) == text


@given(st.binary(max_size=100), st.data())
def test_no_changed_bit_is_authentic(text: bytes, data: st.DataObject) -> None:
    sealed = bytearray(AESGCM(KEY).encrypt(NONCE, text, b"extra"))
    at = data.draw(st.integers(0, 8 * len(sealed) - 1))
    sealed[at // 8] ^= 1 << at % 8
    with pytest.raises(InvalidTag):
        over_aes().decrypt(NONCE, bytes(sealed), b"extra")


@given(st.sampled_from(["AES", "ARIA", "Camellia", "SM4"]), st.binary(max_size=60))
def test_any_bytes_are_not_authentic_rather_than_an_error(cipher: str, data: bytes) -> None:
    with pytest.raises(InvalidTag):
        aead("gcm", cipher, KEY)(NONCE, data, b"")
