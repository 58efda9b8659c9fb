"""ARIA against RFC 5794 appendix A and against OpenSSL, which has it."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plainwire.tls.aria import Aria
from tests.needs import tool

TEXT = bytes.fromhex("00112233445566778899aabbccddeeff")


@pytest.mark.parametrize(
    ("size", "sealed"),
    [(16, "d718fbd6ab644c739da95f3be6451778"), (32, "f92bd7c79fb72e2f2b8f80c1972d24fc")],
)
def test_the_vectors_of_the_rfc(size: int, sealed: str) -> None:
    aria = Aria(bytes(range(size)))
    assert aria.encrypt(TEXT).hex() == sealed
    assert aria.decrypt_cbc(bytes(16), bytes.fromhex(sealed)) == TEXT


def openssl(mode: str, key: bytes, text: bytes, *more: str) -> bytes:
    name = f"-aria-{8 * len(key)}-{mode}"
    command = [tool("openssl"), "enc", "-e", name, "-K", key.hex(), "-nopad", *more]
    return subprocess.run(command, input=text, capture_output=True, check=True, timeout=60).stdout


@pytest.mark.parametrize("size", [16, 32])
def test_many_blocks_as_openssl_has_them(size: int) -> None:
    key, text, iv = bytes(range(3, 3 + size)), bytes(range(256)) * 64, bytes(range(90, 106))
    assert Aria(key).encrypt(text) == openssl("ecb", key, text)
    assert Aria(key).decrypt_cbc(iv, openssl("cbc", key, text, "-iv", iv.hex())) == text


@given(st.sampled_from([16, 32]).flatmap(lambda n: st.binary(min_size=n, max_size=n)), st.binary(max_size=99))
def test_decryption_undoes_encryption(key: bytes, text: bytes) -> None:
    blocks = text + bytes(-len(text) % 16)
    sealed = Aria(key).encrypt(blocks)
    assert (
        b"".join(Aria(key).decrypt_cbc(bytes(16), sealed[at : at + 16]) for at in range(0, len(sealed), 16))
        == blocks
    )
