"""The request target: which characters it may have (RFC 3986 section 2, RFC 9112 section 3.2)."""

from __future__ import annotations

import re

_RAW = re.compile(r"[^!-~]").search

RAW_TARGET = "bytes in the request target that must be percent-encoded (RFC 3986 section 2)"
"""The defect of a target with spaces, control characters, or bytes beyond ASCII."""


def is_target(text: str) -> bool:
    """Whether all characters are visible ASCII characters.

    RFC 3986 forbids some of those, too (quotes, braces, the pipe), but servers accept them.
    """
    return _RAW(text) is None
