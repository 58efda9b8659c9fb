"""What copies of one request have in common, and single fields of a message."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plainwire.model import Request, Response

Twin = tuple[str, str, str | None, int | None]


def twin(request: Request) -> Twin:
    """What two copies of one request have in common."""
    return request.method, request.target, request.authority, request.body_digest


def value(message: Request | Response, name: str) -> str | None:
    """The value of the first field of that name (in lower case)."""
    size = len(name)
    for field, text in message.headers:
        if len(field) == size and field.lower() == name:
            return text
    return None
