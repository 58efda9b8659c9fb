"""Bugs of plainwire's own: one in a rule or a reader must not cost the whole report."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")

_MOST = 100


class Bug(Struct):
    """What failed, in words: ``a rule failed: redirect-loop``. ``error`` is the exception's name.

    The exception's own words are not kept: they may quote what was on the wire. ``where`` is its way through
    our code, a line each; ``count`` how often it happened.
    """

    what: str
    error: str
    where: list[str]
    count: int = 1

    @property
    def line(self) -> str:
        """What to say of it."""
        often = f", {self.count} times" if self.count > 1 else ""
        return f"{self.what} ({self.error}{often}); please report it"


class Bugs:
    """Takes note of bugs, each once."""

    def __init__(self) -> None:
        self.found: list[Bug] = []

    def note(self, what: str, error: Exception) -> None:
        """Take note of one."""
        known = next((f for f in self.found if (f.what, f.error) == (what, type(error).__name__)), None)
        if known is not None:
            known.count += 1
        elif len(self.found) < _MOST:
            lines = "".join(traceback.format_tb(error.__traceback__)).splitlines()
            self.found.append(Bug(what, type(error).__name__, lines))

    def attempt(self, what: str, work: Callable[P, T], *args: P.args, **named: P.kwargs) -> T | None:
        """What the work gives; None, and a note, where it fails by a bug."""
        try:
            return work(*args, **named)
        except Exception as error:  # noqa: BLE001 - whatever a bug may raise: that is what this is for
            self.note(what, error)
            return None
