"""Text from the wire, made safe to show: on a terminal, in a page, in a table."""

from __future__ import annotations

import codecs
import re

_STEERING = re.compile(rb"\x7f|\xc2[\x80-\x9f]|\xe2\x80[\x8e\x8f\xa8-\xae]|\xe2\x81[\xa6-\xa9]")
"""DEL, U+0080 to U+009F; U+200E, U+200F, U+2028 to U+202E, U+2066 to U+2069."""
_ESCAPED = re.compile(r"\\([\\ntr]|x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})")
"""What ``printable`` writes."""


def printable(text: str, limit: int | None = None) -> str:
    r"""Return ``text`` with everything that could steer a terminal or mislead a reader written as ``\x1b``.

    That is what Unicode does not count as printable: control characters (and so ANSI sequences, line
    ends, tabs), the marks that reverse the direction of text, invisible and unassigned characters. A
    backslash is doubled, so that the result can be told from text that was sent as it looks.
    Cut to ``limit`` characters, with an ellipsis.
    """
    safe = "".join(c if c.isprintable() and c != "\\" else _escaped(c) for c in text)
    if limit is not None and len(safe) > limit:
        return safe[: max(0, limit - 1)] + "…"
    return safe


def unescaped(safe: str) -> str:
    """Return the text that ``printable`` made this of; whoever shows it makes it safe again."""
    return _ESCAPED.sub(lambda found: codecs.decode(found[0], "unicode_escape"), safe)


def printable_json(encoded: bytes) -> bytes:
    r"""Return JSON in UTF-8 with DEL and C1 controls written as ``\u009b``, and the marks that reverse the
    direction of text: terminals obey them, and JSON (RFC 8259 section 7) leaves them as they are.
    """
    if encoded.isascii() and b"\x7f" not in encoded:
        return encoded
    return _STEERING.sub(lambda match: f"\\u{ord(match[0].decode()):04x}".encode(), encoded)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "backslashreplace").decode("ascii")
