"""Whether a name (of a header field, a parameter, a cookie, a JSON key, an option) introduces a secret.

A name is read as words: ``X-Amz-Security-Token``, ``accessToken``, ``user[api_key]`` and ``PHPSESSID`` alike.
"""

from __future__ import annotations

import re
from enum import IntEnum
from functools import lru_cache
from urllib.parse import unquote

from . import vocabulary

LONGEST = 120
"""Characters of a name that are looked at: the last ones, which say what it is."""
_COUNTED = 12


class Kind(IntEnum):
    """What a name says of its value.

    ``OPAQUE``: an identifier or checksum, which looks like a secret and is none (``ETag``, ``trace_id``).
    ``DOUBTFUL``: it may be a secret (``key``, ``code``, ``state``), which the value, or its company, decides.
    """

    OPAQUE = -1
    PLAIN = 0
    DOUBTFUL = 1
    SECRET = 2


_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_WORD = re.compile(r"[A-Za-z0-9]+")
_ANYWHERE = re.compile(
    r"passw(?:or)?d|passphrase|passcode|secret(?!ar)|token(?!s$|i[sz]|ty)|"
    r"(?:access|account|admin|api|app|application|auth|consumer|encryption(?:customer)?|functions?|host|ingest|"
    r"instrumentation|integration|license|master|private|service|session|shared|signing|subscription|write)key|"
    r"(?:activation|auth|backup|confirmation|device|login|recovery|reset|security|sms|user|verification)code|"
    r"sess(?:ion)?id|c[sr]rf|xsrf|credential|jwt|bearer|saml(?:response|request|art)|signature|codeverifier|"
    r"^(?:dpop|xgoogauthtoken)$"
)
"""In a name without its separators; ``token`` neither counts (``max_tokens``) nor kinds (``tokenizer``)."""


def kind(name: str) -> Kind:
    """Say whether the value that this name introduces is a secret."""
    return _kind(name) if len(name) <= LONGEST else _kind(name[-LONGEST:])


def kind_of(name: str, value: str) -> Kind:
    """The same where the value is known: a ``sid`` of a few digits counts sessions, or tells their time."""
    said = kind(name)
    if said == Kind.SECRET and value.isdigit() and len(value) <= _COUNTED and name[-3:].lower() == "sid":
        return Kind.PLAIN
    return said


@lru_cache(maxsize=4096)
def _kind(name: str) -> Kind:
    words = [word.lower() for word in _WORD.findall(_CAMEL.sub(" ", decoded(name)))]
    if not words or (len(words) > 1 and words[-1] in vocabulary.ABOUT):
        return Kind.PLAIN
    if len(words) > 1 and words[-1].isdigit():
        words.pop()
    last = words[-1]
    if last == "key" and not vocabulary.KEYS_THAT_OPEN_NOTHING.isdisjoint(words[-2:-1]):
        return Kind.OPAQUE
    if _ANYWHERE.search("".join(words)) or not vocabulary.SECRET.isdisjoint(words):
        return Kind.SECRET
    if last in vocabulary.DOUBTFUL:
        return Kind.DOUBTFUL
    return Kind.PLAIN if vocabulary.OPAQUE.isdisjoint(words) else Kind.OPAQUE


def decoded(text: str, times: int = 3) -> str:
    """Undo percent-encoding, also where it was done more than once."""
    for _ in range(times):
        if "%" not in text:
            return text
        plain = unquote(text)
        if plain == text:
            return text
        text = plain
    return text
