"""Text from the wire, made safe to show: on a terminal, in a page, in a table."""

from __future__ import annotations


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


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "backslashreplace").decode("ascii")
