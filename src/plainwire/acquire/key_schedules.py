"""Keys of AES-GCM in the memory of a running program, and what records of TLS 1.2 were sealed with.

A secret of TLS 1.2 is of no use where the hellos were not captured: its keys are made of their randoms too
(RFC 5246 section 6.3). But a key that is in use lies in memory in full, expanded to one of each round
(FIPS 197 section 5.2), and most words of that are the exclusive or of two before, which chance is not; the
others are looked at after that.

Which record a key has sealed is then told by the record's tag (see ``tls.joining``): with the key it gives
what the nonce is encrypted to, as far as the record's number is known, which is part of what is
authenticated (RFC 5246 section 6.2.3.3). GHASH is linear, so that what another number makes of it is had
without asking the cipher again. The nonce's last bytes go with the record (RFC 5288 section 3); its first
four nobody sends: they are told by the same step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from plainwire.arrays import np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_WORDS = {16: 4, 32: 8}  # of a key
_EXPANDED = {16: 44, 32: 60}  # words of all rounds
_NUMBERS = 16  # bits of the highest number of a record that is tried, where its nonce does not say it
_EXPLICIT, _TAG, _NONCE = 8, 16, bytes(12)
LONGEST = 4 * max(_EXPANDED.values())
"""Bytes of an expanded key."""


def keys_in(data: bytes) -> Iterator[bytes]:
    """Yield keys: 16 or 32 bytes whose expansion follows them, at a multiple of four.

    Words may be stored with their last byte first.
    """
    words = np.frombuffer(data[: len(data) & ~3], dtype="<u4")
    if len(words) < LONGEST // 4:
        return
    for size, count in _WORDS.items():
        for place in _expanded(words, count, _EXPANDED[size]).tolist():
            stored = words[place : place + count + 1]
            for read in (stored.tobytes(), stored.byteswap().tobytes()):
                if _next_word(read[:size]) == read[size:]:
                    yield read[:size]


def _substitutes() -> bytes:
    """The S-box (FIPS 197 section 5.1.1): an affine map of the inverse, by going through all powers of 3."""
    made, power, inverse = bytearray(256), 1, 1
    made[0] = 0x63
    while True:
        power ^= (power << 1) ^ (0x11B if power & 0x80 else 0)
        for shift in (1, 2, 4):
            inverse ^= inverse << shift & 0xFF
        inverse ^= 0x09 if inverse & 0x80 else 0
        turned = inverse * 0x101
        made[power] = (inverse ^ turned >> 7 ^ turned >> 6 ^ turned >> 5 ^ turned >> 4) & 0xFF ^ 0x63
        if power == 1:
            return bytes(made)


_SUBSTITUTES = _substitutes()


def _next_word(key: bytes) -> bytes:
    """The first word behind a key in its expansion."""
    turned = (key[-3:] + key[-4:-3]).translate(_SUBSTITUTES)
    return bytes(
        (key[0] ^ turned[0] ^ 1, *(one ^ other for one, other in zip(key[1:4], turned[1:], strict=True)))
    )


def _expanded(words: NDArray[np.uint32], count: int, expanded: int) -> NDArray[np.intp]:
    """Where words are followed by those of two rounds. Zeros are so too, but are no key: it has none."""
    last = len(words) - expanded
    found = np.flatnonzero((words[count + 1 :] == words[1:-count] ^ words[count:-1]) & (words[1:-count] != 0))
    found = found[found <= last]
    for at in range(count + 1):
        found = found[words[found + at] != 0]
    for at in range(count + 2, 3 * count):
        if at % count and at % 4:  # the others have been through the S-box
            found = found[words[found + at] == words[found + at - count] ^ words[found + at - 1]]
    return found


def sealed_by(key: bytes, header: bytes, body: bytes) -> bytes | None:
    """The first four bytes of the nonces, and the last eight of record 0, where ``key`` sealed a record.

    ``header`` and ``body`` are the record's. None where the key is another, or the number is too high.
    """
    size = len(body) - _EXPLICIT - _TAG
    if size < 0:
        return None
    explicit, tag = body[:_EXPLICIT], int.from_bytes(body[-_TAG:], "big")
    cipher = AESGCM(key)
    stream = int.from_bytes(cipher.encrypt(_NONCE, bytes(size), None)[:size], "big")
    sealed = int.from_bytes(body[_EXPLICIT:-_TAG], "big")
    text = (sealed ^ stream).to_bytes(size, "big")
    of_nothing = int.from_bytes(cipher.encrypt(_NONCE, b"", None), "big")

    def hidden(number: int) -> int:
        extra = number.to_bytes(8, "big") + header[:3] + size.to_bytes(2, "big")
        return tag ^ of_nothing ^ int.from_bytes(cipher.encrypt(_NONCE, text, extra)[size:], "big")

    opened = Cipher(algorithms.AES(key), modes.ECB()).decryptor()  # noqa: S305 - single blocks of GCM's
    own = int.from_bytes(explicit, "big")  # in most libraries it is the number
    nonce = opened.update(hidden(own).to_bytes(_TAG, "big"))
    if nonce[4:] == explicit + b"\0\0\0\1":
        return nonce[:4] + bytes(_EXPLICIT)
    blocks = np.frombuffer(hidden(0).to_bytes(_TAG, "big"), dtype=np.uint8).reshape(1, _TAG)
    for bit in range(_NUMBERS):
        change = np.frombuffer((hidden(0) ^ hidden(1 << bit)).to_bytes(_TAG, "big"), dtype=np.uint8)
        blocks = np.concatenate((blocks, blocks ^ change))
    nonces = np.frombuffer(opened.update(blocks.tobytes()), dtype=np.uint8).reshape(-1, _TAG)
    wanted = np.frombuffer(explicit + b"\0\0\0\1", dtype=np.uint8)
    for number in np.flatnonzero((nonces[:, 4:] == wanted).all(axis=1)).tolist():
        return nonces[number, :4].tobytes() + ((own - number) % (1 << 64)).to_bytes(_EXPLICIT, "big")
    return None
