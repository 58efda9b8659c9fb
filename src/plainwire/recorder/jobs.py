"""What is asked of the process that examines, and what it answers."""

from __future__ import annotations

from msgspec import Struct, field


class Interest(Struct, frozen=True):
    """What an examination is to look for. ``program``: packets of others are to go; ``confirmed``: the
    program's word on its sockets needs the kernel's. ``statuses``: HTTP statuses, or the first digit of some;
    ``slower``: seconds that a response may take, 0 for any.
    """

    program: bool = False
    confirmed: bool = False
    statuses: tuple[str, ...] = ()
    slower: float = 0.0


class Sighting(Struct):
    """Something that may be a trigger. ``marks`` are times (ns) by which it is known again when the next
    segment is looked at; ``at`` is when it was, in seconds since the epoch. Without ``failure`` it
    is a remark beside what failed, and no trigger.
    """

    code: str
    at: float
    marks: list[int]
    failure: bool = True


class Examined(Struct):
    """What came of looking at a segment."""

    number: int
    left_out: int = 0
    seen: list[Sighting] = field(default_factory=list)
    connections: int = 0
    undecrypted: int = 0
    seconds: float = 0.0
    """Of a processor."""
    trouble: str = ""


class Saved(Struct):
    """A case that was made, by its name in ``cases/``, or why it was not."""

    because: str
    at: float
    name: str = ""
    codes: list[str] = field(default_factory=list)
    size: int = 0
    trouble: str = ""
    seconds: float = 0.0
    """Of a processor."""
