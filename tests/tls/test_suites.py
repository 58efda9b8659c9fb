"""What a suite is made of is read from its name."""

from __future__ import annotations

import pytest

from plainwire.tls import suites
from plainwire.tls.registry import NAMES
from plainwire.tls.suites import Suite

SSL3, TLS10, TLS12, TLS13 = 0x0300, 0x0301, 0x0303, 0x0304


@pytest.mark.parametrize(
    ("version", "number", "suite"),
    [
        (TLS13, 0x1301, Suite("TLS_AES_128_GCM_SHA256", "gcm", "AES", 16, "sha256")),
        (TLS13, 0x1305, Suite("TLS_AES_128_CCM_8_SHA256", "ccm8", "AES", 16, "sha256")),
        (
            TLS12,
            0xC030,
            Suite("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "gcm", "AES", 32, "sha384", "", "ECDHE"),
        ),
        (TLS12, 0xC09D, Suite("TLS_RSA_WITH_AES_256_CCM", "ccm", "AES", 32, "sha256", "", "RSA")),
        (TLS12, 0xC0AA, Suite("TLS_PSK_DHE_WITH_AES_128_CCM_8", "ccm8", "AES", 16, "sha256", "", "DHE_PSK")),
        (
            TLS12,
            0x000A,
            Suite("TLS_RSA_WITH_3DES_EDE_CBC_SHA", "cbc", "TripleDES", 24, "sha256", "sha1", "RSA"),
        ),
        (SSL3, 0x0003, Suite("TLS_RSA_EXPORT_WITH_RC4_40_MD5", "rc4", "ARC4", 16, "sha256", "md5", "RSA", 5)),
        (
            TLS10,
            0x0062,
            Suite("TLS_RSA_EXPORT1024_WITH_DES_CBC_SHA", "cbc", "DES", 8, "sha256", "sha1", "RSA", 8),
        ),
        (TLS12, 0x00B9, Suite("TLS_RSA_PSK_WITH_NULL_SHA384", "null", "", 0, "sha384", "sha384", "RSA_PSK")),
    ],
    ids=lambda value: value.name if isinstance(value, Suite) else "",
)
def test_what_it_is_made_of(version: int, number: int, suite: Suite) -> None:
    assert suites.lookup(version, number) == suite


@pytest.mark.parametrize(
    ("version", "number"),
    [(TLS12, 0x1301), (TLS13, 0xC02F), (TLS10, 0xC02F), (SSL3, 0xCCA8), (0x0200, 0x002F)],
)
def test_not_under_every_version(version: int, number: int) -> None:
    assert suites.lookup(version, number) is None


@pytest.mark.parametrize("number", [0x0000, 0x0081, 0x00FF, 0x5600, 0xC0B4, 0xC100, 0xE410, 0xFAFA])
def test_none_where_there_is_nothing_to_decrypt_with(number: int) -> None:
    assert {suites.lookup(version, number) for version in range(SSL3, TLS13 + 1)} == {None}


def test_nothing_but_exotic_ciphers_is_left_out() -> None:
    left_out = {
        name
        for number, name in NAMES.items()
        if not any(suites.lookup(v, number) for v in range(SSL3, TLS13 + 1))
    }
    exotic = (
        "GOST",
        "SALSA20",
        "SCSV",
        "FORTEZZA",
        "SM1",
        "SM4",
        "SHA256_SHA256",
        "SHA384_SHA384",
        "_DRAFT",
        "NULL_NULL",
    )
    assert {name for name in left_out if not any(word in name for word in exotic)} == set()
