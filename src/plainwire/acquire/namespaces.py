"""Programs in networks of their own, and in containers.

The packets of a program in a container pass the interfaces of its network namespace (network_namespaces(7)),
with its own addresses. A capture begins in the namespace in which its socket is opened, and stays there.

Which container a process is in is told by the names of its control groups (cgroups(7)). Engines put a
container's id there: ``/docker/ID``, ``docker-ID.scope``, ``libpod-ID.scope``, ``cri-containerd-ID.scope``,
``crio-ID.scope``.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from plainwire.model import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator

_NEWNET = 0x40000000  # CLONE_NEWNET: linux/sched.h
_SHORTEST = 4  # digits of an id
_ID = re.compile(r"(?:[a-z]+(?:-[a-z]+)*-)?([0-9a-f]{64})(?:\.scope)?")


def share_network(one: int, other: int) -> bool:
    """Whether two processes are in one network namespace; True where that cannot be seen."""
    try:
        first, second = (Path(f"/proc/{pid}/ns/net").stat() for pid in (one, other))
    except OSError:
        return True
    return (first.st_dev, first.st_ino) == (second.st_dev, second.st_ino)


@contextlib.contextmanager
def network_of(pid: int) -> Iterator[None]:
    """Be in the network namespace of a process for the body: this thread, and what it opens there.

    Raises:
        UserError: it may not be entered.

    """
    if share_network(pid, os.getpid()):
        yield
        return
    enter = ctypes.CDLL(None, use_errno=True).setns
    with open_namespace("self") as ours, open_namespace(str(pid)) as theirs:
        if enter(theirs, _NEWNET) != 0:
            why = os.strerror(ctypes.get_errno())
            message = f"{pid}: it is in a network of its own, which cannot be entered ({why}): as root it can"
            raise UserError(message)
        try:
            yield
        finally:
            enter(ours, _NEWNET)


def enter(named: str) -> None:
    """Move this thread, and what it starts, into a network namespace: of ip-netns(8), or a file with a slash
    in its name.

    Raises:
        UserError: there is none, or it may not be entered.

    """
    path = named if "/" in named else f"/run/netns/{named}"
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        message = f"{path}: {error.strerror}"
        raise UserError(message) from error
    try:
        if ctypes.CDLL(None, use_errno=True).setns(descriptor, _NEWNET) != 0:
            number = ctypes.get_errno()
            why = {errno.EINVAL: "it is no network namespace", errno.EPERM: "only root may enter it"}
            message = f"{path}: {why.get(number, os.strerror(number))}"
            raise UserError(message)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def open_namespace(pid: str) -> Iterator[int]:
    """A descriptor of the network namespace of a process.

    Raises:
        UserError: it may not be looked at.

    """
    try:
        descriptor = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        message = f"{pid}: {error.strerror}"
        raise UserError(message) from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def in_container(wanted: str, proc: Path = Path("/proc")) -> list[int]:
    """The processes of a container: by its id, or how that begins."""
    if len(wanted) < _SHORTEST:
        return []
    found = []
    for folder in proc.iterdir():
        if folder.name.isdecimal():
            with contextlib.suppress(OSError):
                if any(each.startswith(wanted) for each in containers_in((folder / "cgroup").read_text())):
                    found.append(int(folder.name))
    return sorted(found)


def containers_in(cgroup: str) -> list[str]:
    """The ids of containers that the control groups of a process name (proc(5), cgroup)."""
    found = []
    for line in cgroup.splitlines():
        for part in line.rpartition(":")[2].split("/"):
            match = _ID.fullmatch(part)
            if match is not None:
                found.append(match[1])
    return list(dict.fromkeys(found))
