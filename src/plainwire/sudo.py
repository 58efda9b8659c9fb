"""Who called sudo: under ``sudo plainwire run``, the program runs as that user, and the case is theirs.

Nothing that the user could not have done alone may come of it: folders are made, and files that the user or
the program names are opened, with the user's own rights (``as_caller``, or ``acquire.unprivileged`` where one
might have to wait).
"""

from __future__ import annotations

import contextlib
import os
import pwd
from typing import TYPE_CHECKING, Any

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_NOGROUP = 65534


class Caller(Struct, frozen=True):
    """The user who called sudo."""

    uid: int
    gid: int
    groups: list[int]
    name: str
    home: str

    def environment(self, inherited: Mapping[str, str]) -> dict[str, str]:
        """``inherited``, with that user's own HOME, USER and LOGNAME."""
        return dict(inherited) | {"HOME": self.home, "USER": self.name, "LOGNAME": self.name}


def caller() -> Caller | None:
    """The user who called sudo, or None where we do not run under it.

    Neither do we where sudo started a shell (``sudo -i``): whoever works in a root shell wants to be root.
    """
    uid = _number("SUDO_UID", 0)
    if os.geteuid() != 0 or uid == 0 or _is_shell(os.environ.get("SUDO_COMMAND", "")):
        return None
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:  # a user without a name must not become root for that
        gid = _number("SUDO_GID", _NOGROUP)
        return Caller(uid, gid, [gid], os.environ.get("SUDO_USER", str(uid)), "/")
    groups = os.getgrouplist(entry.pw_name, entry.pw_gid)
    return Caller(uid, entry.pw_gid, groups, entry.pw_name, entry.pw_dir)


def _number(variable: str, otherwise: int) -> int:
    value = os.environ.get(variable, "")
    return int(value) if value.isascii() and value.isdecimal() else otherwise


def _is_shell(command: str) -> bool:
    return command.startswith("/") and " " not in command and command.endswith("sh")


@contextlib.contextmanager
def as_caller() -> Iterator[None]:
    """Have the rights of the user who called sudo for the body; nothing happens without sudo.

    All threads have them: what one of them opens meanwhile is opened with these rights. The real and the
    saved user stay root, so that the caller cannot send signals to this process.
    """
    user = caller()
    if user is None:
        yield
        return
    groups, gid = os.getgroups(), os.getegid()
    os.setgroups(user.groups)
    os.setegid(user.gid)
    os.seteuid(user.uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(gid)
        os.setgroups(groups)


def identity() -> dict[str, Any]:
    """What makes ``subprocess.Popen`` start a program as the user who called sudo; nothing without sudo."""
    user = caller()
    if user is None:
        return {}
    return {"user": user.uid, "group": user.gid, "extra_groups": user.groups}


def owner() -> int:
    """The uid of whom cases belong to."""
    user = caller()
    return os.geteuid() if user is None else user.uid


def hand_over(descriptor: int) -> None:
    """Give an open file or folder to the user who called sudo; nothing happens without sudo."""
    user = caller()
    if user is not None:
        os.fchown(descriptor, user.uid, user.gid)
