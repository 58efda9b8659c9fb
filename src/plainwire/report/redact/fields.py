"""Header fields, trailers and gRPC metadata: by what the field is for, by its name, and by its value."""

from __future__ import annotations

import base64
import re
from functools import lru_cache
from typing import TYPE_CHECKING

from . import vocabulary
from .assigned import assigned
from .names import LONGEST, Kind, kind
from .shapes import HIDDEN, is_key, known, unnamed
from .spoken import is_plain
from .text import authority, line, target, user_information

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_REMEMBERED = 512
_OPEN_TO_ALL = re.compile(
    r"access-control-.*|sec-fetch-.*|sec-ch-.*|content-length|signature-input|accept-signature"
)
_OPAQUE = re.compile(
    r"etag|if-(?:none-)?match|if-range|content-(?:type|md5|digest|security-policy.*|disposition)|"
    r"(?:repr-|want-)?digest|sec-websocket-(?:key|accept|version|extensions)|http2-settings|via|server|"
    r"server-timing|user-agent|accept.*|cf-ray|x-cache.*|x-served-by|x-timer|x-varnish|x-fb-debug|ms-cv|"
    r"x-azure-ref|x-edge-.*|akamai-.*|x-client-data|alt-svc|report-to|nel|p3p|"
    r"x-amz-(?:cf-.*|id-2|.*request-id|checksum-.*|content-sha256|version-id)|x-goog-(?:hash|generation)"
)
"""Fields whose values look like chance and are none of the user's secrets; ``kind`` knows others by name."""
_SCHEME = re.compile(r"([A-Za-z][\w-]{1,30})(\s+)\S")
_SUBPROTOCOL = re.compile(r"[A-Za-z][A-Za-z0-9.+_-]{0,39}")
_WORDS = re.compile(r"(?:[A-Za-z0-9._/*+'()-]{0,23}[ ,;])*[A-Za-z0-9._/*+'()-]{0,23}")
"""A value of words that are too short to be secrets, unless they are of a known make."""
_SAYING = ("bearer ", "basic ", "dpop ", "token ", "password ", "secret ", "key ")
_LONGEST_DATE = 40
_IDENTIFIER = re.compile(r"[W/\"]{0,3}[0-9A-Fa-f-]{0,64}\"?")
"""A UUID, a number, hexadecimal digits: of no known make."""
_ANGLE = re.compile(r"<([^<>]*)>")


