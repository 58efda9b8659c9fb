"""What passes between the rules: the scene of one failed exchange, and the verdict on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire.model import Side

from . import primitives, words

if TYPE_CHECKING:
    from plainwire.model import (
        Bounds,
        Certainty,
        CloseEvent,
        Connection,
        Evidence,
        Exchange,
        Fault,
        Request,
        Response,
    )

    from .world import World

IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"})
"""Methods that may be repeated without further thought (RFC 9110 section 9.2.2)."""


class Scene(Struct, frozen=True):
    """One exchange that needs explaining, with what surrounds it."""

    connection: Connection
    exchange: Exchange
    request: Request
    late: Response | None
    """The response that came when the client had gone; ``exchange`` is what the client saw."""
    previous: Exchange | None
    world: World

    @property
    def idle_timeout(self) -> Bounds | None:
        """What the connections of this server address say about its idle timeout."""
        facts = self.world.servers.get(self.connection.server)
        return None if facts is None else facts.idle_timeout

    @property
    def server_close(self) -> CloseEvent | None:
        """The server's first act of closing."""
        return primitives.first_close(self.connection, Side.SERVER)

    @property
    def idle_ns(self) -> int | None:
        """How long the connection had been idle when the request left; None before its first exchange."""
        if self.previous is None:
            return None
        return max(0, self.request.time_ns - primitives.finished_ns(self.previous))

    def survived(self, idle_ns: int) -> bool:
        """Whether a request to this server was answered after idleness as long as this."""
        return self.world.longest_survived.get(self.connection.server, -1) >= idle_ns

    @property
    def idempotent(self) -> bool:
        """Whether the method may be repeated whatever became of the first copy."""
        return self.request.method in IDEMPOTENT


class Verdict(Struct, frozen=True):
    """One rule's answer for one exchange, or (``exchanges`` empty) for a connection without any.

    ``facts`` is one sentence or two, with the numbers.
    """

    code: str
    connection: Connection
    exchanges: tuple[int, ...]
    fault: Fault
    certainty: Certainty
    facts: str
    evidence: tuple[Evidence, ...]
    runner_up: str = ""
    retry_safe: bool | None = None
    advice_client: str = ""  # with numbers, in place of the catalogue's
    time_ns: int = 0  # of the request: the order in which verdicts are told
    failure: bool | None = None  # whether the exchanges failed, where the catalogue's word does not hold
    counts: bool = False  # whether ``facts`` say how many of how many, for one verdict on all of them


def weaker(certainty: Certainty) -> Certainty:
    """One grade down."""
    return "likely" if certainty == "proved" else "possible"


def idle_words(scene: Scene) -> str:
    """What the longest pause that a connection to this server survived adds to a cause by idleness."""
    longest = scene.world.longest_survived.get(scene.connection.server, 0)
    if longest <= 0:
        return ""
    return f" The longest pause after which a request was answered here is {words.span(longest)}."
