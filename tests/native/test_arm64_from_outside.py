"""What is written into running programs on aarch64, on any machine: read by a disassembler, done by an
emulator.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import capstone
import pytest
from unicorn import UC_ARCH_ARM64, UC_HOOK_INTR, UC_MODE_ARM, Uc, arm64_const

from plainwire.acquire import patching, ptrace, ring, stub_arm64
from plainwire.acquire.running_patch import Mapping, page_near
from tests.native.test_arm64 import LIBRARIES, unpacked

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["unpacked"]

RING, STACK, OBJECTS, SECRETS = 0x4000_0000, 0x5000_0000, 0x5800_0000, 0x5900_0000
OFFSET = 0x10_0000_0000
"""From the file's addresses to those in memory."""
LABEL, RANDOM, SECRET = b"SERVER_TRAFFIC_SECRET_0", bytes(range(32)), bytes(range(100, 148))
REGISTERS = [getattr(arm64_const, f"UC_ARM64_REG_X{number}") for number in range(31)]
GO = "package/bin/esbuild"


def place_of(name: str, folder: Path) -> patching.KeyLogFunction:
    found = (
        patching.of_go(folder / GO, "aarch64")
        if name == "Go"
        else patching.of_library(folder / LIBRARIES[name][0], "aarch64")
    )
    assert isinstance(found, patching.KeyLogFunction), found
    return found


class Program:
    """A processor with a function's first instructions, patched, and what it is given."""

    def __init__(self, place: patching.KeyLogFunction) -> None:
        self.machine, self.place = Uc(UC_ARCH_ARM64, UC_MODE_ARM), place
        self.at = place.function + OFFSET
        page = (self.at & ~0xFFFF) - 0x10000
        labels = place.labels + OFFSET
        for address, size in ((RING, 1 << 20), (STACK, 1 << 16), (OBJECTS, 1 << 16), (SECRETS, 1 << 12)):
            self.machine.mem_map(address, size)
        for address in {self.at & ~0xFFF, page, labels & ~0xFFF, (labels & ~0xFFF) + 0x1000}:
            self.machine.mem_map(address, 4096)
        self.machine.mem_write(self.at, place.code[:4])
        self.machine.mem_write(labels, LABEL + b"\0")
        self.machine.mem_write(SECRETS, RANDOM + SECRET)
        for number, register in enumerate(REGISTERS):
            self.machine.reg_write(register, OBJECTS + 0x100 * number)
        self.machine.reg_write(arm64_const.UC_ARM64_REG_SP, STACK + 0x8000)
        self.label, self.page = labels, page

    def give(self, *arguments: int) -> None:
        for register, value in zip(REGISTERS, arguments, strict=False):
            self.machine.reg_write(register, value)

    def of_openssl(self, size: int = len(SECRET)) -> None:
        """The session's objects lead to the client random."""
        *way, last = self.place.hops
        at = OBJECTS
        for hop in way:
            self.machine.mem_write(at + hop, struct.pack("<Q", at + 0x1000))
            at += 0x1000
        self.machine.mem_write(at + last, RANDOM)
        self.give(OBJECTS, self.label, SECRETS + 32, size)

    def of_go(self, size: int = len(SECRET), random: int = 32) -> None:
        secret = (SECRETS + 32, size, size)
        self.give(OBJECTS, self.label, len(LABEL), SECRETS, random, random, *secret)

    def patch(self) -> None:
        made = stub_arm64.instructions(self.page, RING, self.place, OFFSET, 7)
        self.machine.mem_write(self.page, made)
        self.machine.mem_write(self.at, stub_arm64.jump(self.at, self.page, 4))

    def done(self) -> list[int]:
        """All registers behind its first instruction."""
        self.machine.emu_start(self.at, self.at + 4, count=2000)
        assert self.machine.reg_read(arm64_const.UC_ARM64_REG_PC) == self.at + 4
        names = [*REGISTERS, arm64_const.UC_ARM64_REG_SP]
        return [self.machine.reg_read(register) for register in names]

    def record(self, number: int = 0) -> bytes:
        return bytes(self.machine.mem_read(RING + ring.HEADER + number * ring.SLOT, ring.SLOT))

    def begun(self) -> int:
        return int.from_bytes(self.machine.mem_read(RING, 4), "little")


@pytest.mark.parametrize("name", [*LIBRARIES, "Go"])
def test_secret_gets_into_the_ring_and_the_program_does_not_notice(name: str, unpacked: Path) -> None:
    place = place_of(name, unpacked)
    alone, patched = Program(place), Program(place)
    for program in (alone, patched):
        program.of_go() if name == "Go" else program.of_openssl()
    patched.patch()
    assert patched.done() == alone.done()
    above = STACK + 0x8000 - 0x400
    assert alone.machine.mem_read(STACK + 0x8000, 0x1000) == patched.machine.mem_read(STACK + 0x8000, 0x1000)
    assert alone.machine.mem_read(STACK, above - STACK) == patched.machine.mem_read(STACK, above - STACK)
    record = patched.record()
    whole, label_size, size, library = struct.unpack_from("<IIII", record)
    assert (whole, size, library, patched.begun()) == (1, len(SECRET), 7, 1)
    assert record[ring.LABEL : ring.LABEL + label_size].partition(b"\0")[0] == LABEL
    assert record[ring.RANDOM : ring.RANDOM + 32] == RANDOM
    assert record[ring.SECRET : ring.SECRET + size] == SECRET
    assert not any(patched.record(1))


