"""What a report must not show: passwords, tokens and cookies of the user. One place for the whole house.

TLS secrets never come near a report; this is about what the program itself sent, received and said. The
packets of the case still hold it: reports are what people paste into a ticket. Secrets are told by their
place (a cookie, an ``Authorization`` field, a password in a URL), by the name before them (``names``) and by
their shape (``shapes``), in each text and in what it holds encoded (``text``). docs/security.md says what is
hidden and what is not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.report.escape import printable

from .arguments import arguments
from .bodies import body
from .fields import field, headers
from .shapes import HIDDEN
from .text import authority, line, target

if TYPE_CHECKING:
    from collections.abc import Iterable

QUOTED = 200
"""Characters of a quote from the wire that are shown."""
_READ = 1 << 16
"""Characters of it that are looked at: what nobody writes by hand is not worth the time."""


def lines(texts: Iterable[str]) -> list[str]:
    """Return texts with what may be secrets in them hidden, as ``line`` does."""
    return [line(text) for text in texts]


def quote(text: str) -> str:
    """Return words off the wire (a close reason, a GOAWAY's debug data, a grpc-message) safe to show.

    Secrets hidden as in ``line``, escaped as by ``printable``, and cut to ``QUOTED`` characters.
    """
    return printable(line(text[:_READ]), QUOTED)


__all__ = [
    "HIDDEN",
    "QUOTED",
    "arguments",
    "authority",
    "body",
    "field",
    "headers",
    "line",
    "lines",
    "quote",
    "target",
]
