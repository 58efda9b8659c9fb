"""Cipher suites: what each is made of, read from its registered name."""

from __future__ import annotations

import functools
import re
from typing import Literal, NamedTuple

from plainwire.tls.algorithms import available
from plainwire.tls.registry import NAMES

Kind = Literal["gcm", "ccm", "ccm8", "chacha20", "cbc", "rc4", "null"]

_SSL3, _TLS12, _TLS13 = 0x0300, 0x0303, 0x0304


class Suite(NamedTuple):
    """What is needed to decrypt a connection with this suite."""

    name: str
    kind: Kind
    cipher: str
    """The cipher's name in ``algorithms``; empty for none."""
    key: int
    """Bytes of cipher key."""
    prf: str
    """Hash of HKDF (TLS 1.3) or of the PRF (TLS 1.2); before that both MD5 and SHA-1 are used."""
    mac: str = ""
    """Hash of the record MAC, empty for an AEAD."""
    exchange: str = ""
    """``RSA``, ``DHE``, ``ECDHE``, ``DH``, ``PSK``, ``RSA_PSK``, ``DH_anon`` ...; empty in TLS 1.3."""
    export: int = 0
    """Bytes of key material in an export suite of SSL 3.0 and TLS 1.0; 0: not one of these."""


_CIPHERS = {  # as a suite's name has it: the algorithm, bytes of key
    "AES_128": ("AES", 16),
    "AES_256": ("AES", 32),
    "ARIA_128": ("ARIA", 16),
    "ARIA_256": ("ARIA", 32),
    "CAMELLIA_128": ("Camellia", 16),
    "CAMELLIA_256": ("Camellia", 32),
    "SM4": ("SM4", 16),
    "SEED": ("SEED", 16),
    "IDEA": ("IDEA", 16),
    "3DES_EDE": ("TripleDES", 24),
    "DES": ("DES", 8),
    "DES40": ("DES", 8),
    "RC2": ("RC2", 16),
    "RC4_128": ("ARC4", 16),
    "RC4_56": ("ARC4", 16),
    "RC4_40": ("ARC4", 16),
    "CHACHA20": ("ChaCha20", 32),
    "NULL": ("", 0),
}
_KINDS: dict[str, Kind] = {
    "GCM": "gcm",
    "CCM": "ccm",
    "CCM_8": "ccm8",
    "CBC": "cbc",
    "CBC_40": "cbc",
    "CBC_56": "cbc",
    "POLY1305": "chacha20",
}
_HASHES = {"MD5": "md5", "SHA": "sha1", "SHA256": "sha256", "SHA384": "sha384", "SM3": "sm3"}
_NAME = re.compile(
    r"(?:TLS|SSL)_(?:(?P<exchange>\w+?)_WITH_)?"
    rf"(?P<cipher>{'|'.join(_CIPHERS)})(?:_(?P<mode>{'|'.join(_KINDS)}))?(?:_(?P<hash>{'|'.join(_HASHES)}))?"
)


def name(number: int) -> str:
    """The registry's name, or the number where there is none."""
    return NAMES.get(number) or f"0x{number:04X}"


@functools.cache
def lookup(version: int, number: int) -> Suite | None:
    """What decryption needs to know about a suite in a version (0x0300 to 0x0304).

    None where the suite is not known, does not exist under this version, or its cipher is not available.
    """
    match = _NAME.fullmatch(name(number))
    if match is None or not _belongs(version, match):
        return None
    suite = _made(match)
    return suite if available(suite.kind, suite.cipher, suite.key) else None


def _belongs(version: int, match: re.Match[str]) -> bool:
    """TLS 1.3's suites name no key exchange; AEADs begin with TLS 1.2.

    MACs beyond SHA-1 do not: those of PSK may go with TLS 1.0 (RFC 5487 section 3). SSL 3.0 has none such.
    """
    if match["exchange"] is None:
        return version == _TLS13
    if version == _SSL3:
        return match["hash"] in {"MD5", "SHA"}
    return version == _TLS12 or (_SSL3 < version < _TLS12 and not _is_aead(match))


def _is_aead(match: re.Match[str]) -> bool:
    return match["mode"] is not None and not match["mode"].startswith("CBC")


def _made(match: re.Match[str]) -> Suite:
    cipher, key = _CIPHERS[match["cipher"]]
    kind: Kind = "rc4" if cipher == "ARC4" else "null"
    if match["mode"]:
        kind = _KINDS[match["mode"]]
    named = _HASHES.get(match["hash"], "sha256")  # CCM's names say none: RFC 6655 section 3
    return Suite(
        name=match[0],
        kind=kind,
        cipher=cipher,
        key=key,
        prf="sha256" if named in {"md5", "sha1"} else named,
        mac="" if _is_aead(match) else named,
        exchange=_exchange(match["exchange"] or ""),
        export=_export(match[0], cipher),
    )


def _exchange(text: str) -> str:
    """Without what signs it, which decryption does not ask for."""
    text = re.sub(r"_(EXPORT|EXPORT1024|FIPS)$", "", text)
    if text.startswith("PSK_"):  # RFC 6655 turns two names about
        return f"{text[4:]}_PSK"
    return re.sub(r"^(DHE|ECDHE|DH|ECDH)_(RSA|DSS|ECDSA)$", r"\1", text)


def _export(name: str, cipher: str) -> int:
    """The export suites of RFC 2246 appendix C, and of the draft with longer keys."""
    if "_EXPORT1024_" in name:
        return 8 if cipher == "DES" else 7
    return 5 if "_EXPORT_" in name else 0
