"""Code of aarch64, on any machine: where functions are in real files of it, and the jump and the instructions
that are put there, read by a disassembler and done by an emulator.
"""

from __future__ import annotations

import ctypes
import shutil
import struct
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import capstone
import pytest
from unicorn import UC_ARCH_ARM64, UC_HOOK_CODE, UC_MODE_ARM, Uc, arm64_const

from plainwire.acquire import patching
from tests import own_network
from tests.native.test_library import SOURCES
from tests.needs import tool, without

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PATCH = SOURCES.parent / "patch"
WHEELS = ("cryptography==50.0.2", "httpr==0.7.8", "psycopg2-binary==2.9.9", "rnet==2.4.2")
ESBUILD = "@esbuild/linux-arm64@0.25.10"
PLATFORMS = ("manylinux_2_34_aarch64", "manylinux_2_28_aarch64", "manylinux_2_17_aarch64")
LIBRARIES = {
    "OpenSSL 4": ("cryptography/hazmat/bindings/_rust.abi3.so", 0x3EC5E4, (0x188,)),
    "OpenSSL 1.1.1": ("psycopg2_binary.libs/libssl-ce04ce0e.so.1.1", 0x3C350, (0xA8, 0xB8)),
    "BoringSSL": ("rnet/rnet.cpython-311-aarch64-linux-gnu.so", 0x491EC0, (0x30, 0x30)),
}
"""Where the function is (in the first the symbol table says so as well), and the way to the client random."""
GO = 0x1FC330
"""esbuild's (*tls.Config).writeKeyLog, by the table of functions that Go's own debug/gosym reads."""
RUSTLS = """
#include "{patch}/rustls.h"
const char *const secret_labels[] = {{0}}; /* locate.c is not asked for labels here */
unsigned tables(const void *parts, unsigned long *found) {{ return rustls_find(parts, found); }}
"""
PAGE, PATCHED, FUNCTION, STACK, SESSION = 0x7000_0000, 0x5AFE, 0x6000_0000, 0x5000_0000, 0x5800_0000
REGISTERS = [getattr(arm64_const, f"UC_ARM64_REG_X{number}") for number in range(31)]


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("aarch64")
    wanted = [word for name in PLATFORMS for word in ("--platform", name)]
    pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:", *wanted]
    fetched = own_network.fetches([*pip, "--python-version=3.11", *WHEELS], where=folder)
    if not fetched or not own_network.fetches([tool("npm"), "pack", ESBUILD], where=folder):
        without("files of aarch64 could not be fetched", part_of_the_judgement=False)
    for wheel in folder.glob("*.whl"):
        shutil.unpack_archive(wheel, folder, "zip")
    shutil.unpack_archive(next(folder.glob("*.tgz")), folder, filter="data")
    return folder


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """``arm64.c`` and ``rustls.c``, for this machine."""
    folder = tmp_path_factory.mktemp("ours")
    (folder / "tables.c").write_text(RUSTLS.format(patch=PATCH))
    sources = [folder / "tables.c", *(PATCH / f"{name}.c" for name in ("arm64", "rustls", "locate"))]
    made = folder / "ours.so"
    command = [tool("gcc"), "-O1", "-fPIC", "-shared", "-o", str(made)]
    subprocess.run([*command, *sources, SOURCES / "text.c"], check=True, timeout=120)
    return ctypes.CDLL(str(made))


@pytest.mark.parametrize("name", LIBRARIES)
def test_function_is_found_in_files_of_aarch64(name: str, unpacked: Path) -> None:
    file, function, hops = LIBRARIES[name]
    place = patching.of_library(unpacked / file, "aarch64")
    assert isinstance(place, patching.KeyLogFunction), place
    assert (place.function, place.covered, place.hops) == (function, 4, hops)
    assert isinstance(patching.of_library(unpacked / file, "x86_64"), str)


def test_function_of_go_is_found(unpacked: Path) -> None:
    place = patching.of_go(unpacked / "package/bin/esbuild", "aarch64")
    assert isinstance(place, patching.KeyLogFunction), place
    assert (place.function, place.covered, place.hops) == (GO, 4, ())


def jump(ours: ctypes.CDLL, at: int, target: int) -> bytes | None:
    into = ctypes.create_string_buffer(4)
    ours.arm64_jump.restype = ctypes.c_bool
    reaches = ours.arm64_jump(into, ctypes.c_uint64(at), ctypes.c_uint64(target))
    return into.raw if reaches else None


def stub(ours: ctypes.CDLL, moved: bytes, back: int, page: int = PAGE) -> bytes:
    into = ctypes.create_string_buffer(160)
    ours.arm64_stub.restype = ctypes.c_size_t
    numbers = [ctypes.c_uint64(each) for each in (page, FUNCTION, PATCHED)]
    size = ours.arm64_stub(into, *numbers, moved, ctypes.c_uint64(back))
    return into.raw[:size]


