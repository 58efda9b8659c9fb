"""The path of a URL: what in it opens a door. Ids, hashes of contents and file names stay.

Web hooks carry their secret in the path (Slack, Discord, Telegram, Teams, Zapier, Mattermost), links in mails
too (``/reset-password/...``), and some APIs a key.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from . import vocabulary
from .names import Kind, kind
from .shapes import HIDDEN, LONGER, is_mixed, is_uuid, known, unnamed

if TYPE_CHECKING:
    from collections.abc import Callable

_WORTH_A_LOOK = 5
"""Characters from which a segment can be a secret."""
_FILE = re.compile(r"\.[A-Za-z][A-Za-z0-9]{0,9}$")
"""An extension: the hash in a name like ``app-3f2a9c.js`` is that of the contents."""
_OCSP = re.compile(
    r"M[A-Z][\w+/=%-]*?(?:BgUrDgMCGg|YFKw4DAho|GBSsOAwIa|BglghkgBZQMEAgE|YJYIZIAWUDBAIB|GCWCGSAFlAwQCAQ)"
)
"""An OCSP request (RFC 6960 appendix A.1): base64 of DER with the object identifier of SHA-1 or SHA-256 in
it, which may begin at any of three places."""
_TELEGRAM = re.compile(r"(bot)\d{5,}:[\w-]+")
_SLACK, _TEAM = frozenset({"services", "workflows", "triggers"}), re.compile(r"[TE][A-Z0-9]*")
_WORDS = re.compile(r"[a-z]+(?:[-_.][a-z]+)*|v?\d+(?:\.\d+)*|[A-Z][a-z]+(?:[A-Z][a-z]+)*")
_LONGEST_NAME = 40


def path(text: str, inside: Callable[[str], str]) -> str:
    """Return a path with its secrets hidden; ``inside`` treats segments that hold more than a name."""
    segments = text.split("/")
    before, hook = "", False
    for place, segment in enumerate(segments):
        if len(segment) >= _WORTH_A_LOOK:
            file = place == len(segments) - 1 and _FILE.search(segment) is not None
            segments[place] = _segment(segment, before, inside, hook=hook, file=file)
        hook = (
            hook or "hook" in segment.lower() or (before in _SLACK and _TEAM.fullmatch(segment) is not None)
        )
        before = segment or before
    return "/".join(segments)


def _segment(text: str, before: str, inside: Callable[[str], str], *, hook: bool, file: bool) -> str:
    if _OCSP.match(text):
        return text
    if _TELEGRAM.fullmatch(text):
        return f"bot{HIDDEN}"
    if any(c in text for c in "%;=&"):
        return inside(text)
    if _opens(text, hook=hook, named=_names_a_secret(before)):
        return HIDDEN
    if file or before.lower() in vocabulary.CONTENTS:
        return known(text)
    return unnamed(text, hexadecimal=LONGER, mixed=LONGER)


def _names_a_secret(segment: str) -> bool:
    if segment.lower() in vocabulary.DOORS:
        return True
    return len(segment) <= _LONGEST_NAME and "." not in segment and kind(segment) >= Kind.DOUBTFUL


def _opens(text: str, *, hook: bool, named: bool) -> bool:
    """Whether a segment behind ``webhooks`` (``hook``) or ``reset-password`` (``named``) is a secret."""
    if not (hook or named):
        return False
    if _WORDS.fullmatch(text):
        return hook and text.isalpha() and len(text) >= 20
    if hook:
        return is_mixed(text) or len(text) >= 16
    return is_mixed(text) and len(text) >= 12 and not is_uuid(text)
