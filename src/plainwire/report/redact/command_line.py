"""A command line: what stands behind options like ``--token``, ``-u``, ``-H``, and in every word."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .fields import field
from .names import Kind, kind
from .shapes import HIDDEN, is_key
from .text import line

if TYPE_CHECKING:
    from collections.abc import Sequence

_USERS = frozenset({"-u", "-U", "--user", "--proxy-user", "--auth", "-a"})
_HEADERS = frozenset({"-H", "--header", "--proxy-header", "--metadata", "-rpc-header"})
_COOKIES = frozenset({"-b", "--cookie"})


_CERTIFICATES = frozenset({"-E", "--cert", "--proxy-cert"})
_GLUED = re.compile(r"(-[Hb])(?=[^\s=:]+[=:])(.+)", re.DOTALL)
"""curl's short options may have their values behind them at once."""
_LOGS_IN = re.compile(r"(?:^|/)(?:docker|podman|nerdctl|az|oc|helm|crane|skopeo|vault|ftp)$")
"""Programs with a command ``login`` whose ``-p``, or last word, is a secret."""
_BEHIND_PERCENT = re.compile(r"(?:^|/)(?:smbclient|rpcclient|net|smbget)$")
_PERCENT = re.compile(r"^((?:-U|--user=)?[\w.\\/@-]{1,64}%)[^%\s]+$")
_PASSWORD_IN_P = re.compile(r"(?:^|/)(?:mysql\w*|mariadb[\w-]*|sshpass|htpasswd|mongo\w*|http|https)$")
"""Programs whose ``-p`` takes a password."""


def arguments(command: Sequence[str]) -> list[str]:
    """Return the words of a command with what may be secrets in them hidden."""
    shown = [_argument(before, word) for before, word in zip(["", *command], command, strict=False)]
    if command and _LOGS_IN.search(command[0]) and "login" in command[:4]:
        shown = _without_short(_without_last(shown, command.index("login")))
    elif command and _BEHIND_PERCENT.search(command[0]):
        shown = [_PERCENT.sub(rf"\1{HIDDEN}", word) for word in shown]
    return _without_short(shown) if command and _PASSWORD_IN_P.search(command[0]) else shown


def _without_last(words: list[str], login: int) -> list[str]:
    """Without the token that stands behind ``login``, where it looks like one."""
    return [HIDDEN if at == login + 1 and is_key(word) else word for at, word in enumerate(words)]


def _argument(before: str, word: str) -> str:
    glued = _GLUED.fullmatch(word)
    if glued is not None:
        return glued[1] + _behind(glued[1], glued[2])
    return line(word) if word.startswith("-") else _behind(before, word)


def _behind(option: str, word: str) -> str:
    """The value of an option."""
    if option in _USERS or option in _CERTIFICATES:
        name, mark, _ = word.partition(":")
        return f"{name}:{HIDDEN}" if mark else HIDDEN if option in {"-a", "--auth"} else line(word)
    if option in _COOKIES and "=" in word:
        return field("cookie", word)
    if option in _HEADERS:
        return header_line(word)
    hidden = option.startswith("-") and "=" not in option and kind(option) == Kind.SECRET
    return HIDDEN if hidden else line(word)


def _without_short(words: list[str]) -> list[str]:
    """Without what ``-p`` gives."""
    shown = [f"-p{HIDDEN}" if word[:2] == "-p" and len(word) > 2 else word for word in words]
    return [HIDDEN if before == "-p" else word for before, word in zip(["", *shown], shown, strict=False)]


def header_line(text: str) -> str:
    """Return ``Name: value`` with a secret value hidden."""
    name, mark, value = text.partition(":")
    if not mark:
        return line(text)
    rest = value.lstrip()
    return f"{name}:{value[: len(value) - len(rest)]}{field(name, rest)}"