def headers(fields: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the header fields with the secrets in them hidden; names and order stay."""
    return [
        shown(field) if len(field[1]) <= _MOST_REMEMBERED else (field[0], _hider(field[0])(field[1]))
        for field in fields
    ]


@lru_cache(maxsize=8192)
def shown(field: tuple[str, str]) -> tuple[str, str]:
    """A field as it may be shown: messages of one program carry the same ones again and again."""
    return field[0], _hider(field[0])(field[1])


def field(name: str, value: str) -> str:
    """Return what may be shown of the value of one header field."""
    return _hider(name)(value)


@lru_cache(maxsize=1024)
def _hider(name: str) -> Callable[[str], str]:
    """What hides the secrets in values of the fields of this name."""
    name = name[-LONGEST:].lower()
    if name in vocabulary.URL_FIELDS:
        return target
    if name in vocabulary.DATES:
        return _date
    special = user_information if _OPEN_TO_ALL.fullmatch(name) else _SPECIAL.get(name)
    return special or _by_name(name)


def identifies(name: str) -> bool:
    """Whether a value of this name that can be an identifier (hexadecimal digits) is shown."""
    return _hider(name) is _opaque


def _by_name(name: str) -> Callable[[str], str]:
    said = Kind.PLAIN if name in vocabulary.CHALLENGES else kind(name)
    if said == Kind.SECRET:
        return _secret
    if said == Kind.OPAQUE or _OPAQUE.fullmatch(name):
        return _opaque
    if name.endswith("-bin"):
        return _binary
    others = _doubtful if said == Kind.DOUBTFUL else _ordinary
    return _cookies if "cookie" in name else others


def _date(value: str) -> str:
    return value if len(value) <= _LONGEST_DATE else known(value)


def _opaque(value: str) -> str:
    if _IDENTIFIER.fullmatch(value):
        return value
    return _remembered_opaque(value) if len(value) <= _MOST_REMEMBERED else _of_names(value)


@lru_cache(maxsize=4096)
def _remembered_opaque(value: str) -> str:
    return _of_names(value)


def _of_names(value: str) -> str:
    """What looks like chance stays; what a name calls a secret does not."""
    return assigned(known(user_information(value)), is_key)


def _secret(value: str) -> str:
    return value if is_plain(value) else _credentials(value)


def _cookies(value: str) -> str:
    return _cookie(value) if "=" in value else _ordinary(value)


def _doubtful(value: str) -> str:
    return line(f"key={value}").partition("=")[2]


def _ordinary(value: str) -> str:
    return _remembered(value) if len(value) <= _MOST_REMEMBERED else line(value)


@lru_cache(maxsize=8192)
def _remembered(value: str) -> str:
    """Messages of one program carry the same fields again and again."""
    if _WORDS.fullmatch(value) is not None and not _says_scheme(value):
        return known(value)
    return line(value)


def _says_scheme(value: str) -> bool:
    lower = value.lower()
    return any(word in lower for word in _SAYING)


def _credentials(value: str) -> str:
    """Of credentials the scheme may be shown (RFC 9110 section 11.4)."""
    scheme = _SCHEME.match(value)
    if scheme is None or scheme[1].lower() not in vocabulary.SCHEMES:
        return HIDDEN
    return f"{scheme[1]}{scheme[2]}{HIDDEN}"


def _cookie(value: str) -> str:
    """Names stay (RFC 6265 section 4.2.1)."""
    return ";".join(_cookie_pair(part) for part in value.split(";"))


def _cookie_pair(text: str) -> str:
    name, mark, value = text.partition("=")
    if not mark:
        return HIDDEN if text.strip() else text
    return f"{unnamed(name)}={HIDDEN if value.strip() else value}"


def _set_cookie(value: str) -> str:
    """Name and attributes stay (RFC 6265 section 4.1.1)."""
    first, *attributes = value.split(";")
    return ";".join([_cookie_pair(first), *map(_attribute, attributes)])


def _attribute(text: str) -> str:
    name, mark, value = text.partition("=")
    if name.strip().lower() not in vocabulary.COOKIE_ATTRIBUTES:
        return _cookie_pair(text)
    return f"{name}={target(value)}" if mark else text


def _subprotocols(value: str) -> str:
    """The names of protocols stay; programs in browsers send tokens among them, having no other field."""
    items = value.split(",")
    shown, token_follows = [], False
    for item in items:
        name = item.strip()
        space = item[: len(item) - len(item.lstrip())]
        shown.append(item if _is_subprotocol(name, token_follows=token_follows) else f"{space}{HIDDEN}")
        token_follows = token_follows or kind(name) == Kind.SECRET
    return ",".join(shown)


def _is_subprotocol(text: str, *, token_follows: bool) -> bool:
    if text in vocabulary.SUBPROTOCOLS:
        return True
    if token_follows or not _SUBPROTOCOL.fullmatch(text) or line(text) != text:
        return False
    if kind(text) == Kind.SECRET:
        return text.replace("-", "").replace("_", "").isalpha() and len(text) <= 20
    return sum(map(str.isdigit, text)) < 3


def _binary(value: str) -> str:
    """Metadata of gRPC in base64: hidden where what it holds has something to hide."""
    try:
        text = base64.b64decode(value + "=" * (-len(value) % 4), validate=True).decode("latin-1")
    except ValueError:
        return line(value)
    return HIDDEN if line(text) != text else unnamed(value)


def _refresh(value: str) -> str:
    delay, mark, rest = value.partition(";")
    name, equals, url = rest.partition("=")
    is_url = equals and name.strip().lower() == "url"
    return f"{delay}{mark}{name}{equals}{target(url)}" if is_url else line(value)


def _link(value: str) -> str:
    return _ANGLE.sub(lambda match: f"<{target(match[1])}>", value)


_SPECIAL: dict[str, Callable[[str], str]] = {
    ":authority": authority,
    "host": authority,
    "authorization": _credentials,
    "proxy-authorization": _credentials,
    "cookie": _cookie,
    "set-cookie": _set_cookie,
    "set-cookie2": _set_cookie,
    "sec-websocket-protocol": _subprotocols,
    "refresh": _refresh,
    "link": _link,
}