@pytest.mark.parametrize("name", [*LIBRARIES, "Go"])
def test_what_is_no_secret_is_not_taken(name: str, unpacked: Path) -> None:
    place = place_of(name, unpacked)
    long, elsewhere = Program(place), Program(place)
    for program in (long, elsewhere):
        program.of_go(65) if name == "Go" else program.of_openssl(65)
        program.patch()
    elsewhere.machine.reg_write(REGISTERS[1], OBJECTS + 0x8000)  # no label
    for program in (long, elsewhere):
        program.done()
        assert not any(program.record()[:4])


def test_random_of_another_size_is_not_taken(unpacked: Path) -> None:
    program = Program(place_of("Go", unpacked))
    program.of_go(random=16)
    program.patch()
    program.done()
    assert not any(program.record()[:4])


def test_full_ring_is_counted_only(unpacked: Path) -> None:
    program = Program(place_of("Go", unpacked))
    program.machine.mem_write(RING, struct.pack("<I", ring.SLOTS))
    program.of_go()
    program.patch()
    program.done()
    assert program.begun() == ring.SLOTS + 1
    assert not any(program.machine.mem_read(RING + 64, 8192))


def test_disassembler_knows_all_of_it(unpacked: Path) -> None:
    """The exclusive pair that takes a record, and what makes it whole behind all other writes, among them."""
    place = place_of("OpenSSL 4", unpacked)
    page = place.function - 0x10000
    made = stub_arm64.instructions(page, RING, place, 0, 7)
    listed = list(capstone.Cs(capstone.CS_ARCH_ARM64, capstone.CS_MODE_ARM).disasm(made, page))
    words = [f"{each.mnemonic} {each.op_str}" for each in listed]
    last = words.index(f"b #{place.function + 4:#x}")
    order = ["ldxr w10, [x9]", "stxr w12, w11, [x9]", "str w3, [x9, #8]", "stlr w10, [x9]"]
    assert [word for word in words[:last] if word in order] == order
    saved = ["stp x9, x10, [sp, #-0x40]!", "stp x11, x12, [sp, #0x10]", "stp x13, x14, [sp, #0x20]"]
    assert words[:3] == saved
    assert words[last - 4 : last - 1] == [
        "ldp x13, x14, [sp, #0x20]", "ldp x11, x12, [sp, #0x10]", "ldp x9, x10, [sp], #0x40"
    ]  # fmt: skip
    changed = {f"{letter}{number}" for letter in "xw" for number in range(9, 15)} | {"sp"}
    for each in words[3 : last - 4]:
        name, _, operands = each.partition(" ")
        if name.startswith(("ld", "mov", "add", "sub")):
            assert operands.partition(",")[0] in changed, each


def test_jump_reaches_128_megabytes() -> None:
    at = 0x7000_0000
    assert stub_arm64.jump(at, at + (1 << 27) - 4, 4) == bytes.fromhex("ffffff15")
    assert stub_arm64.jump(at, at - (1 << 27), 4) == bytes.fromhex("00000016")
    distances = {(1 << 27) - 4: True, -(1 << 27): True, 1 << 27: False, -(1 << 27) - 4: False}
    assert {each: stub_arm64.reaches(at, at + each) for each in distances} == distances


def test_system_calls_are_made_one_behind_the_other() -> None:
    """With numbers of 64 bits, below 0, and results of earlier ones; the trap is where it ends."""
    arm, at = ptrace.Arm64(), 0x6000_0000
    several: list[ptrace.Call] = [
        (279, at, 1),
        (222, 0, 1 << 36 | 5, -1),
        (46, ptrace.Earlier(0), ptrace.Earlier(1)),
    ]
    code = arm.code_of(several)
    machine = Uc(UC_ARCH_ARM64, UC_MODE_ARM)
    machine.mem_map(at, 4096)
    machine.mem_write(at, code)
    made: list[tuple[int, ...]] = []

    def called(machine: Any, *_: object) -> None:  # noqa: ANN401 - Unicorn's
        made.append(tuple(machine.reg_read(REGISTERS[number]) for number in (8, 0, 1, 2)))
        machine.reg_write(REGISTERS[0], 0x1000 + len(made))

    machine.hook_add(UC_HOOK_INTR, called)
    for number in range(6):
        machine.reg_write(REGISTERS[number], 0x77)
    machine.emu_start(at, at + len(code) - len(arm.trap), count=100)
    assert made[0][:3] == (279, at, 1)
    assert made[1] == (222, 0, 1 << 36 | 5, (1 << 64) - 1)
    assert made[2][:3] == (46, 0x1001, 0x1002)
    assert [machine.reg_read(REGISTERS[number]) for number in arm.kept[:3]] == [0x1001, 0x1002, 0x1003]


def mapping(start: int, end: int, file: tuple[str, int] = ("fd:00", 7)) -> Mapping:
    return Mapping(start, end, executable=True, file=file, path="")


def test_room_is_found_below_a_file_and_above_where_there_is_none() -> None:
    """Go's programs for aarch64 begin at 0x10000, below which the kernel lets nobody have anything."""
    anonymous = ("00:00", 0)
    low = [
        mapping(0x10000, 0x8E0000),
        mapping(0x8E0000, 0x930000, anonymous),
        mapping(0x9E0000, 0xA10000, anonymous),
    ]
    found = page_near(low, 0x10000, 0x1000)
    assert found == 0x930000
    assert stub_arm64.reaches(0x10000, found)
    high = [mapping(0x400000, 0x500000), mapping(0x3F0000, 0x3F8000, anonymous)]
    assert page_near(high, 0x400000, 0x1000) == 0x3E0000
    assert page_near([mapping(0, 1 << 47)], 0x400000, 0x1000) == 0
