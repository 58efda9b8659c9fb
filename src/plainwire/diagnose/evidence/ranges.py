"""Parts of a representation: which one a request asks for, and which one a response says that it has."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from plainwire.model import Request, Response

_ASKED = re.compile(r"bytes=(\d{1,18})-(\d{0,18})\Z").match
_GIVEN = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(?:\d{1,18}|\*)\Z").match
"""RFC 9110 sections 14.1.2 and 14.4: one range that does not count from the end; what a 206 says of it."""


class Part(NamedTuple):
    """The first byte, and the last one where it is named."""

    first: int
    last: int | None


def asked(request: Request) -> Part | None:
    """The one part that a request asks for; None where it asks for none, or several, or the last bytes."""
    return _only(_ASKED, "range", request)


def given(response: Response) -> Part | None:
    """The one part that a response has by its own word."""
    return _only(_GIVEN, "content-range", response)


def _only(form: Callable[[str], re.Match[str] | None], name: str, message: Request | Response) -> Part | None:
    values = [value.strip() for field, value in message.headers if field.lower() == name]
    match = form(values[0]) if len(values) == 1 else None
    if match is None:
        return None
    return Part(int(match[1]), int(match[2]) if match[2] else None)
