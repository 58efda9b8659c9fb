"""Requests for the rest of a response that was cut (``Range``, RFC 9110 section 14.2).

A client that resumes asks for all from where it was cut: the same operation, in another request.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .copies import value

if TYPE_CHECKING:
    from plainwire.model import Exchange, Request

    from .copies import Twin

    Fields = tuple[tuple[str, str], ...]
    Group = tuple[object, Twin, Fields]
    """Who sent copies of a request, what they have in common, and their lasting header fields."""

_RANGE = re.compile(r"\s*bytes\s*=\s*(\d{1,18})\s*-\s*\d{0,18}\s*", re.IGNORECASE)
"""One range that does not count from the end (RFC 9110 section 14.1.2)."""
_OF_A_PART = ("range", "if-range")


class Parts:
    """Requests for the rest belong to the copies of the request whose response was cut."""

    def __init__(self) -> None:
        self._wanted: dict[tuple[Group, int], Group] = {}

    def of_whole(self, group: Group, exchange: Exchange, request: Request) -> Group:
        """The group that a request belongs to, ``group`` where it resumes nothing. In order of time."""
        begins = _first_byte(request)
        if request.method != "GET" or begins is None:
            return group
        owner, name, lasting = group
        bare = owner, name, tuple(field for field in lasting if field[0] not in _OF_A_PART)
        whole = self._wanted.get((bare, begins), group) if begins else group
        response = exchange.response
        if exchange.outcome != "complete" and response is not None and response.body_size:
            self._wanted[bare, begins + response.body_size] = whole
        return whole


def rest_of(exchange: Exchange, request: Request, other: Request) -> bool | None:
    """Whether ``other`` asks for just what a cut response lacked; None where both ask for the same."""
    if value(request, "range") == value(other, "range"):
        return None
    begins, response = _first_byte(request), exchange.response
    if begins is None or response is None or exchange.outcome == "complete":
        return False
    return _first_byte(other) == begins + response.body_size


def _first_byte(request: Request) -> int | None:
    """The first byte that is asked for; None where the range is of another kind."""
    wanted = value(request, "range")
    if wanted is None:
        return 0
    found = _RANGE.fullmatch(wanted)
    return None if found is None else int(found[1])
