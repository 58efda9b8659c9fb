"""What the endings of a server's WebSockets have in common: the same silence before each is a limit."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.evidence.timers import same_time, usual_time
from plainwire.diagnose.evidence.websocket_end import ending_of, first_close_frame
from plainwire.diagnose.thresholds import LONG_NS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plainwire.diagnose.evidence.websocket_end import Ending
    from plainwire.model import Connection, Exchange

_HARDLY_LONGER = 1.05
"""A silence longer by less than this factor is as long."""


class WebSocketEndings:
    """The endings without a Close frame, of one server address."""

    def __init__(self, connections: Sequence[Connection]) -> None:
        self._connections = connections

    @cached_property
    def _sockets(self) -> list[tuple[Connection, Exchange]]:
        return [(c, e) for c in self._connections for e in c.exchanges if e.websocket is not None]

    @cached_property
    def abnormal(self) -> list[Ending]:
        """All of them."""
        found = (
            ending_of(connection, exchange)
            for connection, exchange in self._sockets
            if exchange.websocket is not None and first_close_frame(connection, exchange) is None
        )
        return [ending for ending in found if ending is not None]

    @cached_property
    def survived_ns(self) -> int:
        """The longest silence that a WebSocket survived here."""
        return max((e.websocket.longest_pause_ns for _, e in self._sockets if e.websocket), default=0)

    def limit_of(self, ending: Ending) -> str:
        """The limit of silence that the ending shows, in words; "" where it shows none."""
        quiet = ending.quiet_ns
        if quiet < LONG_NS or quiet <= self.survived_ns * _HARDLY_LONGER:
            return ""
        alike = [e.quiet_ns for e in self.abnormal if e.side == ending.side]
        same = [other for other in alike if same_time(quiet, other, server=True)]
        if len(same) > 1:
            spread = f"{wording.span(min(same))} to {wording.span(max(same))}"
            return f" {len(same)} WebSockets ended after the same silence, {spread}: an idle limit."
        if usual_time(quiet, server=True) is not None:
            return f" The silence, {wording.span(quiet)}, is a time that people configure as an idle limit."
        return ""
