"""What all connections of a capture share while their messages are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire import kernel
from plainwire.http import http1_fields
from plainwire.http.budget import CaptureBudget
from plainwire.http.exchange_room import ExchangeRoom
from plainwire.model import Request, Response

if TYPE_CHECKING:
    from plainwire._kernel import Heads

_MOST_CACHED = 4096


class Reading:
    """Caches, budgets, and whether bodies are kept. ``heads``: the kernel's reader, which keeps none."""

    __slots__ = ("_status_lines", "budget", "exchanges", "fields", "heads", "keep_bodies")

    def __init__(self, *, keep_bodies: bool = False, budget: CaptureBudget | None = None) -> None:
        self.fields = http1_fields.FieldParser()
        self.budget = budget or CaptureBudget()
        self.exchanges = ExchangeRoom()
        self.keep_bodies = keep_bodies
        self.heads: Heads | None = None
        if kernel.compiled is not None and not keep_bodies:
            learn, framing = self.fields.learn, http1_fields.framing_of
            self.heads = kernel.compiled.Heads(Request, Response, learn, framing)
        self._status_lines: dict[bytes, http1_fields.StatusLine] = {}

    def status_line(self, data: bytes) -> http1_fields.StatusLine:
        """Read a status line; one seen before costs a look-up."""
        line = self._status_lines.get(data)
        if line is None:
            line = http1_fields.status_line(data)
            if len(self._status_lines) >= _MOST_CACHED:
                self._status_lines.clear()
            self._status_lines[data] = line
        return line
