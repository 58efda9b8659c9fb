"""The block cipher ARIA (RFC 5794), which ``cryptography`` does not have.

All blocks of a record go through each round together, as rows of an array, so that Python loops over rounds
and not over blocks.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from plainwire.arrays import np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Rows = NDArray[np.uint8]

_ROUNDS = {16: 12, 32: 16}
_CONSTANTS = [
    0x517CC1B727220A94FE13ABE8FA9A6EE0,
    0x6DB14ACC9E21C820FF28B1D5EF5DE2B0,
    0xDB92371D2126E9700324977504E8C90E,
]
_FIRST_CONSTANT = {16: 0, 32: 2}
_ROTATIONS = (19, 31, 128 - 61, 128 - 31, 128 - 19)  # to the right, each for four round keys: section 2.2
_AFFINE_1 = (0xF1, 0xE3, 0xC7, 0x8F, 0x1F, 0x3E, 0x7C, 0xF8)  # of AES's S-box, lowest bit first
_AFFINE_2 = (0x7A, 0xBC, 0xEB, 0xB9, 0x34, 0x81, 0xBA, 0xCB)  # section 2.4.2's second, as numbers of its bits
# Section 2.4.3: byte by byte, which bytes are added up.
_DIFFUSION = np.array(
    [
        [3, 4, 6, 8, 9, 13, 14],
        [2, 5, 7, 8, 9, 12, 15],
        [1, 4, 6, 10, 11, 12, 15],
        [0, 5, 7, 10, 11, 13, 14],
        [0, 2, 5, 8, 11, 14, 15],
        [1, 3, 4, 9, 10, 14, 15],
        [0, 2, 7, 9, 10, 12, 13],
        [1, 3, 6, 8, 11, 12, 13],
        [0, 1, 4, 7, 10, 13, 15],
        [0, 1, 5, 6, 11, 12, 14],
        [2, 3, 5, 6, 8, 13, 15],
        [2, 3, 4, 7, 9, 12, 14],
        [1, 2, 6, 7, 9, 11, 12],
        [0, 3, 6, 7, 8, 10, 13],
        [0, 3, 4, 5, 9, 11, 14],
        [1, 2, 4, 5, 8, 10, 15],
    ]
)


class Aria:
    """ARIA under one key of 16 or 32 bytes."""

    __slots__ = ("_keys", "_reverse_keys")

    def __init__(self, key: bytes) -> None:
        self._keys = _round_keys(key)
        middle = [_diffuse(each) for each in self._keys[-2:0:-1]]
        self._reverse_keys = [self._keys[-1], *middle, self._keys[0]]

    def encrypt(self, blocks: bytes) -> bytes:
        """Encrypt each 16-byte block by itself."""
        return _crypt(blocks, self._keys).tobytes()

    def decrypt_cbc(self, iv: bytes, blocks: bytes) -> bytes:
        """Decrypt whole blocks, chained."""
        before = np.frombuffer(iv + blocks[:-16], np.uint8).reshape(-1, 16)
        return (_crypt(blocks, self._reverse_keys) ^ before).tobytes()


def _crypt(blocks: bytes, keys: list[Rows]) -> Rows:
    """Sections 2.3.1 and 2.3.2: decryption is encryption under other round keys."""
    boxes = _boxes()
    rows: Rows = np.frombuffer(blocks, np.uint8).reshape(-1, 16)
    *most, before_last, last = keys
    for number, key in enumerate(most):
        rows = _diffuse(_substitute(rows ^ key, boxes[number % 2]))
    return _substitute(rows ^ before_last, boxes[len(most) % 2]) ^ last


def _substitute(rows: Rows, boxes: Rows) -> Rows:
    found: Rows = boxes[np.arange(16), rows]
    return found


def _diffuse(rows: Rows) -> Rows:
    added: Rows = np.bitwise_xor.reduce(rows[..., _DIFFUSION], axis=-1)
    return added


@functools.cache
def _boxes() -> tuple[Rows, Rows]:
    """The S-boxes of odd and of even rounds, one for each of 16 places (section 2.4.2)."""
    one = [_affine(_power(x, 254), _AFFINE_1) ^ 0x63 for x in range(256)]
    two = [_affine(_power(x, 247), _AFFINE_2) ^ 0xE2 for x in range(256)]
    back_one, back_two = (sorted(range(256), key=box.__getitem__) for box in (one, two))
    odd = np.array([one, two, back_one, back_two] * 4, np.uint8)
    even = np.array([back_one, back_two, one, two] * 4, np.uint8)
    return odd, even


def _power(base: int, exponent: int) -> int:
    """Power in the field of AES (x^8 + x^4 + x^3 + x + 1)."""
    result = 1
    while exponent:
        if exponent & 1:
            result = _product(result, base)
        base = _product(base, base)
        exponent >>= 1
    return result


def _product(left: int, right: int) -> int:
    product = 0
    while right:
        if right & 1:
            product ^= left
        left = left << 1 ^ (0x11B if left & 0x80 else 0)
        right >>= 1
    return product


def _affine(value: int, rows: tuple[int, ...]) -> int:
    return sum(((value & row).bit_count() & 1) << bit for bit, row in enumerate(rows))


def _round_keys(key: bytes) -> list[Rows]:
    """Section 2.2."""
    left, right = _row(key[:16]), _row(key[16:].ljust(16, b"\0"))
    first = _FIRST_CONSTANT[len(key)]
    constants = [_row(_CONSTANTS[(first + n) % 3].to_bytes(16, "big")) for n in range(3)]
    odd, even = _boxes()
    words = [left]
    words.append(_diffuse(_substitute(words[0] ^ constants[0], odd)) ^ right)
    words.append(_diffuse(_substitute(words[1] ^ constants[1], even)) ^ words[0])
    words.append(_diffuse(_substitute(words[2] ^ constants[2], odd)) ^ words[1])
    numbers = [int.from_bytes(word.tobytes(), "big") for word in words]
    keys = []
    for index in range(_ROUNDS[len(key)] + 1):
        rotation, turned = _ROTATIONS[index // 4], numbers[(index + 1) % 4]
        turned = (turned >> rotation | turned << (128 - rotation)) & ((1 << 128) - 1)
        keys.append(_row((numbers[index % 4] ^ turned).to_bytes(16, "big")))
    return keys


def _row(data: bytes) -> Rows:
    return np.frombuffer(data, np.uint8)
