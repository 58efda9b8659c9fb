"""How many, in words: the one place where numbers and their nouns are made to agree."""

from __future__ import annotations

_PLURAL_VERBS = {"is": "are", "was": "were", "has": "have", "does": "do"}


def count(number: int, noun: str, verb: str = "") -> str:
    """``1 request``, ``3 requests``; with a verb ``1 request was``, ``3 requests were``."""
    if number == 1:
        return f"1 {noun} {verb}" if verb else f"1 {noun}"
    plural = f"{number} {noun}s"
    return f"{plural} {_PLURAL_VERBS.get(verb, verb.removesuffix('s'))}" if verb else plural


def times(number: int) -> str:
    """``once``, ``3 times``."""
    return "once" if number == 1 else f"{number} times"
