"""One DNS message, as far as it says which addresses a name has (RFC 1035 section 4)."""

from __future__ import annotations

import ipaddress
import struct
from typing import NamedTuple

A, CNAME, AAAA = 1, 5, 28
INTERNET = 1

_HEADER = struct.Struct("!HHHHHH")
_QUESTION = struct.Struct("!HH")
_RECORD = struct.Struct("!HHIH")
_RESPONSE, _OPCODE, _TRUNCATED = 0x8000, 0x7800, 0x0200
_POINTER = 0xC0
_LONGEST_LABEL = 63
_LONGEST_NAME = 255
_MOST_RECORDS = 64

CODES = ("NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED")
"""RFC 1035 section 4.1.1; the third to the last have the names that everybody uses (RFC 8499)."""


class Message(NamedTuple):
    """``addresses`` are those of the answer section, whatever name they belong to: aliases lead to them."""

    id: int
    response: bool
    name: str
    """Of the one question: lower case, without the last dot, "." for the root."""
    type: int
    code: str
    truncated: bool
    addresses: tuple[str, ...]


def parse(data: bytes) -> Message | None:
    """The message; None where it is none with one question for the Internet. Answers any bytes."""
    if len(data) < _HEADER.size:
        return None
    number, flags, questions, answers, _, _ = _HEADER.unpack_from(data)
    if questions != 1 or flags & _OPCODE:
        return None
    try:
        name, at = _name(data, _HEADER.size)
        kind, of = _QUESTION.unpack_from(data, at)
        if of != INTERNET:
            return None
        response = bool(flags & _RESPONSE)
        addresses = _addresses(data, at + _QUESTION.size, min(answers, _MOST_RECORDS)) if response else ()
    except (IndexError, ValueError, struct.error):
        return None
    code = flags & 0x0F
    said = CODES[code] if code < len(CODES) else str(code)
    return Message(number, response, name, kind, said, bool(flags & _TRUNCATED), addresses)


def _name(data: bytes, at: int) -> tuple[str, int]:
    """The name at ``at`` and where the next thing begins; pointers lead backwards only, as they must."""
    labels: list[str] = []
    after, size = 0, 0
    while length := data[at]:
        if length & _POINTER == _POINTER:
            target = (length & ~_POINTER) << 8 | data[at + 1]
            after = after or at + 2
            if target >= at:
                raise ValueError
            at = target
            continue
        size += length + 1
        label = data[at + 1 : at + 1 + length]
        if length > _LONGEST_LABEL or size > _LONGEST_NAME or len(label) < length:
            raise ValueError
        labels.append("".join(chr(b) if 0x21 <= b <= 0x7E else f"\\{b:03}" for b in label.lower()))
        at += 1 + length
    return ".".join(labels) or ".", after or at + 1


def _addresses(data: bytes, at: int, count: int) -> tuple[str, ...]:
    """The A and AAAA records of a message that may end early (a snap length, the flag TC)."""
    found: list[str] = []
    try:
        for _ in range(count):
            _, at = _name(data, at)
            kind, of, _, size = _RECORD.unpack_from(data, at)
            at += _RECORD.size
            value = data[at : at + size]
            at += size
            if of == INTERNET and (kind, len(value)) in ((A, 4), (AAAA, 16)):
                found.append(str(ipaddress.ip_address(value)))
    except (IndexError, ValueError, struct.error):
        pass
    return tuple(found)
