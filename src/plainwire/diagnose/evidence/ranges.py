"""Parts of a representation: where the one that is asked for begins, and the one that a response has."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from plainwire.model import Request, Response

_ASKED = re.compile(r"bytes=(\d{1,18})-\d{0,18}\Z").match
_GIVEN = re.compile(r"bytes (\d{1,18})-\d{1,18}/(?:\d{1,18}|\*)\Z").match
"""RFC 9110 sections 14.1.2 and 14.4: one range that does not count from the end; what a 206 says of it."""


def first_asked(request: Request) -> int | None:
    """Where the one part that a request asks for begins; None without one, for several or the last bytes."""
    return _first(_ASKED, "range", request)


def first_given(response: Response) -> int | None:
    """Where the one part begins that a response has by its own word."""
    return _first(_GIVEN, "content-range", response)


def _first(form: Callable[[str], re.Match[str] | None], name: str, message: Request | Response) -> int | None:
    values = [value.strip() for field, value in message.headers if field.lower() == name]
    match = form(values[0]) if len(values) == 1 else None
    return None if match is None else int(match[1])
