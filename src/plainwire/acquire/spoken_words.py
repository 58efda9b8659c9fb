"""What the program wrote to its standard output and error, as ``program.jsonl`` keeps it: whole lines without
secrets.

While the program runs, the interposer writes pieces as they come: a secret may be split between two. When it
has ended they are joined to lines, and possible secrets are removed before anything else reads the file.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import orjson

from plainwire.acquire.events import MOST_WORDS, whole_lines
from plainwire.folder import held

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from plainwire.folder import Folder

    Hide = Callable[[str], str]
    Event = dict[str, Any]

_MARKS = b'"stderr"', b'"stdout"'
_KINDS = frozenset({"stderr", "stdout"})
_LONGEST = 8192
"""Most bytes of a line in one event: a longer line is continued in another."""
_PIECE = 2000
"""Most bytes of words in one event: with escapes less than ``events.LONGEST_LINE``."""


def take_out_secrets(path: Path, hide: Hide, place: Folder | None = None) -> None:
    """Replace an event file with one whose words went through ``hide``, atomically.

    Unreadable parts are left out, and so are words beyond ``events.MOST_WORDS`` pieces. ``place`` is the
    open folder that it is in.

    Raises:
        OSError: it cannot be replaced (full disk); it stays as it was.

    """
    place = place or held(path.parent)
    with os.fdopen(place.open(path.name).reader(), "rb") as file:
        if not any(_has_words(line) for line in whole_lines(file)):
            return
        file.seek(0)
        place.replace(path.name, lambda written: written.writelines(_rewritten(whole_lines(file), hide)))


def _rewritten(lines: Iterable[bytes], hide: Hide) -> Iterator[bytes]:
    begun: dict[tuple[int, str, bool], tuple[Event, bytes]] = {}
    """By process, output, and whether it was read afterwards: the event that began a line, and the line."""
    count = 0
    for line in lines:
        if not _has_words(line):
            yield line
            continue
        count += 1
        piece = _piece(line) if count <= MOST_WORDS else None
        if piece is None:
            continue
        event, said = piece
        key = int(event["pid"]), event["event"], bool(event.get("afterwards"))
        for part in said.splitlines(keepends=True):
            first, before = begun.pop(key, (event, b""))
            if part.endswith((b"\n", b"\r")) or len(before) + len(part) > _LONGEST:
                yield from _said(first, before + part, hide)
            else:
                begun[key] = first, before + part
    for first, text in begun.values():
        yield from _said(first, text, hide)


def _has_words(line: bytes) -> bool:
    return any(mark in line for mark in _MARKS)


def _piece(line: bytes) -> tuple[Event, bytes] | None:
    try:
        event = orjson.loads(line)
        int(event["pid"])
        return (event, event["text"].encode("latin-1", "replace")) if event["event"] in _KINDS else None
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError, ValueError):
        return None


def _said(event: Event, text: bytes, hide: Hide) -> Iterator[bytes]:
    """Events for a line: the interposer writes one character per byte (native/interposer/line.h)."""
    end = text[len(text.rstrip(b"\r\n")) :]
    shown = hide(text.rstrip(b"\r\n").decode("utf-8", "replace")).encode() + end
    for start in range(0, len(shown), _PIECE):
        part = shown[start : start + _PIECE].decode("latin-1")
        yield orjson.dumps({**event, "text": part}) + b"\n"
