"""Where lines of a text for a terminal end, and whether they have colour."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

BOLD, BAD, GOOD, NAME = "1", "1;31", "32", "1;35"
"""Bold, bold red, green, bold magenta (ECMA-48 section 8.3.117): legible on white and on black, as yellow,
blue and cyan are not.
"""
NARROWEST, WIDEST = 40, 100
"""Columns: lines that are longer than the latter are hard to follow with the eye (chosen)."""


class Style(Struct, frozen=True):
    """``label`` is the width of the column of labels."""

    width: int = 80
    color: bool = False
    label: int = 15

    @classmethod
    def of(cls, width: int, *, color: bool) -> Style:
        """The style for a terminal of ``width`` columns."""
        return cls(max(NARROWEST, min(width, WIDEST)), color)

    def strong(self, text: str, code: str = BOLD) -> str:
        """The text in bold, or as ``code`` says."""
        return f"\x1b[{code}m{text}\x1b[0m" if self.color and text else text

    def labelled(self, label: str, text: str, indent: int = 2) -> Iterator[str]:
        """A label and a paragraph beside it."""
        first = f"{' ' * indent}{label}".ljust(self.label)
        for number, line in enumerate(self.wrapped(text, first, " " * self.label)):
            yield self.strong(line[: self.label]) + line[self.label :] if number == 0 else line

    def wrapped(self, text: str, first: str = "", rest: str = "") -> list[str]:
        """A paragraph with what its first line and the others begin with."""
        return textwrap.wrap(
            text, self.width, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False
        )

    def listed(self, items: Iterable[str]) -> Iterator[str]:
        """Each item a paragraph, indented."""
        for item in items:
            yield from self.wrapped(item, "  ", "    ")

    def cut(self, line: str) -> str:
        """A line that is not to be wrapped."""
        return line if len(line) <= self.width else line[: self.width - 1] + "…"
