"""``name = value`` in any notation: headers in a log, JSON, dictionaries of Python and Ruby, options, XML."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from . import vocabulary
from .names import Kind, kind
from .shapes import HIDDEN
from .spoken import is_plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_NAME = re.compile(
    r"(?<![\w.$-])(--)?([A-Za-z_$][\w.$\[\]-]{0,100})"
    r"(\\*[\"']?[ \t]{0,8}(?:=>|[:=])\s{0,8}|\\*[\"']?>(?=[^\s<>=])"
    r"|[\"']?(?:[ \t]{1,4}|,\s{1,4})(?=[\"']?[^\s-]))"
)
"""A name, and what separates it from its value; only space, or a comma, behind an option (``--token x``)."""
_OPEN = re.compile(r"[bBuUrR]{0,2}(\\*)([\"'`])")
_MOST = 8192
"""Characters of a value: where nothing closes it, no more are taken for it."""
_JUDGED = 128
"""Characters of the value of a doubtful name by which it is judged."""
_UNTIL = {mark: re.compile(rf"(?:[^{mark}\\\n]|\\.)*") for mark in "\"'`"}
_BARE = re.compile(r"[^\s'\"&,;)\]}<>]+")
_LINE = re.compile(r"[^\r\n\"'<>]+")
_CLOSING = {"(": ")", "[": "]"}
_ENGLISH = re.compile(r"[a-z]{2,}[.!,]?")
_USER_OPTION = re.compile(
    r"(?<![\w-])(-u|-U|--user|--proxy-user)([\"']?[ \t,=]{0,3}[\"']?)([^\s\"':]{0,100}):[^\s\"']+"
)


def assigned(text: str, is_key: Callable[[str], bool]) -> str:
    """Hide the values that names of secrets introduce; ``is_key`` decides on those of doubtful names."""
    if "-u" in text or "-U" in text or "-user" in text:
        text = _USER_OPTION.sub(rf"\1\2\3:{HIDDEN}", text)
    parts, shown = [], 0
    for start, end in _values(text, is_key):
        if start >= shown:
            parts += [text[shown:start], HIDDEN]
            shown = end
    return "".join([*parts, text[shown:]]) if parts else text


def _values(text: str, is_key: Callable[[str], bool]) -> Iterator[tuple[int, int]]:
    """Where the values of secrets begin and end."""
    place = 0
    while (match := _NAME.search(text, place)) is not None and match.end() < len(text):
        place = match.end()
        option, name, separator = match.groups()
        if not option and not any(c in separator for c in ":=>"):
            place = match.end(2)
            continue
        said = Kind.SECRET if name.lower() in vocabulary.LINE_FIELDS else kind(name)
        if said < Kind.DOUBTFUL or text.startswith((HIDDEN, "{"), place):
            continue
        if said == Kind.DOUBTFUL and not is_key(text[slice(*_value(text, place, name, _JUDGED))]):
            continue
        start, end = _value(text, place, name, _MOST)
        value = text[start:end]
        if not (is_plain(value) or value == HIDDEN or _is_sentence(name, separator, value)):
            yield start, end
            place = end


def _value(text: str, start: int, name: str, most: int) -> tuple[int, int]:
    """Where a value of at most ``most`` characters begins and ends."""
    stop = min(len(text), start + most)
    opening = _OPEN.match(text, start, stop)
    if opening is not None and opening[1]:
        return opening.end(), _found(text, opening[1] + opening[2], opening.end(), stop)
    if opening is not None:
        return opening.end(), _matched(_UNTIL[opening[2]], text, opening.end(), stop)
    if text[start] in _CLOSING:
        return start + 1, _found(text, _CLOSING[text[start]], start + 1, stop)
    return start, _matched(_LINE if name.lower() in vocabulary.LINE_FIELDS else _BARE, text, start, stop)


def _found(text: str, closing: str, start: int, stop: int) -> int:
    end = text.find(closing, start, stop)
    return end if end >= 0 else stop


def _matched(pattern: re.Pattern[str], text: str, start: int, stop: int) -> int:
    match = pattern.match(text, start, stop)
    return start if match is None else match.end()


def _is_sentence(name: str, separator: str, value: str) -> bool:
    return ": " in separator and name.lower() in vocabulary.SPOKEN and _ENGLISH.fullmatch(value) is not None
