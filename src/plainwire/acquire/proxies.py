"""Which proxies a program's environment or command names: host and port, without user and password."""

from __future__ import annotations

import re
import shlex
from posixpath import basename
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_VARIABLES = ("https_proxy", "http_proxy", "all_proxy")
_PORTS = {"http": 80, "https": 443, "socks4": 1080, "socks5": 1080, "socks5h": 1080}
"""curl's default for a proxy without a port is 1080; libraries take the scheme's own."""


_OPTIONS = frozenset(
    (
        "--proxy",
        "--preproxy",
        "--proxy1.0",
        "--https-proxy",
        "--proxy-server",
        "--socks4",
        "--socks4a",
        "--socks5",
        "--socks5-hostname",
    )
)
"""Of curl, pip, npm, Chromium; a proxy follows, or stands behind a "="."""
_SETTING = re.compile(
    r"(?:-e|--execute=|-D)?((?i:https?|all)_(?i:proxy)|http\.(?:https?://[^=\s]*\.)?proxy)=(\S+)"
)
"""wget's -e, git's -c, a shell's variable."""
_PROPERTY = re.compile(r"-D((?:https?\.|socks)[pP]roxy)(Host|Port)=(\S+)")
"""Of Java."""
_MOST_WORDS = 2000


def named(environment: Mapping[str, str]) -> dict[str, str]:
    """``{"HTTPS_PROXY": "proxy.example:3128"}``; what is no URL of a host is left out."""
    variables = (*_VARIABLES, *map(str.upper, _VARIABLES))
    return _placed((variable, environment.get(variable, "")) for variable in variables)


def in_command(words: Sequence[str]) -> dict[str, str]:
    """The same of a command, as ``{"--proxy": "proxy.example:3128"}``; a shell's script is looked into."""
    return _placed(_told(_words(words)))


def _placed(told: Iterator[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, text in told:
        try:
            parts = urlsplit(text if "://" in text else f"http://{text}")
            port = parts.port or _PORTS.get(parts.scheme.lower(), 1080)
        except ValueError:
            continue
        if parts.hostname:
            found.setdefault(name, f"{parts.hostname}:{port}")
    return found


def _words(words: Sequence[str]) -> list[str]:
    """The words, and in place of those that are many the parts of them."""
    found: list[str] = []
    for word in words[:_MOST_WORDS]:
        try:
            found += shlex.split(word) if " " in word else [word]
        except ValueError:
            found.append(word)
    return found[:_MOST_WORDS]


def _told(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    curl = any(basename(word) == "curl" for word in words)
    properties: dict[tuple[str, str], str] = {}
    for word, following in zip(words, (*words[1:], ""), strict=True):
        option, equals, value = word.partition("=")
        if option in _OPTIONS:
            yield option, value if equals else following
        elif curl and word.startswith("-x"):
            yield "-x", word[2:] or following
        elif setting := _SETTING.fullmatch(word):
            yield setting[1], setting[2]
        elif given := _PROPERTY.fullmatch(word):
            properties[given[1], given[2]] = given[3]
    for (name, part), value in properties.items():
        if part == "Host":
            port = properties.get((name, "Port"), "1080" if name.startswith("socks") else "80")
            yield f"-D{name}Host", f"{value}:{port}"
