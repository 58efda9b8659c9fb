"""Responses that had begun when the server's side cut them: by which act, after which silence."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire.arrays import np
from plainwire.diagnose import wording
from plainwire.diagnose.thresholds import LONG_NS
from plainwire.model import Side

from .closes import client_first, first_close
from .defects import marks_failure
from .timers import usual_time

if TYPE_CHECKING:
    from plainwire.model import Connection, Exchange, Request, Response

_AUTHENTIC = frozenset(("close_notify", "alert", "connection_close"))


class Cut(Struct, frozen=True):
    """How a response was cut. ``silence_ns``: since its last byte; ``age_ns``: since the request began.

    ``act`` names what cut it, in words; ``sealed``: it stood inside the encryption, or names its stream.
    """

    connection: Connection
    exchange: Exchange
    request: Request
    response: Response
    packet: int
    time_ns: int
    act: str
    sealed: bool

    @property
    def silence_ns(self) -> int:
        """Since the last byte of the response."""
        return self.time_ns - self.response.last_ns

    @property
    def age_ns(self) -> int:
        """Since the request began."""
        return self.time_ns - self.request.time_ns


def cut_of(connection: Connection, exchange: Exchange) -> Cut | None:
    """How the server's side cut a response that had begun; None where it did not."""
    request, response = exchange.request, exchange.response
    if request is None or response is None or response.status == 0 or exchange.outcome != "truncated":
        return None
    reset = exchange.reset
    if reset is not None and reset.side == Side.SERVER:
        act = f"{reset.kind.upper()} ({reset.name})"
        return Cut(connection, exchange, request, response, reset.packet, reset.time_ns, act, sealed=True)
    close = first_close(connection, Side.SERVER)
    if close is None or client_first(connection) is not None or close.time_ns < response.last_ns:
        return None
    sealed = close.kind in _AUTHENTIC and connection.tls is not None
    broken = ", behind an empty line in place of a chunk" if marks_failure(response) else ""
    act = wording.act(close) + broken
    return Cut(connection, exchange, request, response, close.packet, close.time_ns, act, sealed)


def longest_pause(connection: Connection, response: Response) -> int:
    """The longest time without a byte of the response, from its first one to its last, in ns."""
    segments = connection.segments
    if response.longest_pause_ns or segments is None:
        return response.longest_pause_ns
    rows = (
        (segments.side == Side.SERVER)
        & (segments.length > 0)
        & (segments.time_ns >= response.time_ns)
        & (segments.time_ns <= response.last_ns)
    )
    times = segments.time_ns[np.flatnonzero(rows)].tolist()
    return max((b - a for a, b in pairwise(times)), default=0)


def pause_words(connection: Connection, response: Response) -> str:
    """A time limit that ends the message in order shows in the silence before; "" where there is none."""
    longest = longest_pause(connection, response)
    if longest < LONG_NS:
        return ""
    near = ", a time that people configure as a limit" if usual_time(longest, server=True) else ""
    return f" The longest silence in it is {wording.span(longest)}{near}."
