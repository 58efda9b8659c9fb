"""The bodies of messages, for ``show --body``: JSON, forms, XML and whatever else is text."""

from __future__ import annotations

import re

from .names import Kind, kind
from .shapes import HIDDEN
from .text import line

_PART = re.compile(
    r"(\bname=\"([^\"\r\n]{1,100})\"[^\r\n]{0,200}\r?\n(?:[^\r\n]{1,500}\r?\n){0,8}\r?\n)([^\r\n]+)"
)
"""A part of a form and its value (RFC 7578 section 4.2)."""


def body(text: str) -> str:
    """Return a body with what may be secrets in it hidden."""
    return line(_PART.sub(_part, text) if 'name="' in text else text)


def _part(match: re.Match[str]) -> str:
    return match[1] + (HIDDEN if kind(match[2]) == Kind.SECRET else match[3])
