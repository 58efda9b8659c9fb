"""Packet protection: keys, header protection, packet numbers, the tag of Retry.

RFC 9001 sections 5 and 6, RFC 9369 section 3.3, RFC 9000 appendix A.3.
"""

from __future__ import annotations

import functools
import hmac
from typing import TYPE_CHECKING, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES, ChaCha20

from plainwire.quic.headers import LONG
from plainwire.tls import algorithms, suites
from plainwire.tls.ciphers import expand_label

if TYPE_CHECKING:
    from collections.abc import Callable

    from plainwire.quic.versions import Version
    from plainwire.tls.suites import Suite

    Mask = Callable[[bytes], bytes]

_TLS13, _AES_128_GCM = 0x0304, 0x1301
_SAMPLE = 16
_TAG = 16
_LONG_BITS, _SHORT_BITS = 0x0F, 0x1F
_LARGEST_NUMBER = 1 << 62
_AHEAD = 3
"""Key updates that are tried ahead: those in between may not be in the capture."""


class Bare(NamedTuple):
    """A packet without its header protection."""

    first: int
    number: int
    header: bytes
    """The AEAD's additional data."""
    body_at: int


class OpenedPacket(NamedTuple):
    """A packet that authenticated."""

    number: int
    payload: bytes


def usable(suite: Suite | None) -> bool:
    """Whether QUIC allows a suite (RFC 9001 section 5.3 excludes CCM_8), and we have it."""
    return (
        suite is not None and suite.kind in ("gcm", "ccm", "chacha20") and suite.cipher in ("AES", "ChaCha20")
    )


class PacketKeys:
    """Decrypts the packets of one side under one secret. The ``repr`` does not show it."""

    __slots__ = ("_decrypt", "_iv", "mask")

    def __init__(self, suite: Suite, secret: bytes, labels: bytes, mask: Mask | None = None) -> None:
        self._decrypt = algorithms.aead(
            suite.kind, suite.cipher, expand_label(suite, secret, labels + b" key", suite.key)
        )
        self._iv = int.from_bytes(expand_label(suite, secret, labels + b" iv", 12), "big")
        self.mask = mask or _mask(suite, expand_label(suite, secret, labels + b" hp", suite.key))

    def bare(self, packet: bytes, number_at: int, expected: int) -> Bare | None:
        """Remove header protection (RFC 9001 section 5.4); None if the packet is too short."""
        sample = packet[number_at + 4 : number_at + 4 + _SAMPLE]
        if len(sample) < _SAMPLE:
            return None
        mask = self.mask(sample)
        first = packet[0] ^ (mask[0] & (_LONG_BITS if packet[0] & LONG else _SHORT_BITS))
        size = (first & 3) + 1
        body_at = number_at + size
        protected = int.from_bytes(packet[number_at:body_at], "big")
        truncated = protected ^ int.from_bytes(mask[1 : 1 + size], "big")
        header = bytes((first,)) + packet[1:number_at] + truncated.to_bytes(size, "big")
        return Bare(first, decode_number(truncated, 8 * size, expected), header, body_at)

    def decrypt(self, bare: Bare, packet: bytes) -> bytes | None:
        """The payload, or None if the packet does not authenticate (RFC 9001 section 5.3)."""
        nonce = (self._iv ^ bare.number).to_bytes(12, "big")
        try:
            return self._decrypt(nonce, packet[bare.body_at :], bare.header)
        except InvalidTag:
            return None

    def open(self, packet: bytes, number_at: int, expected: int) -> OpenedPacket | None:
        """Take a packet's protection off."""
        bare = self.bare(packet, number_at, expected)
        payload = self.decrypt(bare, packet) if bare is not None else None
        return OpenedPacket(bare.number, payload) if bare is not None and payload is not None else None


class UpdatedKeys:
    """1-RTT keys of one side with their updates (RFC 9001 section 6).

    The key phase bit is the lowest bit of the generation. A packet with the other bit belongs to the
    generation before if its number is lower than the first of this one, else to a later one. ``updates``
    counts.
    """

    __slots__ = ("_first", "_generations", "_labels", "_secret", "_suite", "updates")

    def __init__(self, suite: Suite, secret: bytes, labels: bytes) -> None:
        self._suite, self._secret, self._labels = suite, secret, labels
        self._generations = [PacketKeys(suite, secret, labels)]  # all that were derived
        self._first = 0  # the lowest packet number of the newest generation in use
        self.updates = 0

    def open(self, packet: bytes, number_at: int, expected: int) -> OpenedPacket | None:
        """Remove a packet's protection, with whichever generation authenticates."""
        current = self._generations[self.updates]
        bare = current.bare(packet, number_at, expected)
        if bare is None:
            return None
        for generation in self._candidates(bare):
            payload = self._keys(generation).decrypt(bare, packet)
            if payload is None:
                continue
            if generation > self.updates:
                self.updates, self._first = generation, bare.number
            elif generation == self.updates:
                self._first = min(self._first, bare.number)
            return OpenedPacket(bare.number, payload)
        return None

    def _candidates(self, bare: Bare) -> list[int]:
        phase = bare.first >> 2 & 1
        here = self.updates
        if phase == here & 1:
            return [here, here + 2]
        older = [here - 1] if here else []
        newer = [here + 1, here + _AHEAD]
        return older + newer if bare.number < self._first else newer + older

    def _keys(self, generation: int) -> PacketKeys:
        made = self._generations
        while len(made) <= generation:
            size = len(self._secret)
            self._secret = expand_label(self._suite, self._secret, self._labels + b" ku", size)
            made.append(PacketKeys(self._suite, self._secret, self._labels, made[0].mask))
        return made[generation]


def _mask(suite: Suite, key: bytes) -> Mask:
    if suite.kind == "chacha20":
        return functools.partial(_chacha20, key)
    # One block at a time, each independent of the others: what the RFC asks for.
    return Cipher(AES(key), modes.ECB()).encryptor().update  # noqa: S305


def _chacha20(key: bytes, sample: bytes) -> bytes:
    return Cipher(ChaCha20(key, sample), None).encryptor().update(bytes(5))


def decode_number(truncated: int, bits: int, expected: int) -> int:
    """The packet number nearest to the expected one (RFC 9000 appendix A.3)."""
    window = 1 << bits
    number = (expected & ~(window - 1)) | truncated
    if number <= expected - window // 2 and number < _LARGEST_NUMBER - window:
        return number + window
    if number > expected + window // 2 and number >= window:
        return number - window
    return number


@functools.lru_cache(maxsize=1024)
def initial_keys(version: Version, target: bytes) -> tuple[PacketKeys, PacketKeys]:
    """The client's and the server's keys of Initial packets, which are public (RFC 9001 section 5.2)."""
    suite = suites.lookup(_TLS13, _AES_128_GCM)
    assert suite is not None  # noqa: S101 - every version of the library has it
    secret = hmac.digest(version.salt, target, "sha256")
    client, server = (expand_label(suite, secret, label, 32) for label in (b"client in", b"server in"))
    return PacketKeys(suite, client, version.labels), PacketKeys(suite, server, version.labels)


def retry_is_genuine(version: Version, packet: bytes, original: bytes) -> bool:
    """Whether a Retry's integrity tag fits the connection id that it responds to (RFC 9001 section 5.8)."""
    if not version.retry_key:
        return True  # drafts before 25 had none
    pseudo = bytes((len(original),)) + original + packet[:-_TAG]
    return AESGCM(version.retry_key).encrypt(version.retry_nonce, b"", pseudo) == packet[-_TAG:]
