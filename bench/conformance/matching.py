"""Which message of ours is which of tshark's.

Three rounds, each over what the one before left:

1. same kind, ends, stream and essence; where there are several, first by packet, then in order;
2. same kind, stream and essence, in the same packet: the reference does not always know the ends;
3. same kind and ends, in the same packet, but another essence: not found, though named side by side.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.message import Message


@dataclass(slots=True)
class Comparison:
    """``both`` are pairs (ours, theirs); ``near`` those of round 3, also in ``ours`` and ``theirs``."""

    both: list[tuple[Message, Message]] = field(default_factory=list)
    ours: list[Message] = field(default_factory=list)
    theirs: list[Message] = field(default_factory=list)
    near: list[tuple[Message, Message]] = field(default_factory=list)
    bodies: list[tuple[Message, Message]] = field(default_factory=list)
    """Pairs whose bodies are not the same."""


def compare(ours: list[Message], theirs: list[Message]) -> Comparison:
    """Pair the messages of both readings."""
    result = Comparison()
    left, right = list(ours), list(theirs)
    for key, strict in ((_exactly, False), (_without_ends, True)):
        pairs = _pairs(left, right, key, strict=strict)
        result.both += pairs
        taken = {id(message) for pair in pairs for message in pair}
        left = [message for message in left if id(message) not in taken]
        right = [message for message in right if id(message) not in taken]
    result.ours, result.theirs = left, right
    result.near = _pairs(left, right, _ends_only, strict=True)
    result.bodies = [pair for pair in result.both if not _same_body(*pair)]
    return result


def _exactly(message: Message) -> tuple[object, ...]:
    return message.kind, message.ends, message.stream, message.essence


def _without_ends(message: Message) -> tuple[object, ...]:
    return message.kind, message.stream, message.essence


def _ends_only(message: Message) -> tuple[object, ...]:
    return message.kind, message.ends


def _pairs(
    ours: list[Message], theirs: list[Message], key: Callable[[Message], object], *, strict: bool
) -> list[tuple[Message, Message]]:
    """Pairs of the same key in the same packet; then, unless ``strict``, the rest of each key in order."""
    waiting: dict[object, list[Message]] = defaultdict(list)
    for message in sorted(ours, key=lambda message: message.frames):
        waiting[key(message)].append(message)
    pairs: list[tuple[Message, Message]] = []
    rest = []
    for message in sorted(theirs, key=lambda message: message.frames):
        candidates = waiting[key(message)]
        frame = message.frames[1]
        found = next((c for c in candidates if c.frames[1] == frame), None)
        found = found or next((c for c in candidates if c.holds(frame)), None)
        if found is None:
            rest.append(message)
        else:
            candidates.remove(found)
            pairs.append((found, message))
    if not strict:
        pairs += [(waiting[key(m)].pop(0), m) for m in rest if waiting[key(m)]]
    return pairs


def _same_body(ours: Message, theirs: Message) -> bool:
    if not theirs.bodies:
        return True
    (expected,) = theirs.bodies
    if expected.sha256 is None:
        return any(body.size == expected.size for body in ours.bodies)
    return any(body.sha256 == expected.sha256 for body in ours.bodies)
