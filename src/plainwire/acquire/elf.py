"""The headers of an ELF file: enough to know which loader will load it, and what it will load.

Reads only the program header table and the dynamic section (System V ABI, chapters 4 and 5), and the symbol
tables if one of their names is asked for. A file that is not ELF, or is cut short, gives None. The file is
untrusted: every number in it is checked by the slice that uses it.
"""

from __future__ import annotations

import itertools
import os
import platform
import stat
import struct
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_Understood = TypeVar("_Understood")

MACHINES = {"x86_64": 62, "aarch64": 183}
"""e_machine of the architectures that the interposer is built for."""

_PT_LOAD, _PT_DYNAMIC, _PT_INTERP, _PT_NOTE = 1, 2, 3, 4
_DT_NEEDED, _DT_STRTAB, _DT_RPATH, _DT_RUNPATH = 1, 5, 15, 29
_SHT_SYMTAB, _SHT_DYNSYM = 2, 11
_LARGEST_TABLE = 1 << 20
_LARGEST_SYMBOLS = 1 << 24


class Elf(Struct, frozen=True):
    """One ELF file. ``interpreter`` is None for a program without a loader, and for a library."""

    bits: int
    machine: int
    interpreter: str | None = None
    needed: list[str] = field(default_factory=list)
    search_path: list[str] = field(default_factory=list)
    """Where its loader looks first for the ``needed`` libraries; ``$ORIGIN`` is the file's own folder."""
    go: bool = False
    """Whether Go's linker produced it."""
    lowest: int | None = None
    """Its lowest address in the file: if addresses are relocated, all move by the same amount."""

    @property
    def native(self) -> bool:
        """Whether it is code for our architecture and word size."""
        return self.bits == struct.calcsize("P") * 8 and self.machine == MACHINES.get(platform.machine())

    @property
    def takes_preloads(self) -> bool:
        """Whether a loader that takes the interposer loads it: glibc's, or musl's (Alpine Linux)."""
        loader = (self.interpreter or "").rpartition("/")[2]
        return loader.startswith(("ld-linux", "ld-musl"))


class _Segment(Struct, frozen=True):
    kind: int
    offset: int
    address: int
    size: int


class _ElfSection(Struct, frozen=True):
    kind: int
    offset: int
    size: int
    link: int


def read(path: Path) -> Elf | None:
    """Read the headers of ``path``; None if it is not a valid ELF file.

    Raises:
        OSError: the file cannot be opened or read.

    """
    return _understood(path, _parse)


def exported_number(path: Path, symbol: str) -> int | None:
    """The value of an 8-byte variable that a 64-bit ELF file exports; None if there is none.

    Raises:
        OSError: the file cannot be opened or read.

    """
    return _understood(path, lambda file: _exported(file, symbol.encode() + b"\0") if file.wide else None)


def function(path: Path, symbol: str, size: int) -> tuple[int, bytes] | None:
    """Where a function of a 64-bit ELF file is that has a name there, exported or not, by the file's own
    addresses, and the ``size`` bytes from there; None if there is none.

    Raises:
        OSError: the file cannot be opened or read.

    """
    named = symbol.encode() + b"\0"
    kinds = _SHT_DYNSYM, _SHT_SYMTAB
    return _understood(path, lambda file: _function(file, named, size, *kinds) if file.wide else None)


def exported_function(path: Path, symbol: str, size: int) -> tuple[int, bytes] | None:
    """The same of one that it exports.

    Raises:
        OSError: the file cannot be opened or read.

    """
    named = symbol.encode() + b"\0"
    return _understood(path, lambda file: _function(file, named, size, _SHT_DYNSYM) if file.wide else None)


def _understood(path: Path, parse: Callable[[_File], _Understood]) -> _Understood | None:
    """What ``parse`` reads from a file; None if it is not a regular file, or is invalid."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    try:
        return parse(_File(descriptor)) if stat.S_ISREG(os.fstat(descriptor).st_mode) else None
    except (struct.error, ValueError, OverflowError):
        return None
    finally:
        os.close(descriptor)


class _File:
    """Reads pieces of one file, in the byte order and word size given by its first 16 bytes."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.header = header = os.pread(descriptor, 64, 0)
        if len(header) < 6 or header[:4] != b"\x7fELF" or header[4] not in (1, 2) or header[5] not in (1, 2):
            message = "no ELF file"
            raise ValueError(message)
        self.wide = header[4] == 2  # ELFCLASS64
        self.order = "<" if header[5] == 1 else ">"

    def unpack(self, layout: str, data: bytes, offset: int = 0) -> tuple[int, ...]:
        return struct.unpack_from(self.order + layout, data, offset)

    def piece(self, offset: int, size: int, most: int = _LARGEST_TABLE) -> bytes:
        if size > most:
            message = "table too large"
            raise ValueError(message)
        return os.pread(self._descriptor, size, offset)


