"""A text, the URLs in it, and the texts in those: what may be a secret is hidden, the rest stays.

Texts hold URLs (``Max retries exceeded with url: /x?api_key=...``), URLs hold texts
(``?filter={"token": ...}``) and other URLs, percent-encoded once or several times over. Each step takes a
text apart and looks at the parts; ``depth`` bounds how often. Every step is linear in the length of its text.
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import quote

from . import vocabulary
from .assigned import assigned
from .names import Kind, decoded, kind_of
from .paired import paired
from .paths import path
from .shapes import HIDDEN, LONG, LONGER, is_key, is_random, known, unnamed
from .spoken import is_plain, schemes, spoken

DEPTH = 6
"""How often texts in texts are taken apart: twice for a URL in a URL."""
_LONG_TEXT, _SHALLOW = 4096, 2
"""Characters from which that is done less often: of so much hardly anybody wrote every level on purpose."""

_SHORTEST = 6
"""Characters of a value without a name that can be a secret, or hold one."""
_LONG_NAME, _LEAST_UNNAMED = 20, 12
_SHORT_SEGMENTS = re.compile(r"(?:/[A-Za-z0-9._~-]{0,11})*")
"""A path in which nothing is long enough to be a secret, unless it is a web hook's."""
_PATH = re.compile(r"(?:/[A-Za-z0-9._~-]{0,31})+")
"""A path whose ``_form`` tells what is to be hidden: no part is long enough to be what chance has made."""
_LONGEST_FORM = 512
_NUMBER = re.compile(r"(?<![A-Za-z0-9])[0-9]+")
_SHORT_VALUE = re.compile(r"[A-Za-z0-9._~-]{0,11}")
_PIECE = re.compile(r"[^\s\"'<>(){}|\\^`]{4,}")
_STRUCTURE = re.compile(r"[?&#%;]|=[^=]|://|^/")
_HOLDS_MORE = re.compile(r"[?&\s\"{@]|://|[A-Za-z]:|=[^=]")
"""What a value has that is more than a word."""
_BASE64 = re.compile(rf"[A-Za-z0-9+/]{{{LONGER},}}={{0,2}}")
_OF_A_LOGIN = re.compile(r"(?:code|nonce|state|ticket)=")
_STATUS = re.compile(r"\d{0,4}|[A-Za-z]{2}")
"""A ``code`` that is that of a status or a country, or none at all."""
_SEPARATOR = re.compile(r"([&;])")
_ENCODED = re.compile(r"%[0-9A-Fa-f]{2}")

_USER_INFO = re.compile(
    r"(?<=//)(?!\[redacted\]@)[^\s/?#@\"'<>:]{0,256}(?::(?!\d{1,5}[/?#])[^\s?#\"'<>@]{0,256})?@"
)
"""Up to the last @ where the password holds no other; a / in it counts unless it ends a port."""
_BARE_USER_INFO = re.compile(
    r"(?<![\w.%+:/@-])([\w.%+-]{1,64}):([^\s/@:\"'<>,;(){}=&?]{1,256})@(?=[\w\[])(?!sha\d)"
)
_ESCAPED_USER_INFO = re.compile(r"(?<=\\/\\/)[^\s/?#@\"'<>\\]{1,256}@")
r"""As JSON may write it: ``https:\/\/user:password@host``."""
_ORACLE = re.compile(r"(:thin:[\w.$#-]{1,64}/)[^\s/@\"']{1,256}(?=@)")
_CONTROL_SEQUENCE = re.compile(r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]")
"""A terminal's (ECMA-48 section 5.4), such as a colour. It ends in a letter, which would be read as part of
the word that follows."""
_LOGIN_PATH = re.compile(
    r"oauth|openid|oidc|authori[sz]e|callback|/cb\b|sso|saml|signin|login|/auth|/token|/verify"
)


def line(text: str) -> str:
    """Return a text with what may be secrets in it hidden; a secret is found between colours, too."""
    shown = _line(text, _depth(text), LONG, LONG)
    plain = _CONTROL_SEQUENCE.sub("", text)
    if plain == text:
        return shown
    without = _line(plain, _depth(plain), LONG, LONG)
    return without if without.count(HIDDEN) > shown.count(HIDDEN) else shown


def _depth(text: str) -> int:
    return DEPTH if len(text) <= _LONG_TEXT else _SHALLOW


def _line(text: str, depth: int, hexadecimal: int, mixed: int) -> str:
    """``hexadecimal`` and ``mixed`` as in ``unnamed``."""
    text = assigned(paired(spoken(schemes(user_information(known(text))))), is_key)
    if depth <= 0:
        return unnamed(text, hexadecimal=hexadecimal, mixed=mixed)

    def piece(match: re.Match[str]) -> str:
        if _STRUCTURE.search(match[0]):
            shown = _target(match[0], depth - 1)
            return HIDDEN if shown == match[0] and _is_random_slash(shown) else shown
        return unnamed(match[0], hexadecimal=hexadecimal, mixed=mixed)

    return _PIECE.sub(piece, text)


def _is_random_slash(text: str) -> bool:
    """Whether what begins like a path is base64 that begins with a slash."""
    return text[0] == "/" and _BASE64.fullmatch(text) is not None and is_random(text[:LONGER], mixed=LONGER)


