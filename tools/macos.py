"""``python tools/macos.py [FOLDER]``: the interposer for macOS, ``libplainwire.dylib``, for both processors.

zig compiles and links it on any machine (``ziglang`` on PyPI), and what dyld would find in it is read back.
Nobody has run it: docs/macos.md.
"""

from __future__ import annotations

import argparse
import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
INTERPOSER = ROOT / "native" / "interposer"
SOURCES = [
    *sorted((INTERPOSER / "macos").glob("*.c")),
    *(INTERPOSER / name for name in ("contexts.c", "journal.c", "settings.c", "text.c")),
    ROOT / "native" / "patch" / "secret.c",
]
"""Its own files, and what it shares with the interposer for Linux."""
OLDEST = "11.0"
"""The first macOS for both processors."""
ARCHITECTURES = {"x86_64": 0x0100_0007, "aarch64": 0x0100_000C}
"""What zig calls them, and CPU_TYPE_X86_64, CPU_TYPE_ARM64."""
FLAGS = [
    *("-std=c11", "-O2", "-g0", "-Wall", "-Wextra", "-Werror", "-fvisibility=hidden"),
    *("-fno-builtin", "-fno-sanitize=all", "-fno-stack-protector"),
    *("-shared", "-rtlib=none", "-undefined", "dynamic_lookup", "-install_name", "libplainwire.dylib"),
]
_PAGE_LOG2 = 14
"""Slices of a universal file begin at a page of arm64."""


