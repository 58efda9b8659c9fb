"""A command line: what stands behind options like ``--token``, ``-u``, ``-H``, and in every word."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .fields import field
from .names import Kind, kind
from .shapes import HIDDEN
from .text import line

if TYPE_CHECKING:
    from collections.abc import Sequence

_USERS = frozenset({"-u", "-U", "--user", "--proxy-user", "--auth", "-a"})
_HEADERS = frozenset({"-H", "--header", "--proxy-header", "--metadata", "-rpc-header"})
_COOKIES = frozenset({"-b", "--cookie"})


_PASSWORD_IN_P = re.compile(r"(?:^|/)(?:mysql\w*|mariadb[\w-]*|sshpass|htpasswd|mongo\w*|http|https)$")
"""Programs whose ``-p`` takes a password."""


def arguments(command: Sequence[str]) -> list[str]:
    """Return the words of a command with what may be secrets in them hidden."""
    shown = [_argument(before, word) for before, word in zip(["", *command], command, strict=False)]
    return _without_short(shown) if command and _PASSWORD_IN_P.search(command[0]) else shown


def _argument(before: str, word: str) -> str:
    if before in _USERS and not word.startswith("-"):
        user, mark, _ = word.partition(":")
        return f"{user}:{HIDDEN}" if mark else HIDDEN if before == "-a" else line(word)
    if before in _COOKIES and "=" in word:
        return field("cookie", word)
    if before in _HEADERS:
        return header_line(word)
    if (
        before.startswith("-")
        and "=" not in before
        and kind(before) == Kind.SECRET
        and not word.startswith("-")
    ):
        return HIDDEN
    return line(word)


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
