"""How many, in words: the one place where numbers and their nouns are made to agree."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_PLURAL_VERBS = {"is": "are", "was": "were", "has": "have", "does": "do"}
_HISSING = ("s", "x", "z", "ch", "sh")
"""Endings behind which a plural takes -es."""


def alternatives(names: Sequence[str]) -> str:
    """``a``, ``a or b``, ``a, b or c``."""
    *first, last = names
    return f"{', '.join(first)} or {last}" if first else last


def count(number: int, noun: str, verb: str = "") -> str:
    """``1 request``, ``3 requests``; with a verb ``1 request was``, ``3 requests were``.

    Of a noun with an attribute behind it (``byte of the body``) the head counts.
    """
    counted = f"{number} {plural(number, noun)}"
    return f"{counted} {agreeing(number, verb)}" if verb else counted


def some(number: int, noun: str) -> str:
    """``no message``, ``1 message``, ``3 messages``."""
    return count(number, noun) if number else f"no {noun}"


def plural(number: int, noun: str) -> str:
    """The noun alone, as it stands beside the number: ``address``, ``addresses``."""
    if number == 1:
        return noun
    head, of, rest = noun.partition(" of ")
    if head.endswith("y") and head[-2:-1] not in "aeiou":
        return f"{head[:-1]}ies{of}{rest}"
    return f"{head}{'es' if head.endswith(_HISSING) else 's'}{of}{rest}"


def agreeing(number: int, verb: str) -> str:
    """The verb alone: ``was``, ``were``."""
    return verb if number == 1 else _PLURAL_VERBS.get(verb, verb.removesuffix("s"))


def times(number: int) -> str:
    """``once``, ``3 times``."""
    return "once" if number == 1 else f"{number} times"
