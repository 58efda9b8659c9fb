"""Which parts of a text are secrets, and the text with marks in their place.

``report.redact`` decides: what it shows of a text may stay, the rest is hidden. It may write what it shows in
another way than it was (URLs are decoded to be looked at), so its answer is taken word by word: of the words
of the original those stay that it shows. What is known to be a secret by its place is hidden elsewhere too.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from plainwire.report import redact
from plainwire.share.encodings import forms
from plainwire.share.needles import Needles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from plainwire.share.marks import Marker

_WORD = re.compile(r"%(?:25)*[0-9A-Fa-f]{2}|([A-Za-z0-9\x80-\U0010ffff]+)")
"""A word, or what is percent-encoded, once or more often."""
_JOINS = re.compile(r"(?:[._~+/=@!$*^-]|%(?:25)*(?:2[BbFf]|3[Dd])){1,3}")
"""Between two hidden words it is hidden too: what base64 and its like have beside letters and digits."""
_LEAST_TELLING, _LEAST_WORDLIKE = 8, 16
"""Characters from which a secret is looked for elsewhere: with letters and digits, and with letters only.
Shorter ones are words, numbers and names that stand in many places for other reasons."""
_LEAST_DISTINCT = 5
"""Different characters of such a secret: ``xxxxxxxx`` stands for one."""
_MOST_KNOWN = 20_000


def hidden_spans(original: str, shown: str) -> list[tuple[int, int]]:
    """Where ``original`` has what ``shown``, which was made of it, does not show."""
    if original == shown:
        return []
    left = Counter(_WORD.findall(shown.replace(redact.HIDDEN, " ")))
    spans: list[tuple[int, int]] = []
    for match in _WORD.finditer(original):
        if match[1] is None:
            continue
        if left[match[1]] > 0:
            left[match[1]] -= 1
        elif spans and _JOINS.fullmatch(original, spans[-1][1], match.start()):
            spans[-1] = spans[-1][0], match.end()
        else:
            spans.append(match.span())
    return spans


class Hider:
    """Hides secrets by marks. ``known``: secrets that are hidden wherever they stand."""

    def __init__(self, marks: Marker, known: Iterable[str] = (), names: Iterable[str] = ()) -> None:
        self.marks = marks
        self._names = frozenset(name.lower() for name in names)
        telling = [value.encode("latin-1", "replace") for value in known if is_telling(value)]
        self._known = Needles((form, None) for value in telling[:_MOST_KNOWN] for form, _ in forms(value))
        self._named = _assigned(self._names)

    def text(self, value: bytes, show: Callable[[str], str]) -> bytes:
        """A text of which only what ``show`` gives may stay. As long as before."""
        original = value.decode("latin-1")
        spans = hidden_spans(original, show(original))
        if spans:
            value = self._without(value, spans)
        return self.known(value)

    def field(self, name: str, value: bytes) -> bytes:
        """The value of a header field."""
        if name.lower() in self._names:
            return self.whole(value)
        return self.text(value, lambda text: redact.field(name, text))

    def target(self, value: bytes) -> bytes:
        """A request target."""
        return self.text(value, redact.target)

    def line(self, value: bytes) -> bytes:
        """Words of any kind."""
        return self.text(value, redact.line)

    def whole(self, value: bytes) -> bytes:
        """A value of which nothing is to stay but its length."""
        return self.marks.mark(value)

    def known(self, value: bytes) -> bytes:
        """Hide known secrets, however encoded, and the values of names that are to be hidden."""
        places = sorted((at, at + len(string)) for at, string, _ in self._known.found(value))
        if places:
            value = self._without(value, _merged(places))
        if self._named is not None:
            value = self._named.sub(lambda match: match[1] + self.marks.mark(match[2]), value)
        return value

    def _without(self, value: bytes, spans: list[tuple[int, int]]) -> bytes:
        made = bytearray(value)
        for start, end in spans:
            made[start:end] = self.marks.mark(value[start:end])
        return bytes(made)


def is_telling(value: str) -> bool:
    """Whether a secret is long enough to be told from ordinary words."""
    if len(value) < _LEAST_TELLING or len(set(value)) < _LEAST_DISTINCT:
        return False
    mixed = any(c.isdigit() for c in value) and any(c.isalpha() for c in value)
    return mixed or len(value) >= _LEAST_WORDLIKE


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans in order, none of which overlaps another."""
    merged: list[tuple[int, int]] = []
    for start, end in spans:
        if merged and start < merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged


def _assigned(names: frozenset[str]) -> re.Pattern[bytes] | None:
    """``name=value`` and ``"name": "value"``."""
    if not names:
        return None
    any_name = b"|".join(re.escape(name.encode("latin-1", "replace")) for name in sorted(names))
    return re.compile(
        rb"((?<![\w-])(?:%s)[\"']?\s{0,4}[=:]\s{0,4}[\"']?)([^\s\"'&;,<>}]+)" % any_name, re.IGNORECASE
    )