def test_stub_is_what_a_disassembler_reads(ours: ctypes.CDLL) -> None:
    """All registers that a call may change are put where they are fetched from, and nothing else is done."""
    moved = bytes.fromhex("fd7bbea9")
    made = stub(ours, moved, PAGE - 0x1000)
    listed = list(capstone.Cs(capstone.CS_ARCH_ARM64, capstone.CS_MODE_ARM).disasm(made, PAGE))
    words = [f"{each.mnemonic} {each.op_str}" for each in listed if each.address < PAGE + 128]
    saved = {text.removeprefix("stp ").removeprefix("str ") for text in words[:11]}
    fetched = {text.removeprefix("ldp ").removeprefix("ldr ") for text in words[19:30]}
    named = {name for text in saved for name in text.partition(", [")[0].split(", ")}
    assert named == {f"x{number}" for number in (*range(19), 29, 30)}
    assert saved - fetched == {"x29, x30, [sp, #-0xb0]!"}
    assert fetched - saved == {"x29, x30, [sp], #0xb0"}
    middle = ["mov x29, sp", "mov x4, x3", "mov x3, x2", "mov x2, x1", "mov x1, x0"]
    assert words[11:19] == [*middle, "ldr x0, #0x70000080", "ldr x9, #0x70000088", "blr x9"]
    assert words[30:] == ["stp x29, x30, [sp, #-0x20]!", "b #0x6ffff000"]
    assert struct.unpack_from("<QQ", made, 128) == (PATCHED, FUNCTION)


def test_jump_that_does_not_reach_is_not_made(ours: ctypes.CDLL) -> None:
    reach = 1 << 27
    assert jump(ours, PAGE, PAGE + reach - 4) == bytes.fromhex("ffffff15")
    assert jump(ours, PAGE, PAGE - reach) == bytes.fromhex("00000016")
    assert jump(ours, PAGE, PAGE + reach) is None
    assert jump(ours, PAGE, PAGE - reach - 4) is None
    assert stub(ours, bytes(4), PAGE + 2 * reach) == b""


class Emulated:
    """A processor of aarch64 with a function's code and a stack; it stops behind the first instruction."""

    def __init__(self, place: patching.KeyLogFunction) -> None:
        self.machine = Uc(UC_ARCH_ARM64, UC_MODE_ARM)
        self.calls: list[list[int]] = []
        for address, size in ((FUNCTION, 4096), (STACK, 65536)):
            self.machine.mem_map(address, size)
        self.machine.mem_map(place.function & ~0xFFF, 8192)
        self.machine.mem_write(place.function, place.code)
        self.place, self.near = place, (place.function & ~0xFFF) - 0x10000
        self.machine.mem_map(self.near, 4096)
        for number, register in enumerate(REGISTERS):
            self.machine.reg_write(register, 0x1111 * (number + 1))
        self.machine.reg_write(arm64_const.UC_ARM64_REG_X0, SESSION)
        self.machine.reg_write(arm64_const.UC_ARM64_REG_SP, STACK + 32768)

    def done(self) -> list[int]:
        """All registers, when its first instruction is done."""
        self.machine.emu_start(self.place.function, self.place.function + 4, count=200)
        sp = self.machine.reg_read(arm64_const.UC_ARM64_REG_SP)
        assert self.machine.reg_read(arm64_const.UC_ARM64_REG_PC) == self.place.function + 4
        return [self.machine.reg_read(register) for register in REGISTERS] + [sp]

    def put(self, ours: ctypes.CDLL) -> None:
        """As in a program: the stub, the jump; what is called changes all that a call may change."""
        place = self.place
        made = jump(ours, place.function, self.near)
        assert made
        self.machine.mem_write(self.near, stub(ours, place.code[:4], place.function + 4, self.near))
        self.machine.mem_write(place.function, made)
        self.machine.mem_write(FUNCTION, bytes.fromhex("c0035fd6"))
        self.machine.hook_add(UC_HOOK_CODE, self._called, begin=FUNCTION, end=FUNCTION)

    def _called(self, machine: Any, *_: object) -> None:  # noqa: ANN401 - Unicorn's
        self.calls.append([machine.reg_read(register) for register in REGISTERS[:5]])
        for register in REGISTERS[:18]:
            machine.reg_write(register, 0xDEAD)


@pytest.mark.parametrize("name", LIBRARIES)
def test_function_gets_what_it_does_alone_and_is_told_of(
    name: str, unpacked: Path, ours: ctypes.CDLL
) -> None:
    file, _, _ = LIBRARIES[name]
    place = patching.of_library(unpacked / file, "aarch64")
    assert isinstance(place, patching.KeyLogFunction)
    alone, patched = (Emulated(place) for _ in range(2))
    patched.put(ours)
    assert patched.done() == alone.done()
    assert patched.calls == [[PATCHED, SESSION, 0x2222, 0x3333, 0x4444]]
    stored, kept = (each.machine.mem_read(STACK, 65536) for each in (alone, patched))
    assert all(one == other for one, other in zip(stored, kept, strict=True) if one)
    assert kept[32768:] == stored[32768:]


