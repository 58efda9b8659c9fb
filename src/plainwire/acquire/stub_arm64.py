"""``stub.instructions`` and ``stub.jump`` for aarch64 (Arm's manual, DDI 0487, C6).

64 bytes of stack; no register is changed, and flags mean nothing at the start of a function. A jump takes
the place of one instruction, of a kind that does the same anywhere (native/patch/arm64.c). Numbers of 64 bits
stand behind the instructions.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from plainwire.acquire.ring import HEADER, LABEL, LONGEST_LABEL, LONGEST_SECRET, RANDOM, SECRET, SLOTS

if TYPE_CHECKING:
    from plainwire.acquire.patching import KeyLogFunction

_REACH = 1 << 27
_SIZE_OF_LABEL, _SIZE_OF_SECRET, _LIBRARY = 4, 8, 12
_HIGHER, _NOT_EQUAL, _NOT_LOWER = 8, 1, 2
_RECORD = 9
"""Registers are named by their numbers. x9 has the record; x10 to x14 are for use."""
_SAVE = (
    0xA9BC2BE9,
    0xA90133EB,
    0xA9023BED,
)  # stp x9, x10, [sp, -64]!; x11, x12, [sp, 16]; x13, x14, [sp, 32]
_RESTORE = (0xA9423BED, 0xA94133EB, 0xA8C42BE9)
_RANDOM_SIZE = 32


def reaches(at: int, target: int) -> bool:
    """Whether a jump gets there."""
    return -_REACH <= target - at < _REACH


def jump(at: int, target: int, covered: int) -> bytes:  # noqa: ARG001 - one instruction is covered
    """What is written to the start of a function: b."""
    return struct.pack("<I", 0x14000000 | (target - at) >> 2 & 0x3FFFFFF)


class _Assembly:
    """Instructions; jumps to the end and numbers are filled in when that is known."""

    def __init__(self) -> None:
        self.words: list[int] = []
        self._to_end: list[tuple[int, int]] = []
        self._numbers: list[tuple[int, int, int]] = []

    def add(self, *words: int) -> None:
        self.words += words

    def number(self, register: int, value: int) -> None:
        """Ldr x, number."""
        self._numbers.append((len(self.words), register, value))
        self.words.append(0)

    def end_if(self, condition: int) -> None:
        """b.cond, behind a cmp."""
        self._to_end.append((len(self.words), condition))
        self.words.append(0)

    def end(self) -> None:
        """It is here."""
        for at, condition in self._to_end:
            self.words[at] = 0x54000000 | (len(self.words) - at) << 5 | condition

    def bytes(self, last: int) -> bytes:
        """All of it, with the instruction ``last`` and the numbers."""
        words = [*self.words, last]
        words += [0] * (len(words) % 2)
        for place, (at, register, _) in enumerate(self._numbers):
            words[at] = 0x58000000 | (len(words) + 2 * place - at) << 5 | register
        values = (value & (1 << 64) - 1 for _, _, value in self._numbers)
        return struct.pack(f"<{len(words)}I{len(self._numbers)}Q", *words, *values)

    def compare(self, register: int, number: int) -> None:
        """Cmp x, number."""
        self.add(0xF100001F | number << 10 | register << 5)

    def store(self, register: int, at: int) -> None:
        """Str w, [x9, at]."""
        self.add(0xB9000000 | at >> 2 << 10 | _RECORD << 5 | register)

    def copy(self, source: int, size: int, to: int) -> None:
        """As many bytes as register ``size`` says, from where register ``source`` leads to."""
        self.add(0xAA0003EA | source << 16, 0xAA0003EB | size << 16)  # mov x10, ...; mov x11, ...
        self.add(0x91000000 | to << 10 | _RECORD << 5 | 12)  # add x12, x9, to
        # cbz x11, on; ldrb w13, [x10], 1; strb w13, [x12], 1; sub x11, x11, 1; b back to cbz
        self.add(0xB40000AB, 0x3840154D, 0x3800158D, 0xD100056B, 0x17FFFFFC)

    def copy_random(self, source: int) -> None:
        """Its 32 bytes."""
        for half in (0, 16):
            pair = half >> 3 << 15
            self.add(0xA9400000 | pair | 12 << 10 | source << 5 | 11)  # ldp x11, x12, [x, half]
            self.add(0xA9000000 | (RANDOM + half) >> 3 << 15 | 12 << 10 | _RECORD << 5 | 11)  # stp

    def among_labels(self, register: int, place: KeyLogFunction, offset: int) -> None:
        """The address in a register must be among those of the labels."""
        self.number(10, place.labels + offset)
        self.number(11, place.labels_end - place.labels)
        self.add(0xCB0A000A | register << 5, 0xEB0B015F)  # sub x10, x, x10; cmp x10, x11
        self.end_if(_HIGHER)


def instructions(
    page: int,
    ring: int,
    place: KeyLogFunction,
    offset: int,
    library: int,
    called: tuple[int, ...] = (),  # noqa: ARG001 - of NSS, which is not known here
) -> bytes:
    """What is to stand at ``page``. ``offset``: from the file's addresses to those in memory."""
    code = _Assembly()
    code.add(*_SAVE)
    code.number(_RECORD, ring)
    # again: ldxr w10, [x9]; add w11, w10, 1; stxr w12, w11, [x9]; cbnz w12, again
    code.add(0x885F7D2A, 0x1100054B, 0x880C7D2B, 0x35FFFFAC)
    code.number(11, SLOTS)
    code.add(0xEB0B015F)  # cmp x10, x11
    code.end_if(_NOT_LOWER)
    code.add(0x8B0A2129)  # add x9, x9, x10, lsl 8
    code.add(0x91400129 | HEADER >> 12 << 10)  # add x9, x9, HEADER
    code.number(10, library)
    code.store(10, _LIBRARY)
    if place.hops:
        _of_openssl(code, place, offset)
    else:
        _of_go(code, place, offset)
    code.add(0x5280002A, 0x889FFD2A)  # mov w10, 1; stlr w10, [x9]: it is whole, and all else there before
    code.end()
    code.add(*_RESTORE)
    code.add(*struct.unpack(f"<{place.covered // 4}I", place.code[: place.covered]))
    here = page + 4 * len(code.words)
    back = jump(here, place.function + offset + place.covered, 4)
    return code.bytes(int.from_bytes(back, "little"))


