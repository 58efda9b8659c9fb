"""Bytes that nothing can be made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.conversation.shared import NOTHING_NEEDED

if TYPE_CHECKING:
    from plainwire.conversation.shared import Pieces


class OpaqueLayer:
    """Bytes that nothing can be made of."""

    def feed(self, client: Pieces, server: Pieces) -> None:
        """See ``Layer``."""

    def needed(self) -> tuple[int, int]:
        """See ``Layer``."""
        return NOTHING_NEEDED, NOTHING_NEEDED

    def close(self) -> None:
        """See ``Layer``."""