REFUSED = {
    "adrp": "01000090",
    "b": "01000014",
    "bl": "01000094",
    "cbz": "200000b4",
    "tbz": "20000036",
    "ldr literal": "20000058",
    "ret": "c0035fd6",
    "ldp": "fd7bc2a8",
    "svc": "010000d4",
}
MOVED = {"stp": "fd7bbea9", "sub sp": "ff4302d1", "go": "900b40f9", "mov": "f30300aa", "str": "fe0f1ff8"}


@pytest.mark.parametrize("code", REFUSED.values(), ids=REFUSED)
def test_what_depends_on_its_place_is_not_moved(code: str, ours: ctypes.CDLL) -> None:
    assert ours.arm64_movable(bytes.fromhex(code) + bytes(4)) == 0


@pytest.mark.parametrize("code", MOVED.values(), ids=MOVED)
def test_what_compilers_begin_with_is_moved(code: str, ours: ctypes.CDLL) -> None:
    for mark in ("", "5f2403d5", "3f2303d5"):  # nothing; bti c; paciasp
        begins = bytes.fromhex(mark + code)
        assert (ours.arm64_mark(begins + bytes(4)), ours.arm64_movable(begins + bytes(4))) == (
            len(mark) // 2,
            4,
        )


# --- rustls -----------------------------------------------------------------------------------------------


PT_LOAD, PT_DYNAMIC, DT_RELA, DT_RELASZ, R_AARCH64_RELATIVE = 1, 2, 7, 8, 1027


class Part(ctypes.Structure):
    _fields_ = [
        ("bytes", ctypes.c_void_p),
        ("address", ctypes.c_uint64),
        ("size", ctypes.c_size_t),
        ("kind", ctypes.c_int),
    ]


class Parts(ctypes.Structure):
    _fields_ = [
        ("list", Part * 12),
        ("count", ctypes.c_uint),
        ("unwinding", ctypes.c_size_t),
        ("fixed", ctypes.c_bool),
        ("arm64", ctypes.c_bool),
    ]


def segments(data: bytes) -> Iterator[tuple[int, int, int, int, int]]:
    """Kind, flags, where it is in the file, its address, its size there."""
    table, count = struct.unpack_from("<Q", data, 32)[0], struct.unpack_from("<H", data, 56)[0]
    for number in range(count):
        kind, flags, offset, address, _, size = struct.unpack_from("<IIQQQQ", data, table + 56 * number)
        yield kind, flags, offset, address, size


def relocated(data: bytes) -> list[tuple[int, bytes, int]]:
    """Address, bytes and flags of each piece that is loaded, with its relative relocations applied."""
    loaded = [
        (address, bytearray(data[offset : offset + size]), flags)
        for kind, flags, offset, address, size in segments(data)
        if kind == PT_LOAD and size
    ]
    dynamic = dict(
        pairs(data, next(offset for kind, _, offset, _, _ in segments(data) if kind == PT_DYNAMIC))
    )
    for at in range(dynamic[DT_RELA], dynamic[DT_RELA] + dynamic[DT_RELASZ], 24):
        where, info, number = struct.unpack_from("<QQQ", data, at)
        for start, piece, _ in loaded:
            if info == R_AARCH64_RELATIVE and start <= where < start + len(piece):
                struct.pack_into("<Q", piece, where - start, number)
    return [(start, bytes(piece), flags) for start, piece, flags in loaded]


def pairs(data: bytes, at: int) -> Iterator[tuple[int, int]]:
    while (pair := struct.unpack_from("<QQ", data, at))[0]:
        yield pair
        at += 16


def test_table_of_rustls_is_found(unpacked: Path, ours: ctypes.CDLL) -> None:
    """One copy of rustls is in it; at the two places are a method that does nothing and one that says no."""
    pieces = relocated((unpacked / "httpr/httpr.abi3.so").read_bytes())
    kept = [ctypes.create_string_buffer(piece, len(piece)) for _, piece, _ in pieces]
    parts = Parts(count=len(pieces), arm64=True)
    for number, (address, piece, flags) in enumerate(pieces):
        kind = 1 if flags & 1 else 2 if flags & 2 else 0
        parts.list[number] = Part(ctypes.addressof(kept[number]), address, len(piece), kind)
    found = (ctypes.c_uint64 * 4)()
    assert ours.tables(ctypes.byref(parts), found) == 1
    read = {address: piece for address, piece, _ in pieces}

    def at(address: int, size: int) -> bytes:
        start = max(each for each in read if each <= address)
        return read[start][address - start : address - start + size]

    log, will_log = struct.unpack("<QQ", at(found[0], 16))
    listed = capstone.Cs(capstone.CS_ARCH_ARM64, capstone.CS_MODE_ARM)
    assert [each.mnemonic for each in listed.disasm(at(log, 4), log)] == ["ret"]
    assert [each.mnemonic for each in listed.disasm(at(will_log, 8), will_log)] == ["mov", "ret"]
