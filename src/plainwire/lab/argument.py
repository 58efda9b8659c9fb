"""Values that go from one process of the lab to another, over its command line."""

from __future__ import annotations

from typing import Self

import msgspec
from msgspec import Struct


class Argument(Struct, frozen=True):
    """What both the server, or the path, and whoever starts it must know."""

    def to_json(self) -> str:
        """The form that goes over a command line."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what ``to_json`` wrote.

        Raises:
            msgspec.DecodeError: it is not that.

        """
        return msgspec.json.decode(text, type=cls)
