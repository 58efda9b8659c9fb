"""Finds by trial decryption what a missing hello would have said.

Two cases of TLS 1.3. The key log files its secrets under another client random than that of the ClientHello
on the wire: with Encrypted Client Hello (RFC 9849) that of the inner one, which nobody else sees. Or the
capture has only the client's packets, so that the cipher suite that the server chose is not known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from plainwire.tls import drafts, suites
from plainwire.tls.handshake_messages import TLS13
from plainwire.tls.record_layer import APPLICATION, CHANGE_CIPHER_SPEC

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from plainwire.tls.keylog import KeyLog

_MOST_SECRETS = 1 << 10
"""Client randoms tried for one connection."""
_SHA384 = 48


class Sealed(NamedTuple):
    """An encrypted record."""

    version: bytes
    body: bytes


def first_sealed(buffer: bytes) -> Sealed | None:
    """The first record of application data; only a ChangeCipherSpec may come before it."""
    at = 0
    while at + 5 <= len(buffer) and buffer[at] == CHANGE_CIPHER_SPEC:
        at += 5 + int.from_bytes(buffer[at + 3 : at + 5], "big")
    end = at + 5 + int.from_bytes(buffer[at + 3 : at + 5], "big")
    if at + 5 > len(buffer) or end > len(buffer) or buffer[at] != APPLICATION:
        return None
    return Sealed(buffer[at + 1 : at + 3], buffer[at + 5 : end])


def all_sealed(buffer: bytes) -> Iterator[tuple[int, Sealed]]:
    """The records of application data up to one that is none, or not whole: where each begins."""
    at = 0
    while at + 5 <= len(buffer) and buffer[at] in (CHANGE_CIPHER_SPEC, APPLICATION):
        end = at + 5 + int.from_bytes(buffer[at + 3 : at + 5], "big")
        if end > len(buffer):
            return
        if buffer[at] == APPLICATION:
            yield at, Sealed(buffer[at + 1 : at + 3], buffer[at + 5 : end])
        at = end


def client_random(keys: KeyLog, label: str, suite: suites.Suite, draft: int, record: Sealed) -> bytes | None:
    """The client random, of no connection seen so far, whose secret decrypts a direction's first record."""
    for random in _unclaimed(keys, label):
        for secret in keys.secrets(label, random):
            if opens(suite, secret, draft, record):
                return random
    return None


def _unclaimed(keys: KeyLog, label: str) -> Iterator[bytes]:
    left = _MOST_SECRETS
    for random in keys.randoms(label):
        if random in keys.claimed:
            continue
        if left == 0 or keys.searches_left <= 0:
            return
        left -= 1
        keys.searches_left -= 1
        yield random


def suite(
    keys: KeyLog, labels: Sequence[str], random: bytes, offered: Sequence[int], record: Sealed
) -> tuple[int, str] | None:
    """Which of the suites that the client offers decrypts its first record, and with which label's secret."""
    for label in labels:
        for secret in keys.secrets(label, random):
            for number in offered:
                found = suites.lookup(TLS13, number)
                if found is not None and opens(found, secret, 0, record):
                    return number, label
    return None


def opens(found: suites.Suite, secret: bytes, draft: int, record: Sealed) -> bool:
    """Whether a record is the first that was sealed with a secret."""
    if (len(secret) == _SHA384) != (found.prf == "sha384"):
        return False
    cipher = drafts.cipher(found, secret, draft)
    return cipher.open(APPLICATION, record.version, record.body) is not None