def main() -> int:
    """Build, look, say what is in it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "build" / "macos")
    folder = parser.parse_args().folder
    made = build(folder)
    library = folder / "libplainwire.dylib"
    library.write_bytes(universal([path.read_bytes() for path in made]))
    for path in made:
        image = read(path.read_bytes())
        print(f"{path.name}: {path.stat().st_size} bytes, takes the place of {', '.join(image.replaced)}")
        path.unlink()
    print(f"{library}: never run; docs/macos.md says how it would be")
    return 0


def build(folder: Path) -> list[Path]:
    """``libplainwire-ARCHITECTURE.dylib`` for each, side by side.

    Raises:
        CalledProcessError: it does not compile or link; zig has said why.

    """
    folder.mkdir(parents=True, exist_ok=True)
    cache = {**os.environ, "ZIG_GLOBAL_CACHE_DIR": str(folder / "cache")}
    running = []
    for architecture in ARCHITECTURES:
        library = folder / f"libplainwire-{architecture}.dylib"
        command = [sys.executable, "-m", "ziglang", "cc", "-target", f"{architecture}-macos.{OLDEST}"]
        command += [*FLAGS, *map(str, SOURCES), "-o", str(library)]
        running.append((library, command, subprocess.Popen(command, env=cache)))
    for _, command, process in running:
        if status := process.wait():
            raise subprocess.CalledProcessError(status, command)
    return [library for library, _, _ in running]


def universal(slices: list[bytes]) -> bytes:
    """One file of a library for each processor (``struct fat_arch``, all big-endian), in their order."""
    page = 1 << _PAGE_LOG2
    head, body = struct.pack(">II", 0xCAFEBABE, len(slices)), b""
    for each in slices:
        body += bytes(-len(body) % page)
        processor, subtype = struct.unpack_from("<II", each, 4)
        head += struct.pack(">IIIII", processor, subtype, page + len(body), len(each), _PAGE_LOG2)
        body += each
    return head.ljust(page, b"\0") + body


# --- Mach-O ------------------------------------------------------------------------------------------


class Image(NamedTuple):
    """What dyld is to find in a dynamic library of 64 bits. Symbols are named as in C."""

    processor: int
    replaced: list[str]
    """Functions in whose place ours stand, by the pairs of sections of the type S_INTERPOSING."""
    optional: set[str]
    """Symbols that may be missing, and are looked for in all libraries (flat lookup)."""
    required: set[str]
    """All others that it takes from elsewhere."""
    exported: set[str]
    needed: list[str]
    """Libraries that must be there."""
    signed: bool
    """arm64 loads nothing else."""


class _Parts(NamedTuple):
    """Where in the file what is read stands."""

    segments: list[int]
    pairs: list[range]
    """Addresses of the sections of pairs."""
    binds: list[bytes]
    """Opcodes, those for the start and the lazy ones."""
    exported: set[str]
    needed: list[str]
    signatures: list[int]


_LC_SYMTAB, _LC_LOAD_DYLIB, _LC_SEGMENT_64, _LC_CODE_SIGNATURE, _LC_DYLD_INFO_ONLY = (
    2,
    12,
    25,
    29,
    0x8000_0022,
)
_S_INTERPOSING = 0xD
_N_EXT, _N_TYPE, _N_PEXT = 0x01, 0x0E, 0x10
_FLAT = 0xE
"""BIND_SPECIAL_DYLIB_FLAT_LOOKUP, -2, as four bits."""


def read(file: bytes) -> Image:
    """Look into one.

    Raises:
        ValueError: it is no dynamic library of 64 bits, or is bound in a way that zig does not use.

    """
    magic, processor, _, kind, count = struct.unpack_from("<5I", file)
    if (magic, kind) != (0xFEEDFACF, 6):
        message = "no dynamic library of 64 bits"
        raise ValueError(message)
    parts, at = _Parts([], [], [], set(), [], []), 32
    for _ in range(count):
        _take(file, at, parts)
        at += struct.unpack_from("<I", file, at + 4)[0]
    image = Image(processor, [], set(), set(), parts.exported, parts.needed, signed=bool(parts.signatures))
    replaced = {}
    for number, opcodes in enumerate(parts.binds):
        for name, is_optional, segment, offset in _bound(opcodes):
            address = parts.segments[segment] + offset
            if any(address in pairs for pairs in parts.pairs):
                replaced[address] = name
            if (
                number == 0
            ):  # a lazy one does not say whether it may be missing: it stands among the others as well
                (image.optional if is_optional else image.required).add(name)
            elif name not in image.optional:
                image.required.add(name)
    image.replaced.extend(replaced[address] for address in sorted(replaced))
    return image


def _take(file: bytes, at: int, parts: _Parts) -> None:
    """One load command."""
    (command,) = struct.unpack_from("<I", file, at)
    if command == _LC_SEGMENT_64:
        address, count = struct.unpack_from("<24xQ32xI", file, at)
        parts.segments.append(address)
        for number in range(count):
            start, size, flags = struct.unpack_from("<32xQQ16xI", file, at + 72 + 80 * number)
            if flags & 0xFF == _S_INTERPOSING:
                parts.pairs.append(range(start, start + size))
    elif command == _LC_LOAD_DYLIB:
        parts.needed.append(_text(file, at + struct.unpack_from("<8xI", file, at)[0]))
    elif command == _LC_CODE_SIGNATURE:
        parts.signatures.append(at)
    elif command == _LC_DYLD_INFO_ONLY:
        start, size, lazy, lazy_size = struct.unpack_from("<16xII8xII", file, at)
        parts.binds.extend((file[start : start + size], file[lazy : lazy + lazy_size]))
    elif command == _LC_SYMTAB:
        symbols, count, strings = struct.unpack_from("<8xIII", file, at)
        for number in range(count):
            name, kind = struct.unpack_from("<IB", file, symbols + 16 * number)
            if kind & (_N_EXT | _N_PEXT) == _N_EXT and kind & _N_TYPE:
                parts.exported.add(_text(file, strings + name).removeprefix("_"))


def _bound(opcodes: bytes) -> Iterator[tuple[str, bool, int, int]]:
    """What dyld's bytecode binds: the symbol, whether it may be missing, in which segment, where in it."""
    name, optional, flat, segment, offset, at = "", False, False, 0, 0, 0
    while at < len(opcodes):
        opcode, value, at = opcodes[at] & 0xF0, opcodes[at] & 0x0F, at + 1
        if opcode in {0x10, 0x30}:  # which library
            flat = opcode == 0x30 and value == _FLAT
        elif opcode == 0x40:
            name, optional = _text(opcodes, at).removeprefix("_"), bool(value & 1)
            at = opcodes.index(b"\0", at) + 1
        elif opcode == 0x70:
            segment = value
            offset, at = _uleb(opcodes, at)
        elif opcode == 0x80:
            more, at = _uleb(opcodes, at)
            offset = (offset + more) % (1 << 64)
        elif opcode in {0x90, 0xA0, 0xB0}:
            yield name, optional and flat, segment, offset
            more = value * 8 if opcode == 0xB0 else 0
            if opcode == 0xA0:
                more, at = _uleb(opcodes, at)
            offset = (offset + 8 + more) % (1 << 64)
        elif opcode not in {0x00, 0x50}:  # an end, or the type, which is always a pointer
            message = f"an opcode that is not known: {opcode:#x}"
            raise ValueError(message)


def _uleb(data: bytes, at: int) -> tuple[int, int]:
    """A number of seven bits a byte, the lowest first, and what is behind it."""
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        if data[at] < 0x80:
            return value, at + 1
        at, shift = at + 1, shift + 7


def _text(file: bytes, at: int) -> str:
    return file[at : file.index(b"\0", at)].decode()


if __name__ == "__main__":
    sys.exit(main())
