"""The instructions that a patched function jumps to: they take the next record of the ring (``ring``) and
fill it, do what stood at the function's start, and go on behind that. x86-64.

No system call, no call at all, 72 bytes of stack, no register changed; flags mean nothing at the start of a
function.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from plainwire.acquire.ring import HEADER, SLOTS

if TYPE_CHECKING:
    from plainwire.acquire.patching import KeyLogFunction

_JUMP = 5

_SAVE = bytes.fromhex("50 51 52 56 57 4150 4151 4152 4153")  # push rax, rcx, rdx, rsi, rdi, r8 to r11
_RESTORE = bytes.fromhex("415b 415a 4159 4158 5f 5e 5a 59 58")

_Step = tuple[bytes, bytes]
"""Instructions, and the jump behind them to the end, where there is one: without its distance."""


def jump(at: int, target: int, covered: int) -> bytes:
    """What is written to the start of a function."""
    return b"\xe9" + struct.pack("<i", target - (at + _JUMP)) + b"\x90" * (covered - _JUMP)


def instructions(page: int, ring: int, place: KeyLogFunction, offset: int, library: int) -> bytes:
    """What is to stand at ``page``. ``offset``: from the file's addresses to those in memory."""
    take = b"\x49\xbb" + struct.pack("<Q", ring)  # mov r11, ring
    take += bytes.fromhex("b801000000 f0410fc103 3d") + struct.pack("<I", SLOTS)  # xadd [r11], eax; cmp
    slot = bytes.fromhex("48c1e008 4d8d9c03") + struct.pack("<i", HEADER)  # lea r11, [r11 + 256 * rax + ...]
    named = bytes.fromhex("41c7430c") + struct.pack("<I", library)  # mov dword [r11 + 12], ...
    steps = _of_openssl(place, offset) if place.hops else _of_go(place, offset)
    body = b""
    for code, ahead in reversed([(slot + named, b""), *steps]):
        body = code + (ahead + struct.pack("<i", len(body)) if ahead else b"") + body
    made = _SAVE + take + b"\x0f\x83" + struct.pack("<i", len(body)) + body + _RESTORE
    made += place.code[: place.covered]
    back = place.function + offset + place.covered
    return made + b"\xe9" + struct.pack("<i", back - (page + len(made) + _JUMP))


_ABOVE, _NOT_EQUAL = b"\x0f\x87", b"\x0f\x85"
_WHOLE = bytes.fromhex("41c70301000000")  # mov dword [r11], 1


def _among_labels(place: KeyLogFunction, offset: int) -> _Step:
    """The address in rdx must be among those of the labels."""
    code = b"\x48\xb8" + struct.pack("<Q", place.labels + offset)  # mov rax, ...
    code += bytes.fromhex("4829c2 4881fa")  # sub rdx, rax; cmp rdx, ...
    return code + struct.pack("<I", place.labels_end - place.labels), _ABOVE


def _of_go(place: KeyLogFunction, offset: int) -> list[_Step]:
    """Go gives the label in rbx and rcx, the client random in rdi and rsi, the secret in r9 and r10."""
    code, ahead = _among_labels(place, offset)
    return [
        (bytes.fromhex("4889da") + code, ahead),  # mov rdx, rbx
        # rsi: the label; rcx: its length, which must not be above 48; then to [r11 + 16]
        (bytes.fromhex("4889de 488b4c2438 4883f930"), _ABOVE),
        (bytes.fromhex("41894b04 498d7b10 f3a4"), b""),
        # the client random must have 32 bytes; to [r11 + 64]
        (bytes.fromhex("48837c242820"), _NOT_EQUAL),
        (bytes.fromhex("488b742420 498d7b40 b920000000 f3a4"), b""),
        # the secret: at most 64; to [r11 + 96]; then the record is whole
        (bytes.fromhex("488b742410 488b4c2408 4883f940"), _ABOVE),
        (bytes.fromhex("41894b08 498d7b60 f3a4") + _WHOLE, b""),
    ]


def _of_openssl(place: KeyLogFunction, offset: int) -> list[_Step]:
    """C gives the session in rdi, the label in rsi, which ends with a zero, the secret in rdx and rcx."""
    code, ahead = _among_labels(place, offset)
    *way, last = place.hops
    random = bytes.fromhex("488b742420")  # mov rsi, [rsp + 32]: rdi
    for hop in way:
        random += bytes.fromhex("488bb6") + struct.pack("<i", hop)  # mov rsi, [rsi + hop]
    random += bytes.fromhex("4881c6") + struct.pack("<i", last)  # add rsi, last
    return [
        (bytes.fromhex("4889f2") + code, ahead),  # mov rdx, rsi
        # the secret: at most 64 bytes, which is looked at first, as nothing is written yet
        (bytes.fromhex("488b4c2438 4883f940"), _ABOVE),
        # the label with its zero, at most 48 bytes, to [r11 + 16]: lodsb, stosb, test al, jz, loop
        (bytes.fromhex("498d7b10 b930000000 ac aa 84c0 7402 e2f8 41c7430430000000"), b""),
        (random + bytes.fromhex("498d7b40 b920000000 f3a4"), b""),  # to [r11 + 64]
        (bytes.fromhex("488b742430 488b4c2438 41894b08 498d7b60 f3a4") + _WHOLE, b""),
    ]
