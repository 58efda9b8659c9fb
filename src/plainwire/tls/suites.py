"""Cipher suites: numbers and names from IANA's TLS registry, and what each needs for decryption."""

from __future__ import annotations

from typing import Literal, NamedTuple

Kind = Literal["gcm", "chacha20", "cbc"]


class Suite(NamedTuple):
    """``key``: bytes of cipher key; ``mac``: bytes of MAC key (CBC only); ``prf``: hash of PRF or HKDF."""

    name: str
    kind: Kind
    key: int
    prf: str
    mac: str = ""


_GCM_128: tuple[Kind, int, str] = ("gcm", 16, "sha256")
_GCM_256: tuple[Kind, int, str] = ("gcm", 32, "sha384")
_CHACHA: tuple[Kind, int, str] = ("chacha20", 32, "sha256")

TLS13: dict[int, Suite] = {
    0x1301: Suite("TLS_AES_128_GCM_SHA256", *_GCM_128),
    0x1302: Suite("TLS_AES_256_GCM_SHA384", *_GCM_256),
    0x1303: Suite("TLS_CHACHA20_POLY1305_SHA256", *_CHACHA),
}

_EXCHANGES_GCM = {
    "RSA": (0x009C, 0x009D),
    "DHE_RSA": (0x009E, 0x009F),
    "DH_anon": (0x00A6, 0x00A7),
    "ECDHE_ECDSA": (0xC02B, 0xC02C),
    "ECDHE_RSA": (0xC02F, 0xC030),
    "PSK": (0x00A8, 0x00A9),
    "DHE_PSK": (0x00AA, 0x00AB),
}
_EXCHANGES_CHACHA = {
    "ECDHE_RSA": 0xCCA8,
    "ECDHE_ECDSA": 0xCCA9,
    "DHE_RSA": 0xCCAA,
    "PSK": 0xCCAB,
    "ECDHE_PSK": 0xCCAC,
    "DHE_PSK": 0xCCAD,
}
# key exchange: AES_128_CBC_SHA, AES_256_CBC_SHA, AES_128_CBC_SHA256, AES_256_CBC_SHA256 or _SHA384
_EXCHANGES_CBC = {
    "RSA": (0x002F, 0x0035, 0x003C, 0x003D),
    "DHE_RSA": (0x0033, 0x0039, 0x0067, 0x006B),
    "ECDHE_ECDSA": (0xC009, 0xC00A, 0xC023, 0xC024),
    "ECDHE_RSA": (0xC013, 0xC014, 0xC027, 0xC028),
}


def _tls12() -> dict[int, Suite]:
    suites = {}
    for exchange, (small, large) in _EXCHANGES_GCM.items():
        suites[small] = Suite(f"TLS_{exchange}_WITH_AES_128_GCM_SHA256", *_GCM_128)
        suites[large] = Suite(f"TLS_{exchange}_WITH_AES_256_GCM_SHA384", *_GCM_256)
    for exchange, number in _EXCHANGES_CHACHA.items():
        suites[number] = Suite(f"TLS_{exchange}_WITH_CHACHA20_POLY1305_SHA256", *_CHACHA)
    for exchange, (a128, a256, b128, b256) in _EXCHANGES_CBC.items():
        wide = "sha384" if exchange.startswith("EC") else "sha256"
        suites[a128] = Suite(f"TLS_{exchange}_WITH_AES_128_CBC_SHA", "cbc", 16, "sha256", "sha1")
        suites[a256] = Suite(f"TLS_{exchange}_WITH_AES_256_CBC_SHA", "cbc", 32, "sha256", "sha1")
        suites[b128] = Suite(f"TLS_{exchange}_WITH_AES_128_CBC_SHA256", "cbc", 16, "sha256", "sha256")
        suites[b256] = Suite(f"TLS_{exchange}_WITH_AES_256_CBC_{wide.upper()}", "cbc", 32, wide, wide)
    return suites


TLS12: dict[int, Suite] = _tls12()


def lookup(version: int, number: int) -> Suite | None:
    """What a suite needs for decryption under a version; None where it cannot be done."""
    if version == 0x0304:
        return TLS13.get(number)
    return TLS12.get(number) if version == 0x0303 else None


def name(number: int) -> str:
    """The registry's name, or the number where this list does not hold it."""
    suite = TLS13.get(number) or TLS12.get(number)
    return suite.name if suite else f"0x{number:04X}"
