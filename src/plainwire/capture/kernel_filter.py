"""What the kernel is to capture, as classic BPF (linux/filter.h): packets once, or those of some flows only.

Where a capture cannot keep up, it takes a share of all flows, and those whole: each flow has a number that is
the same in both directions, and of 2**n flows that one stays whose number ends in n zeros. So those of
a smaller share are also among those of a larger one.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import struct
from typing import NamedTuple

LARGEST_SHEDDING = 6
"""Of 64 flows one is captured, at least."""
NEVER_SHED = (53, 4789, 6081)
"""Ports: what names lead to belongs to all flows, and VXLAN and Geneve carry many in one."""
ADDRESS_FACTOR, PORT_FACTOR = 0x85EBCA6B, 0x9E3779B1
"""Odd numbers with well-mixed bits, of MurmurHash3 and of Knuth's multiplicative hashing."""
NUMBER_SHIFT = 24
"""A flow's number is the upper 8 of 32 bits."""

_SO_ATTACH_FILTER = _SO_GET_FILTER = 26  # asm-generic/socket.h
_MOST_STEPS = 4096  # BPF_MAXINSNS
_LOAD, _LOAD_HALF, _LOAD_BYTE, _LOAD_HALF_AT_X = 0x20, 0x28, 0x30, 0x48
_LOAD_STORED, _STORE, _X_OF_STORED, _X_OF_A = 0x60, 0x02, 0x61, 0x07
_X_OF_HEADER_LENGTH, _X_OF = 0xB1, 0x01
_XOR_X, _MULTIPLY, _SHIFT_RIGHT = 0xAC, 0x24, 0x74
_IF_EQUAL, _IF_BITS, _GO, _GIVE = 0x15, 0x45, 0x05, 0x06
_ACCEPTED = 262_144  # bytes of a packet, all of them
_PROTOCOL, _PACKET_TYPE, _INTERFACE = 0xFFFFF000, 0xFFFFF004, 0xFFFFF008  # SKF_AD_OFF and on
_NETWORK = 0xFFF00000  # SKF_NET_OFF: the IP header begins here, whatever comes before it
_IPV4, _IPV6, _TCP, _UDP, _OUTGOING = 0x0800, 0x86DD, 6, 17, 4


class FilterStep(NamedTuple):
    """One instruction: its code, how many to skip if true and if false, its operand."""

    code: int
    if_true: int = 0
    if_false: int = 0
    operand: int = 0


EVERYTHING = [FilterStep(_GIVE, operand=_ACCEPTED)]


def once_on(loopback: int) -> list[FilterStep]:
    """Drop what leaves through the interface ``loopback``, which comes in through it again; take all else."""
    return [
        FilterStep(_LOAD, operand=_PACKET_TYPE),
        FilterStep(_IF_EQUAL, 0, 3, _OUTGOING),
        FilterStep(_LOAD, operand=_INTERFACE),
        FilterStep(_IF_EQUAL, 0, 1, loopback),
        FilterStep(_GIVE),
        FilterStep(_GIVE, operand=_ACCEPTED),
    ]


def of_share(program: list[FilterStep], shedding: int) -> list[FilterStep]:
    """Of what a filter takes, the flows of one in ``2**shedding``, and all that is of no TCP or UDP flow."""
    if not shedding:
        return program
    given = program or EVERYTHING
    length = len(given)
    behind = [
        FilterStep(_GO, operand=length - at - 1) if step.code == _GIVE and step.operand else step
        for at, step in enumerate(given)
    ]
    return [*behind, *_share((1 << shedding) - 1)]


def _share(mask: int) -> list[FilterStep]:
    """Jumps are to labels first: a label is a string in the place of a number of steps."""
    network, labelled = _NETWORK, list[tuple[str, int, str, str, int]]()

    def step(code: int, operand: int = 0, *, at: str = "", yes: str = "", no: str = "") -> None:
        labelled.append((at, code, yes, no, operand))

    step(_LOAD, _PROTOCOL)
    step(_IF_EQUAL, _IPV4, yes="v4")
    step(_IF_EQUAL, _IPV6, yes="v6", no="take")
    step(_LOAD_HALF, network + 6, at="v4")
    step(_IF_BITS, 0x3FFF, yes="take")  # a fragment: only the first has ports
    step(_LOAD_BYTE, network + 9)
    step(_IF_EQUAL, _TCP, yes="addresses")
    step(_IF_EQUAL, _UDP, no="take")
    step(_LOAD, network + 12, at="addresses")
    step(_X_OF_A)
    step(_LOAD, network + 16)
    step(_XOR_X)
    step(_STORE, 0)
    step(_X_OF_HEADER_LENGTH, network)
    step(_IF_EQUAL, 0, yes="ports", no="ports")
    step(_LOAD_BYTE, network + 6, at="v6")
    step(_IF_EQUAL, _TCP, yes="words")
    step(_IF_EQUAL, _UDP, no="take")
    step(_LOAD, network + 8, at="words")
    for word in range(1, 8):
        step(_X_OF_A)
        step(_LOAD, network + 8 + 4 * word)
        step(_XOR_X)
    step(_STORE, 0)
    step(_X_OF, 40)
    step(_LOAD_HALF_AT_X, network, at="ports")
    step(_STORE, 1)
    for port in NEVER_SHED:
        step(_IF_EQUAL, port, yes="take")
    step(_LOAD_HALF_AT_X, network + 2)
    for port in NEVER_SHED:
        step(_IF_EQUAL, port, yes="take")
    step(_X_OF_STORED, 1)
    step(_XOR_X)
    step(_MULTIPLY, PORT_FACTOR)
    step(_X_OF_STORED, 0)
    step(_XOR_X)
    step(_MULTIPLY, ADDRESS_FACTOR)
    step(_SHIFT_RIGHT, NUMBER_SHIFT)
    step(_IF_BITS, mask, no="take")
    step(_GIVE)
    step(_GIVE, _ACCEPTED, at="take")
    places = {label: number for number, (label, *_) in enumerate(labelled) if label}

    def skipped(number: int, label: str) -> int:
        return places[label] - number - 1 if label else 0

    return [
        FilterStep(code, skipped(number, yes), skipped(number, no), operand)
        for number, (_, code, yes, no, operand) in enumerate(labelled)
    ]


def attach(descriptor: int, program: list[FilterStep]) -> bool:
    """Give a packet socket its filter, in the place of the one that it has. Whether the kernel took it."""
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in program))
    with socket.socket(fileno=os.dup(descriptor)) as packets, contextlib.suppress(OSError):
        packets.setsockopt(
            socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("@HP", len(program), ctypes.addressof(code))
        )
        return True
    return False


def attached(descriptor: int) -> list[FilterStep]:
    """The filter that a packet socket has; none where it has none."""
    code = ctypes.create_string_buffer(8 * _MOST_STEPS)
    steps = ctypes.c_uint32(_MOST_STEPS)  # the kernel counts steps here, and not bytes
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.getsockopt(descriptor, socket.SOL_SOCKET, _SO_GET_FILTER, code, ctypes.byref(steps)) != 0:
        return []
    return [FilterStep(*each) for each in struct.iter_unpack("=HBBI", code.raw[: 8 * steps.value])]
