"""Galois/Counter Mode: over AES it must agree with the library's own, over SM4 with RFC 8998."""

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


def test_sm4_as_in_rfc_8998() -> None:
    """Appendix A.1."""
    key = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")
    nonce = bytes.fromhex("00001234567800000000ABCD")
    extra = bytes.fromhex("FEEDFACEDEADBEEFFEEDFACEDEADBEEFABADDAD2")
    sealed = bytes.fromhex(
        "17F399F08C67D5EE19D0DC9969C4BB7D5FD46FD3756489069157B282BB200735"
        "D82710CA5C22F0CCFA7CBF93D496AC15A56834CBCF98C397B4024A2691233B8D"
        "83DE3541E4C2B58177E065A9BF7B62EC"
    )
    text = bytes.fromhex("AAAAAAAAAAAAAAAABBBBBBBBBBBBBBBBCCCCCCCCCCCCCCCCDDDDDDDDDDDDDDDD")
    text += bytes.fromhex("EEEEEEEEEEEEEEEEFFFFFFFFFFFFFFFFEEEEEEEEEEEEEEEEAAAAAAAAAAAAAAAA")
    assert aead("gcm", "SM4", key)(nonce, sealed, extra) == text
