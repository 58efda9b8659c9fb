"""Reasons why encrypted data cannot be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from plainwire.model import Side

NO_HANDSHAKE = "handshake not captured"
NO_SECRET = "no secret for this client random"  # noqa: S105


class Reason(NamedTuple):
    """Why a direction cannot be read from ``offset`` on, or what could not be read there."""

    side: Side
    text: str
    offset: int
