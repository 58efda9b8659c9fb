"""What a report must not show: passwords, tokens and cookies of the user. One place for the whole house.

TLS secrets never come near a report; this is about what the program itself sent. The packets of the
case still hold it: reports are what people paste into a ticket.
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import unquote

from plainwire.report.escape import printable

QUOTED = 200
"""Characters of a quote from the wire that are shown."""
_READ = 1 << 16
"""Characters of it that are looked at: what nobody writes by hand is not worth the time."""
HIDDEN = "[redacted]"

_HEADERS = frozenset(
    {
        "authorization",
        "cookie",
        "proxy-authorization",
        "set-cookie",
        "x-csrftoken",
    }
)
_SECRET_WORD = re.compile(
    r"(?:^|[-_.])(?:auth|apikey|api[-_.]?key|(?:access|subscription)[-_.]?key(?:[-_.]?id)?|token|secret|passwd|password|pwd|"
    r"signature|sig|credentials?|session(?:[-_.]?id)?|jwt|bearer)(?:$|[-_.])",
    re.IGNORECASE,
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SCHEME = re.compile(r"\b(Basic|Bearer|Digest|Negotiate|AWS4-HMAC-SHA256)\s+[^\s'\",;]+", re.IGNORECASE)
_ASSIGNED = re.compile(r"\b([A-Za-z][\w.-]*)([\"']?\s*[:=]\s*[\"']?)([^\s'\"&,;)\]}]+)")
_LONG_RUN = re.compile(r"(?<![\w/+-])(?=[\w+=-]*\d)(?=[\w+=-]*[A-Za-z])[\w+=-]{32,}")
_USER_INFO = re.compile(r"(//)[^/?#@]*@")


def headers(fields: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the header fields with the values of those that carry secrets hidden; names and order stay."""
    hidden = _secret_positions(tuple([name for name, _ in fields]))
    if not hidden:
        return fields
    shown = list(fields)
    for position in hidden:
        shown[position] = (fields[position][0], HIDDEN)
    return shown


@lru_cache(maxsize=128)
def _secret_positions(names: tuple[str, ...]) -> list[int]:
    """Messages of one program carry the same names again and again."""
    return [position for position, name in enumerate(names) if is_secret_header(name)]


def is_secret_header(name: str) -> bool:
    """Whether the value of a header field of this name may be a secret."""
    return name.lower() in _HEADERS or _is_secret_word(name)


def target(text: str) -> str:
    """Return a request target with user information and the values of secret query parameters hidden."""
    if "?" not in text and "@" not in text:
        return text
    text = _USER_INFO.sub(rf"\1{HIDDEN}@", text, count=1) if "@" in text else text
    path, mark, query = text.partition("?")
    if not mark:
        return text
    return path + mark + "&".join(_parameter(part) for part in query.split("&"))


def authority(text: str) -> str:
    """Return an authority with its user information hidden (RFC 3986 section 3.2)."""
    user, mark, host = text.rpartition("@")
    return f"{HIDDEN}@{host}" if mark and user else text


def line(text: str) -> str:
    """Return a line of a program's own words with what may be secrets in it hidden.

    User information and query parameters in addresses, values that a secret name introduces (``token=...``,
    ``"password": "..."``, ``Authorization: Bearer ...``), and long runs of what looks like a key.
    """
    text = _USER_INFO.sub(rf"\1{HIDDEN}@", text)
    text = _SCHEME.sub(rf"\1 {HIDDEN}", text)
    text = _ASSIGNED.sub(_assignment, text)
    return _LONG_RUN.sub(HIDDEN, text)


def quote(text: str) -> str:
    """Return words off the wire (a close reason, a GOAWAY's debug data, a grpc-message) safe to show.

    Secrets hidden as in ``line``, escaped as by ``printable``, and cut to ``QUOTED`` characters.
    """
    return printable(line(text[:_READ]), QUOTED)


def _assignment(match: re.Match[str]) -> str:
    return f"{match[1]}{match[2]}{HIDDEN}" if is_secret_header(match[1]) else match[0]


def _parameter(text: str) -> str:
    name, mark, _ = text.partition("=")
    return f"{name}={HIDDEN}" if mark and _is_secret_word(unquote(name)) else text


def _is_secret_word(name: str) -> bool:
    return _SECRET_WORD.search(_CAMEL.sub("-", name)) is not None
