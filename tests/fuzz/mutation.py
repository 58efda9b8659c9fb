"""A small mutator: what changes inputs where no fuzzer is installed, and always in the same way."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_ODD = (0, 1, 0x3F, 0x40, 0x7F, 0x80, 0xFE, 0xFF)
_LONGEST = 1 << 14
_MOST_CHANGES = 8


def mutated(seeds: Sequence[bytes], count: int, number: int = 0) -> Iterator[bytes]:
    """So many inputs, made of ``seeds``; the same ones for the same ``number``."""
    chance = random.Random(number)
    for _ in range(count):
        data = bytearray(chance.choice(seeds))
        for _ in range(chance.randrange(1, _MOST_CHANGES)):
            _change(data, chance, seeds)
        yield bytes(data[:_LONGEST])


def _change(data: bytearray, chance: random.Random, seeds: Sequence[bytes]) -> None:
    at = chance.randrange(len(data) + 1)
    end = min(len(data), at + chance.choice((1, 1, 2, 4, 16)))
    match chance.randrange(7):
        case 0:
            data[at:end] = bytes(chance.choice(_ODD) for _ in range(at, end))
        case 1:
            data[at:end] = chance.randbytes(end - at)
        case 2:
            del data[at:end]
        case 3:
            data[at:at] = data[at:end] * chance.randrange(1, 20)
        case 4:
            other = chance.choice(seeds)
            begin = chance.randrange(len(other) + 1)
            data[at:at] = other[begin : begin + chance.randrange(1, 64)]
        case 5 if at < len(data):
            data[at] = (data[at] + chance.choice((-1, 1, 128))) & 0xFF
        case _:
            del data[at:]
