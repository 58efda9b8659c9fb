"""How much memory the exchanges of a capture may take while their connections are read.

A few bytes of a capture can be a whole exchange, which takes a few thousand in memory. So messages share one
``ROOM``. A connection may take as much of it as it leaves for others: a flood takes half, the next one a
quarter, and there is always some left for a connection with few exchanges. Messages that have no room are not
read, and the connection's facts say so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from plainwire.model import Exchange

ROOM = 320 << 20
"""Approximate bytes of memory."""

MOST_INTERIM = 100
"""Interim responses that are kept for one exchange."""

TOO_MANY = "its further exchanges were not read, because the report would have become too large"

_MESSAGE, _FIELD = 1000, 60  # bytes, measured


class ExchangeRoom:
    """What all connections of a capture share."""

    __slots__ = ("left",)

    def __init__(self, left: int = ROOM) -> None:
        self.left = left

    def release(self, exchanges: Iterable[Exchange]) -> None:
        """Return the room of exchanges that are not kept."""
        for exchange in exchanges:
            for message in (exchange.request, exchange.response, *exchange.interim):
                self.left += 0 if message is None else _cost(message.headers)


class ExchangeShare:
    """One connection's part."""

    __slots__ = ("_due", "_room", "taken")

    def __init__(self, room: ExchangeRoom) -> None:
        self._room = room
        self.taken = self._due = 0

    def admits(self, fields: Sequence[tuple[str, str]], *, answered_later: bool = False) -> bool:
        """Take room for one more message with these fields; False if there is none.

        ``answered_later``: and for one that answers it, which may be read when there is no room for more.
        """
        answers = not answered_later and self._due > 0
        cost = _cost(fields) + (_MESSAGE if answered_later else -_MESSAGE if answers else 0)
        if self.taken + cost > self._room.left - cost and not (answers and cost < _MESSAGE):
            return False
        self._due += answered_later - answers
        self.taken += cost
        self._room.left -= cost
        return True

    def admits_all(self, messages: int, fields: int, size: int, *, answered_later: bool = False) -> bool:
        """The same for several messages with so many fields, of so many characters: room for all, or none."""
        due = 0 if answered_later else min(self._due, messages)
        cost = _MESSAGE * messages + _FIELD * fields + size
        cost += _MESSAGE * messages if answered_later else -_MESSAGE * due
        if self.taken + cost > self._room.left - cost:
            return False
        self._due += messages if answered_later else -due
        self.taken += cost
        self._room.left -= cost
        return True


class SizesOfMessages(NamedTuple):
    """How many messages, how many fields they have, and the characters of those."""

    messages: int
    fields: int
    size: int


def admitted(room: ExchangeRoom, requests: SizesOfMessages, responses: SizesOfMessages) -> int | None:
    """Take room for all messages of a connection, as its readers would; how much, None where there is too
    little for one of them.
    """
    share = ExchangeShare(room)
    if share.admits_all(*requests, answered_later=True) and share.admits_all(*responses):
        return share.taken
    room.left += share.taken
    return None


def _cost(fields: Sequence[tuple[str, str]]) -> int:
    return _MESSAGE + _FIELD * len(fields) + sum([len(name) + len(value) for name, value in fields])
