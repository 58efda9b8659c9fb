"""Where nobody may capture packets: the program's own calls on its sockets are the capture.

``acquire.socket_trace`` makes segments of them, which are written as packets when the program has ended. All
that reads captures reads them; ``Connection.from_sockets`` tells that they are none.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from plainwire.acquire import go_patch, interposer, target
from plainwire.acquire.via import ANYHOW, Via
from plainwire.capture.live import ANY
from plainwire.capture.pcapng import BlockFile, file_header, packet_blocks, statistics
from plainwire.model import CaptureEnd, NoRightError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from plainwire.acquire.socket_trace import TracedSegment
    from plainwire.case import Case

HOW = "socket trace"
NOTE = (
    "Evidence: socket trace. There was no right to capture packets, so that connections are told as the "
    "program's own calls on its sockets show them: what it sent, got and was told, and what the peer had "
    "acknowledged by then. Retransmissions and exact times are not seen, and nothing is proved by packets."
)
NOTE_FORCED = NOTE.replace("There was no right to capture packets, so that", "As asked for by --via,")
_BATCH = 1000


class SocketTrace:
    """A running trace: the interposer writes it (``launch``)."""

    how = HOW

    def __init__(self, case: Case) -> None:
        if case.capture.name not in case.place.made:
            case.place.make(case.capture.name)
        case.place.make(case.sockets.name, os.O_RDWR | os.O_APPEND)
        self._case = case

    @property
    def over(self) -> bool:
        """See ``capture.live.Capture``."""
        return False

    def counted(self) -> tuple[int, int | None]:
        """See ``capture.live.Capture``: it is no capture yet."""
        return 0, None

    def stop(self) -> CaptureEnd:
        """See ``capture.live.Capture``. What processes that still run do from now on is not in it."""
        case = self._case
        file = BlockFile(case.place.open(case.capture.name))
        made, cut = _segments(case)
        for blocks in _blocks(made, cut):
            file.write(blocks)
        file.close()
        case.place.remove(case.sockets.name)
        trouble = file.trouble or (f"of the socket trace not all was read: {cut}" if cut else None)
        return CaptureEnd(len(made), int(cut is not None), trouble)


def recover(case: Case) -> None:
    """Where plainwire was killed while it traced: make the capture of what there is by now."""
    case.place.replace(case.capture.name, lambda file: file.writelines(_blocks(*_segments(case))))
    case.place.remove(case.sockets.name)


def _segments(case: Case) -> tuple[list[TracedSegment], str | None]:
    from plainwire.acquire import socket_trace  # noqa: PLC0415 - it would delay the program's start

    return socket_trace.segments(case.place.open(case.sockets.name).descriptor)


def _blocks(made: Sequence[TracedSegment], cut: str | None) -> Iterator[bytes]:
    """A file of them. Where the trace was cut, a packet is said to be missing: more is not known."""
    from plainwire.acquire.socket_trace import LINK_RAW, SNAPLEN  # noqa: PLC0415 - as above

    yield file_header(HOW, LINK_RAW, SNAPLEN)
    for at in range(0, len(made), _BATCH):
        pieces: list[bytes] = []
        add = packet_blocks(pieces)
        for segment in made[at : at + _BATCH]:
            add(segment.time_ns / 1e9, segment.length, segment.data)
        yield b"".join(pieces)
    yield statistics(len(made), int(cut is not None), time.time_ns() // 1000)


def refused(command: Sequence[str], interface: str, capture_filter: str, via: Via = ANYHOW) -> str | None:
    """Why a command's sockets cannot be traced; None where they can."""
    if interface != ANY or capture_filter:
        return "an interface or a filter was asked for, which only a capture of packets has"
    if interposer.compiled() is None:
        return interposer.missing()
    found = target.find(command)
    if found.elf is not None and found.elf.go and found.untouched:
        why = (
            go_patch.untraceable(found)
            if via.allows("patch")
            else "--via asks for another way than the patch"
        )
        return why and f"{found.untouched}, and {why}"
    return found.untouched


def instead(error: NoRightError, why: str) -> NoRightError:
    """The error that there is no right to capture, and why sockets are not traced instead."""
    return NoRightError(f"{error}; its sockets cannot be traced instead: {why}")
