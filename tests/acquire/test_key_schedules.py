"""Keys of AES-GCM as they lie in memory, and records of TLS 1.2 that they have sealed."""

from __future__ import annotations

import os
import struct

import pytest

from plainwire.acquire import key_schedules
from tests.tls.test_joining import sealed12

EXPANDED_KEY = bytes.fromhex(  # FIPS 197, appendix A.1
    "2b7e151628aed2a6abf7158809cf4f3c a0fafe1788542cb123a339392a6c7605 f2c295f27a96b9435935807a7359f67f"
    "3d80477d4716fe3e1e237e446d7a883b ef44a541a8525b7fb671253bdb0bad00 d4d1c6f87c839d87caf2b8bc11f915bc"
    "6d88a37a110b3efddbf98641ca0093fd 4e54f70e5f5fc9f384a64fb24ea6dc4f ead27321b58dbad2312bf5607f8d292f"
    "ac7766f319fadc2128d12941575c006e d014f9a8c9ee2589e13f0cc8b6630ca6"
)


@pytest.mark.parametrize("swapped", [False, True])
def test_expanded_key_of_the_standard_is_found_at_any_word(swapped: bool) -> None:  # noqa: FBT001 - a parameter
    words = struct.unpack("<44I", EXPANDED_KEY)
    stored = struct.pack(">44I" if swapped else "<44I", *words)
    for before in (0, 4, 44):
        assert EXPANDED_KEY[:16] in list(key_schedules.keys_in(os.urandom(before) + stored + os.urandom(80)))


def test_neither_chance_nor_zeros_nor_a_pattern_is_a_key() -> None:
    for data in (os.urandom(1 << 16), bytes(1 << 16), bytes(240), b"", b"abc", b"\1\0\0\0" * 1000):
        assert list(key_schedules.keys_in(data)) == []


@pytest.mark.parametrize("size", [16, 32])
@pytest.mark.parametrize(
    ("explicit", "number"), [(0, 0), (7, 7), (1 << 40, 1 << 40), (123_456_789_012, 60_000)]
)
def test_the_record_says_its_nonce_and_number(size: int, explicit: int, number: int) -> None:
    key, salt = os.urandom(size), os.urandom(4)
    record = sealed12(key, salt, explicit - number, number, b"GET / HTTP/1.1\r\n\r\n")
    header, body = record[:5], record[5:]
    assert key_schedules.sealed_by(key, header, body) == salt + (explicit - number).to_bytes(8, "big")
    assert key_schedules.sealed_by(os.urandom(size), header, body) is None
    assert key_schedules.sealed_by(key, header, body[:-1] + bytes([body[-1] ^ 1])) is None
    assert key_schedules.sealed_by(key, header, body[:20]) is None
