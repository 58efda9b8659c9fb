"""An event stream (WHATWG HTML section 9.2) without what it says: how many events, of which kind, stays.

Whether a stream is whole is told by its closing event, and that it failed by an event that reports an error.
So lines, field names, names of events and the members of JSON that name a kind stay; all other text is marks.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plainwire.share.hiding import Hider

_LINES = re.compile(rb"([^\r\n]*)(\r\n|\r|\n|\Z)")
_NAME = re.compile(rb"[A-Za-z_][\w.-]{0,63}")
_KINDS = rb"type|event_type|event|object|finish_reason|finishReason|blockReason"
_SKELETON = re.compile(
    rb'("(?:%s)"\s*:\s*)("[A-Za-z_][\w.-]{0,40}"|null)'
    rb'|("(?:choices|candidates|data|errors|error|delta|code|message)"\s*:)'
    rb"|(\[DONE\])|([\[\]{}:,\s]+)" % _KINDS
)


def rewritten(whole: bytes, hider: Hider) -> bytes:
    """The stream, as long as before."""
    return b"".join(_line(match[1], hider) + match[2] for match in _LINES.finditer(whole))


def _line(line: bytes, hider: Hider) -> bytes:
    name, mark, value = line.partition(b":")
    if not line or not mark:
        return line if _NAME.fullmatch(line) else hider.whole(line)
    if not name:
        return mark + hider.whole(value)
    if name == b"event" and _NAME.fullmatch(value.strip()):
        return line
    if name == b"data":
        return name + mark + _data(value, hider)
    return (name if _NAME.fullmatch(name) else hider.whole(name)) + mark + hider.whole(value)


def _data(value: bytes, hider: Hider) -> bytes:
    parts, at = [], 0
    for match in _SKELETON.finditer(value):
        parts += [hider.whole(value[at : match.start()]), match[0]]
        at = match.end()
    return b"".join([*parts, hider.whole(value[at:])])
