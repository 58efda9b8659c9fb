"""What is done with one capture, in a worker process."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance import ours, pieces, reference
from conformance.matching import compare
from plainwire.model import UserError

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.message import Message
    from conformance.reference import Capture


@dataclass(slots=True)
class Checked:
    """The comparison of one capture. The counters are by kind of message; ``decrypted`` (ours, theirs)."""

    name: str
    both: Counter[str] = field(default_factory=Counter)
    theirs: list[Message] = field(default_factory=list)
    ours: list[Message] = field(default_factory=list)
    near: list[tuple[Message, Message]] = field(default_factory=list)
    bodies: list[tuple[Message, Message]] = field(default_factory=list)
    bodies_same: int = 0
    decrypted: tuple[int, int] = (0, 0)
    packets: tuple[int, int] = (0, 0)
    undecrypted: list[str] = field(default_factory=list)
    refused: str | None = None
    """The one line with which plainwire refused the file."""
    pieces: str | None = None
    """Where the report of the capture fed packet by packet is another one."""
    seconds: float = 0.0


def check(corpus: Path, capture: Capture, *, by_packet: bool = False) -> Checked:
    """Read one capture as both do, and compare."""
    theirs = reference.read(corpus, capture.name)
    result = Checked(capture.name)
    started = time.process_time()
    try:
        report = ours.analyze(capture)
    except UserError as error:
        result.refused = str(error)
        result.theirs = theirs.messages
        result.decrypted = (0, theirs.decrypted + theirs.decrypted_quic)
        return result
    result.seconds = time.process_time() - started
    found = compare(ours.messages(report), theirs.messages)
    result.both = Counter(message.kind for _, message in found.both)
    result.theirs, result.ours = found.theirs, found.ours
    result.near, result.bodies = found.near, found.bodies
    result.bodies_same = sum(1 for _, message in found.both if message.bodies) - len(found.bodies)
    result.decrypted = (ours.decrypted(report), theirs.decrypted + theirs.decrypted_quic)
    result.packets = (report.coverage.packets, theirs.packets)
    result.undecrypted = [f"connection {c}: {reason}" for c, reason in report.coverage.undecrypted]
    if by_packet:
        result.pieces = pieces.difference(capture)
    return result
