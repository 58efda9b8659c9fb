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


_ESCAPED = re.compile(r"\\u00([2-7][0-9a-fA-F])")
"""JSON's way to write what could be written as it is (RFC 8259 section 7)."""


def body(text: str) -> str:
    """Return a body with what may be secrets in it hidden; what hides behind JSON's escapes, too."""
    shown = _body(text)
    plain = _ESCAPED.sub(_character, text) if "\\u00" in text else text
    without = shown if plain == text else _body(plain)
    return without if without.count(HIDDEN) > shown.count(HIDDEN) else shown


def _body(text: str) -> str:
    return line(_PART.sub(_part, text) if 'name="' in text else text)


def _character(match: re.Match[str]) -> str:
    character = chr(int(match[1], 16))
    return match[0] if character in '"\\\x7f' else character


def _part(match: re.Match[str]) -> str:
    return match[1] + (HIDDEN if kind(match[2]) == Kind.SECRET else match[3])