def _of_go(code: _Assembly, place: KeyLogFunction, offset: int) -> None:
    """Go gives the label in x1 and x2, the client random in x3 and x4, the secret in x6 and x7."""
    code.among_labels(1, place, offset)
    code.compare(2, LONGEST_LABEL)
    code.end_if(_HIGHER)
    code.compare(4, _RANDOM_SIZE)
    code.end_if(_NOT_EQUAL)
    code.compare(7, LONGEST_SECRET)
    code.end_if(_HIGHER)
    code.store(2, _SIZE_OF_LABEL)
    code.copy(1, 2, LABEL)
    code.copy_random(3)
    code.store(7, _SIZE_OF_SECRET)
    code.copy(6, 7, SECRET)


def _of_openssl(code: _Assembly, place: KeyLogFunction, offset: int) -> None:
    """C gives the session in x0, the label in x1, which ends with a zero, the secret in x2 and x3."""
    code.among_labels(1, place, offset)
    code.compare(3, LONGEST_SECRET)
    code.end_if(_HIGHER)
    # mov x10, x1; add x11, x9, LABEL; mov w12, LONGEST_LABEL
    code.add(0xAA0103EA, 0x9100012B | LABEL << 10, 0x5280000C | LONGEST_LABEL << 5)
    # again: ldrb w13, [x10], 1; strb w13, [x11], 1; cbz w13, on; sub w12, w12, 1; cbnz w12, again
    code.add(0x3840154D, 0x3800156D, 0x3400006D, 0x5100058C, 0x35FFFF8C)
    code.add(0x5280000A | LONGEST_LABEL << 5)  # mov w10, LONGEST_LABEL
    code.store(10, _SIZE_OF_LABEL)
    code.add(0xAA0003EA)  # mov x10, x0
    *way, last = place.hops
    for hop in way:
        code.number(11, hop)
        code.add(0xF86B694A)  # ldr x10, [x10, x11]
    code.number(11, last)
    code.add(0x8B0B014A)  # add x10, x10, x11
    code.add(0xAA0A03EE)  # mov x14, x10
    code.copy_random(14)
    code.store(3, _SIZE_OF_SECRET)
    code.copy(2, 3, SECRET)
