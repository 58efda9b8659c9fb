"""Texts off the wire as a report may show them: several at once, or as a short quote."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.report.escape import printable

from .text import line

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