def _parse(file: _File) -> Elf:
    machine = file.unpack("H", file.header, 18)[0]
    segments = _segments(file)
    interpreter = next((s for s in segments if s.kind == _PT_INTERP), None)
    dynamic = next((s for s in segments if s.kind == _PT_DYNAMIC), None)
    name = file.piece(interpreter.offset, interpreter.size).rstrip(b"\0") if interpreter else None
    texts = _dynamic_texts(file, segments, dynamic) if dynamic else []
    paths = [text.split(":") for tag, text in texts if tag in (_DT_RPATH, _DT_RUNPATH)]
    return Elf(
        bits=64 if file.wide else 32,
        machine=machine,
        interpreter=name.decode("utf-8", "surrogateescape") if name else None,
        needed=[text for tag, text in texts if tag == _DT_NEEDED],
        search_path=[folder for folders in paths for folder in folders if folder],
        lowest=_lowest(segments),
        go=any(_has_go_note(file, s) for s in segments if s.kind == _PT_NOTE),
    )


def _segments(file: _File) -> list[_Segment]:
    if file.wide:
        table, (size, count) = file.unpack("Q", file.header, 32)[0], file.unpack("HH", file.header, 54)
    else:
        table, (size, count) = file.unpack("I", file.header, 28)[0], file.unpack("HH", file.header, 42)
    data = file.piece(table, size * count)
    return [_segment(file, data, row * size) for row in range(count)]


def _segment(file: _File, data: bytes, at: int) -> _Segment:
    if file.wide:
        kind, _flags, offset, address, _physical, size = file.unpack("IIQQQQ", data, at)
    else:
        kind, offset, address, _physical, size = file.unpack("IIIII", data, at)
    return _Segment(kind, offset, address, size)


def _lowest(segments: list[_Segment]) -> int | None:
    loaded = [segment.address for segment in segments if segment.kind == _PT_LOAD]
    return min(loaded) & ~0xFFF if loaded else None


def _has_go_note(file: _File, notes: _Segment) -> bool:
    """Whether one of the notes is Go's: sizes of name and value, a type, then both, padded to four."""
    data, at = file.piece(notes.offset, notes.size), 0
    while at + 12 <= len(data):
        name, value, _ = file.unpack("III", data, at)
        if data[at + 12 : at + 12 + name] == b"Go\0\0"[:name] and name > 2:
            return True
        at += 12 + (name + 3 & ~3) + (value + 3 & ~3)
    return False


def _dynamic_texts(file: _File, segments: list[_Segment], dynamic: _Segment) -> list[tuple[int, str]]:
    """The entries of the dynamic section that are strings, each with its tag."""
    width = 16 if file.wide else 8
    layout = "qQ" if file.wide else "iI"
    data = file.piece(dynamic.offset, dynamic.size)
    entries = [file.unpack(layout, data, at) for at in range(0, len(data) - width + 1, width)]
    strings = next((value for tag, value in entries if tag == _DT_STRTAB), None)
    if strings is None:
        return []
    base = next((s.offset - s.address for s in segments if _holds(s, strings)), 0)

    def text(offset: int) -> str:
        raw = file.piece(base + strings + offset, 4096)
        return raw.split(b"\0", 1)[0].decode("utf-8", "surrogateescape")

    return [(tag, text(value)) for tag, value in entries if tag in (_DT_NEEDED, _DT_RPATH, _DT_RUNPATH)]


def _holds(segment: _Segment, address: int) -> bool:
    return segment.kind == _PT_LOAD and segment.address <= address < segment.address + segment.size


def _exported(file: _File, symbol: bytes) -> int | None:
    for address, size in _named(file, symbol):
        if size == 8:
            data = _in_memory(file, address, 8)
            return None if data is None else file.unpack("Q", data)[0]
    return None


def _function(file: _File, symbol: bytes, size: int, *kinds: int) -> tuple[int, bytes] | None:
    for address, _ in itertools.chain.from_iterable(_named(file, symbol, kind) for kind in kinds):
        code = _in_memory(file, address, size) if address else None
        if code is not None and len(code) == size:
            return address, code
    return None


def _in_memory(file: _File, address: int, size: int) -> bytes | None:
    home = next((s for s in _segments(file) if _holds(s, address)), None)
    return None if home is None else file.piece(address - home.address + home.offset, size)


def _named(file: _File, symbol: bytes, kind: int = _SHT_DYNSYM) -> Iterator[tuple[int, int]]:
    """Address and size of what a file has under a name, which ends with a zero byte, in a table of symbols:
    what it exports, or all.
    """
    sections = _sections(file)
    table = next((s for s in sections if s.kind == kind and s.link < len(sections)), None)
    if table is None:
        return
    names = file.piece(sections[table.link].offset, sections[table.link].size, _LARGEST_SYMBOLS)
    if names.find(symbol) < 0:
        return
    symbols = file.piece(table.offset, table.size, _LARGEST_SYMBOLS)
    for at in range(0, len(symbols) - 23, 24):
        name, _info, _other, _index, address, size = file.unpack("IBBHQQ", symbols, at)
        if names[name : name + len(symbol)] == symbol:
            yield address, size


def _sections(file: _File) -> list[_ElfSection]:
    """The section headers of a 64-bit file."""
    offset, (size, count) = file.unpack("Q", file.header, 40)[0], file.unpack("HH", file.header, 58)
    data = file.piece(offset, size * count)
    rows = (file.unpack("IIQQQQII", data, row * size) for row in range(count))
    return [_ElfSection(kind, offset, size, link) for _, kind, _, _, offset, size, link, _ in rows]
