"""What a negotiation came to."""

from __future__ import annotations

from typing import NamedTuple


class Done(NamedTuple):
    """The tunnel is there: it begins behind so many bytes of each side. ``target`` is where it leads."""

    kind: str
    target: str
    client: int
    server: int


class Failed(NamedTuple):
    """No tunnel will come of it, and why."""

    kind: str
    why: str


Outcome = Done | Failed | None