def target(text: str) -> str:
    """Return a request target, or a URL, with what may be secrets in it hidden."""
    if _SHORT_SEGMENTS.fullmatch(text) is not None and "hook" not in text.lower():
        return text
    if len(text) <= _LONGEST_FORM and _PATH.fullmatch(text) is not None and is_open(_form(text)):
        return text
    return _target(text, _depth(text))


def _form(path: str) -> str:
    """A path with 1 for every digit of a number, by which paths of one kind are alike.

    Not of a digit behind a letter: that may be of a name (``oauth2``), or of a known make (``ya29.``).
    """
    return _NUMBER.sub(lambda number: "1" * len(number[0]), path)


@lru_cache(maxsize=4096)
def is_open(form: str) -> bool:
    """Whether nothing is to be hidden of paths of this form."""
    return _target(form, _depth(form)) == form


def authority(text: str) -> str:
    """Return an authority with its user information hidden (RFC 3986 section 3.2)."""
    user, mark, host = text.rpartition("@")
    return f"{HIDDEN}@{host}" if mark and user else text


def user_information(text: str) -> str:
    """Hide ``user:password@`` wherever it stands."""
    if "@" not in text:
        return text
    text = _BARE_USER_INFO.sub(_bare, _USER_INFO.sub(f"{HIDDEN}@", text))
    return _ORACLE.sub(rf"\1{HIDDEN}", _ESCAPED_USER_INFO.sub(f"{HIDDEN}@", text))


def _bare(match: re.Match[str]) -> str:
    return match[0] if match[1].lower() in vocabulary.ADDRESS_SCHEMES else f"{HIDDEN}@"


def _target(text: str, depth: int) -> str:
    before, mark, fragment = user_information(text).partition("#")
    place, question, query = before.partition("?")
    shown = _path(place, depth)
    if question:
        shown += "?" + parameters(query, depth, place)
    return f"{shown}#{_fragment(fragment, depth, place)}" if mark else shown


def _fragment(text: str, depth: int, place: str) -> str:
    """A page may keep its own path and query there (``#!/login?token=...``)."""
    rest = text.removeprefix("!")
    if depth <= 0 or not rest.startswith("/"):
        return parameters(text, depth, place)
    return text[: len(text) - len(rest)] + _target(rest, depth - 1)


def _path(text: str, depth: int) -> str:
    if _SHORT_SEGMENTS.fullmatch(text) is not None and "hook" not in text.lower():
        return text
    return path(text, lambda segment: parameters(segment, depth))


def parameters(text: str, depth: int = DEPTH, place: str = "") -> str:
    """Return ``a=1&token=...`` (or with ``;``) with the values of secrets hidden.

    ``place`` is the path that they belong to: in a login ``code`` and ``state`` are secrets.
    """
    parts = _SEPARATOR.split(text) if "&" in text or ";" in text else [text]
    login = _OF_A_LOGIN.search(text) is not None and _is_login(parts[::2], place)
    parts[::2] = [_parameter(part, depth, login) for part in parts[::2]]
    return "".join(parts)


def _is_login(parts: list[str], place: str) -> bool:
    values = dict(part.partition("=")[::2] for part in parts)
    if _LOGIN_PATH.search(place.lower()) is not None or not vocabulary.LOGIN.isdisjoint(values):
        return True
    return "state" in values and _STATUS.fullmatch(values.get("code", "")) is None


def _parameter(text: str, depth: int, login: bool) -> str:  # noqa: FBT001 - called for each one
    name, _, value = text.partition("=")
    if not value or not value.strip("="):
        return text if len(text) < _SHORTEST else _value(text, depth, Kind.PLAIN)
    said = kind_of(name, value)
    if said < Kind.DOUBTFUL and _SHORT_VALUE.fullmatch(value) is not None:
        return text if len(name) < _LONG_NAME else f"{unnamed(name, hexadecimal=LONGER)}={value}"
    if said >= Kind.DOUBTFUL and (
        said == Kind.SECRET or (login and name in vocabulary.OF_A_LOGIN) or is_key(decoded(value))
    ):
        return text if is_plain(value) or value.startswith(HIDDEN) else f"{name}={HIDDEN}"
    if len(name) >= _LONG_NAME:
        name = unnamed(name, hexadecimal=LONGER)
    return f"{name}={value}" if len(value) < _SHORTEST else f"{name}={_value(value, depth, said)}"


def _value(value: str, depth: int, said: Kind) -> str:
    """A value that its name does not hide: decoded to be looked at, encoded again if something is hidden."""
    if value.startswith(HIDDEN):
        return value
    if _ENCODED.search(value) is None:
        return _unwrapped(value, depth, said)
    plain = decoded(value)
    shown = _unwrapped(plain, depth, said)
    return value if shown == plain else quote(shown, safe="/:?=&;,@[]")


def _unwrapped(text: str, depth: int, said: Kind) -> str:
    if _HOLDS_MORE.search(text) is not None:
        return _line(text, depth - 1, LONGER, LONGER)
    if len(text) < _LEAST_UNNAMED:
        return text
    return known(text) if said == Kind.OPAQUE else unnamed(text, hexadecimal=LONGER, mixed=LONGER)
