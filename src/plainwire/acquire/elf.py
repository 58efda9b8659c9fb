"""What an ELF file's own headers say: enough to know who will load it, and what it will load.

Reads the program header table and the dynamic section (System V ABI, chapters 4 and 5), nothing more. A file
that is no ELF, or is cut short, is None; the field's content is somebody else's file, so every number in
it is checked by the slice that uses it.
"""

from __future__ import annotations

import platform
import struct
from typing import TYPE_CHECKING

from msgspec import Struct, field

if TYPE_CHECKING:
    from pathlib import Path

MACHINES = {"x86_64": 62, "aarch64": 183}
"""e_machine of the machines that the interposer is built for."""

_PT_LOAD, _PT_DYNAMIC, _PT_INTERP, _PT_NOTE = 1, 2, 3, 4
_DT_NEEDED, _DT_STRTAB = 1, 5
_LARGEST_TABLE = 1 << 20


class Elf(Struct, frozen=True):
    """One ELF file. ``interpreter`` is None for a program that needs no loader, and for a library."""

    bits: int
    machine: int
    interpreter: str | None = None
    needed: list[str] = field(default_factory=list)
    go: bool = False
    """Whether Go's linker made it."""

    @property
    def native(self) -> bool:
        """Whether it is code of the machine that we run on, in the width that we run in."""
        return self.bits == struct.calcsize("P") * 8 and self.machine == MACHINES.get(platform.machine())

    @property
    def glibc(self) -> bool:
        """Whether glibc's loader loads it."""
        return self.interpreter is not None and self.interpreter.rpartition("/")[2].startswith("ld-linux")


class _Segment(Struct, frozen=True):
    kind: int
    offset: int
    address: int
    size: int


def read(path: Path) -> Elf | None:
    """Read the headers of ``path``; None where it is no ELF file or cannot be understood.

    Raises:
        OSError: the file cannot be opened or read.

    """
    with path.open("rb") as file:
        try:
            return _parse(_File(file.read(64), path))
        except (struct.error, ValueError):
            return None


class _File:
    """Reads pieces of one file, in the byte order and width that its first 16 bytes tell."""

    def __init__(self, header: bytes, path: Path) -> None:
        if len(header) < 6 or header[:4] != b"\x7fELF" or header[4] not in (1, 2) or header[5] not in (1, 2):
            message = "no ELF file"
            raise ValueError(message)
        self.header, self.path = header, path
        self.wide = header[4] == 2  # ELFCLASS64
        self.order = "<" if header[5] == 1 else ">"

    def unpack(self, layout: str, data: bytes, offset: int = 0) -> tuple[int, ...]:
        return struct.unpack_from(self.order + layout, data, offset)

    def piece(self, offset: int, size: int) -> bytes:
        if size > _LARGEST_TABLE:
            message = "table too large"
            raise ValueError(message)
        with self.path.open("rb") as file:
            file.seek(offset)
            return file.read(size)


def _parse(file: _File) -> Elf:
    machine = file.unpack("H", file.header, 18)[0]
    segments = _segments(file)
    interpreter = next((s for s in segments if s.kind == _PT_INTERP), None)
    dynamic = next((s for s in segments if s.kind == _PT_DYNAMIC), None)
    name = file.piece(interpreter.offset, interpreter.size).rstrip(b"\0") if interpreter else None
    return Elf(
        bits=64 if file.wide else 32,
        machine=machine,
        interpreter=name.decode("utf-8", "surrogateescape") if name else None,
        needed=_needed(file, segments, dynamic) if dynamic else [],
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


def _has_go_note(file: _File, notes: _Segment) -> bool:
    """Whether one of the notes is of Go: sizes of name and value, a type, then both, padded to four."""
    data, at = file.piece(notes.offset, notes.size), 0
    while at + 12 <= len(data):
        name, value, _ = file.unpack("III", data, at)
        if data[at + 12 : at + 12 + name] == b"Go\0\0"[:name] and name > 2:
            return True
        at += 12 + (name + 3 & ~3) + (value + 3 & ~3)
    return False


def _needed(file: _File, segments: list[_Segment], dynamic: _Segment) -> list[str]:
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

    return [text(value) for tag, value in entries if tag == _DT_NEEDED]


def _holds(segment: _Segment, address: int) -> bool:
    return segment.kind == _PT_LOAD and segment.address <= address < segment.address + segment.size
