"""What a message itself does wrong, without what only the capture lacks of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plainwire.model import Request, Response

_OF_THE_CAPTURE = "not in the capture"
"""How readers say that bytes are missing from the capture: the message is none the worse for it."""


def own_defects(message: Request | Response) -> list[str]:
    """The defects that are the sender's."""
    return [defect for defect in message.defects if _OF_THE_CAPTURE not in defect]


def is_head_cut(request: Request) -> bool:
    """Whether not even the request's header was whole when the connection ended."""
    return "the head is not complete" in request.defects
