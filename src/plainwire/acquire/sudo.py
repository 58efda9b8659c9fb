"""Who called sudo: under ``sudo plainwire run``, the program runs as that user, and the case is theirs."""

from __future__ import annotations

import os
import pwd
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


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
    try:
        uid = int(os.environ.get("SUDO_UID", "0"))
        if os.geteuid() != 0 or uid == 0 or _is_shell(os.environ.get("SUDO_COMMAND", "")):
            return None
        entry = pwd.getpwuid(uid)
    except (ValueError, KeyError):
        return None
    groups = os.getgrouplist(entry.pw_name, entry.pw_gid)
    return Caller(uid, entry.pw_gid, groups, entry.pw_name, entry.pw_dir)


def _is_shell(command: str) -> bool:
    return command.startswith("/") and " " not in command and command.endswith("sh")


def hand_over(folder: Path) -> None:
    """Give ``folder`` and the files in it to the user who called sudo; nothing happens without sudo."""
    user = caller()
    if user is None:
        return
    for path in (folder, *folder.iterdir()):
        os.chown(path, user.uid, user.gid, follow_symlinks=False)
