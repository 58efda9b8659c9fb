"""Texts that a page holds once, however often they occur.

Of 50,000 exchanges nearly all have the header fields of their neighbours: each text stands in one table, safe
to show, and everything else are numbers of its lines.
"""

from __future__ import annotations

from plainwire.report import redact
from plainwire.report.escape import printable

MOST_CHARACTERS = 24_000_000
"""Characters of texts off the wire in one page, so that a browser can still open it."""

LONGEST = 4_000
"""Characters of one text."""

Fields = list[tuple[str, str]]


class Texts:
    """The table, and lists of its lines.

    ``shapes`` are the names of header fields that stand together, as lines; each of ``lists`` is a shape's
    place and the lines of the values.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.shapes: list[list[int]] = []
        self.lists: list[list[int]] = []
        self._places: dict[str, int] = {}
        self._shape_places: dict[tuple[int, ...], int] = {}
        self._list_places: dict[tuple[int, ...], int] = {}
        self._headers: dict[tuple[tuple[str, str], ...], int] = {}
        self._left = MOST_CHARACTERS

    @property
    def full(self) -> bool:
        """Whether there is no room for more header fields."""
        return self._left <= 0

    def of(self, text: str) -> int:
        """The line of a text, which is made safe to show."""
        place = self._places.get(text)
        if place is None:
            shown = printable(text, LONGEST)
            self._left -= len(shown)
            place = self._places[text] = len(self.lines)
            self.lines.append(shown)
        return place

    def headers(self, fields: Fields) -> int | None:
        """The list of a message's header fields, secrets hidden; None where it was left out."""
        key = tuple(fields)
        place = self._headers.get(key)
        if place is None and not self.full:
            shown = redact.headers(fields)
            names = tuple(self.of(name) for name, _ in shown)
            shape = _place(names, self.shapes, self._shape_places)
            values = (shape, *(self.of(value) for _, value in shown))
            place = self._headers[key] = _place(values, self.lists, self._list_places)
            self._left -= 6 * len(values)
        return place


def _place(lines: tuple[int, ...], known: list[list[int]], places: dict[tuple[int, ...], int]) -> int:
    """Where a list stands; it is added where it is new."""
    place = places.get(lines)
    if place is None:
        place = places[lines] = len(known)
        known.append(list(lines))
    return place
