"""How far a long work is: told by those who do it, shown by whoever has somebody to show it to."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from plainwire.model import CaptureItem

    Through = Callable[[Iterator[CaptureItem]], Iterator[CaptureItem]]
    """What sees all that is read, and may end it."""


class Progress:
    """Is told of steps, and of what a step reads. This one shows nothing."""

    def step(self, what: str, size: int = 0) -> None:
        """Something else is being done now. ``size``: how many bytes of captures that will read; 0: none,
        or nobody knows.
        """

    def through(self, items: Iterator[CaptureItem]) -> Iterator[CaptureItem]:
        """What is read in this step goes through here, as it is."""
        return items
