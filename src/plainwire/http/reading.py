"""What all connections of a capture share when their messages are read."""

from __future__ import annotations

from plainwire.http.budget import CaptureBudget
from plainwire.http.http1_fields import FieldParser


class Reading:
    """Caches, budgets, and whether bodies are kept."""

    __slots__ = ("budget", "fields", "keep_bodies")

    def __init__(self, *, keep_bodies: bool = False, budget: CaptureBudget | None = None) -> None:
        self.fields = FieldParser()
        self.budget = budget or CaptureBudget()
        self.keep_bodies = keep_bodies
