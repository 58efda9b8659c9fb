"""Which streams of one side are over. Ids are used in order (RFC 9000 section 2.1): few need to be kept."""

from __future__ import annotations

_TYPES = 4
"""The two lowest bits of an id say who opened the stream, and whether it has one direction or two."""

MOST_APART = 1 << 14
"""Of each type: those that ended while ones before them are open, or were not seen."""


class EndedStreams:
    """A set of ids that only grows. Where too many are apart, all before the middle one of them count as
    over.
    """

    __slots__ = ("_apart", "_below")

    def __init__(self) -> None:
        self._below = [0] * _TYPES  # all before it, in the order of their type, are over
        self._apart: dict[int, set[int]] = {}  # by type; most connections have none

    def __contains__(self, stream: int) -> bool:
        order, kind = divmod(stream, _TYPES)
        return order < self._below[kind] or order in self._apart.get(kind, ())

    def add(self, stream: int) -> None:
        """The stream is over."""
        order, kind = divmod(stream, _TYPES)
        if order < self._below[kind]:
            return
        if order == self._below[kind] and kind not in self._apart:
            self._below[kind] += 1
            return
        apart = self._apart.setdefault(kind, set())
        apart.add(order)
        if len(apart) > MOST_APART:
            self._below[kind] = sorted(apart)[MOST_APART // 2]
            apart -= {one for one in apart if one < self._below[kind]}
        below = self._below[kind]
        while below in apart:
            apart.discard(below)
            below += 1
        self._below[kind] = below
