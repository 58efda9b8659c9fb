"""What a message itself does wrong, without what only the capture lacks of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plainwire.model import Request, Response

_OF_THE_CAPTURE = "not in the capture"
"""How readers say that bytes are missing from the capture: the message is none the worse for it."""

_NO_CHUNK = r"bad chunk size: '\r' "
"""How readers say that a line is empty where a chunk's size should be."""


def own_defects(message: Request | Response) -> list[str]:
    """The defects that are the sender's."""
    return [defect for defect in message.defects if _OF_THE_CAPTURE not in defect]


def marks_failure(response: Response) -> bool:
    """Whether the sender broke the message on purpose: h2o writes an empty line in place of a chunk's size
    where what is behind it failed, so that no reader takes the message for a whole one.
    """
    return any(defect.startswith(_NO_CHUNK) for defect in response.defects)


def is_head_cut(request: Request) -> bool:
    """Whether not even the request's header was whole when the connection ended."""
    return "the head is not complete" in request.defects
