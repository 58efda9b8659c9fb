"""Processes that run already, as /proc has them: which there are, and whether they may be touched."""

from __future__ import annotations

import contextlib
import os
import select
from pathlib import Path
from typing import TYPE_CHECKING

from plainwire.acquire import interposer

if TYPE_CHECKING:
    from collections.abc import Iterable


YAMA = Path("/proc/sys/kernel/yama/ptrace_scope")
"""Who may trace whom (the kernel's admin-guide/LSM/Yama.rst); there where Yama is."""
_ANEW = "start the program with plainwire run"


def named(command: str) -> list[int]:
    """The processes that run a command: by their own name, their file's, or what they were called as."""
    own = {os.getpid(), *ancestors(os.getpid())}
    return [pid for pid in sorted(_all_processes()) if pid not in own and command in _names(pid)]


def _names(pid: int) -> set[str]:
    found = set()
    with contextlib.suppress(OSError):
        found.add(Path(f"/proc/{pid}/comm").read_text(errors="surrogateescape").strip())
    with contextlib.suppress(OSError):
        found.add(Path(f"/proc/{pid}/exe").readlink().name)
    line = command_line(pid)
    return found | ({Path(line[0]).name} if line else set())


def command_line(pid: int) -> list[str]:
    """The words that a process was started with; none where it is gone."""
    with contextlib.suppress(OSError):
        line = Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0")
        return [os.fsdecode(word) for word in line.split(b"\0")]
    return []


def _all_processes() -> dict[int, int]:
    """Every process with its parent."""
    found = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            found[int(folder.name)] = parent(int(folder.name))
    return found


def parent(pid: int) -> int:
    """The parent of a process; 0 where it is gone."""
    return _number(pid, 1)


def started(pid: int) -> int:
    """When a process was started, as the kernel counts; 0 where there is none."""
    return _number(pid, 19)


def _number(pid: int, which: int) -> int:
    """One of those that /proc/PID/stat has behind the name (proc(5)), counted from 0."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return 0
    return int(text.rpartition(")")[2].split()[which])


def ancestors(pid: int) -> list[int]:
    """A process, its parent, and so on."""
    parents, found = _all_processes(), []
    while pid in parents and pid not in found:
        found.append(pid)
        pid = parents[pid]
    return found


def descendants(of: Iterable[int]) -> list[int]:
    """Those processes, and all that descend from them."""
    found, parents = set(of), _all_processes()
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return sorted(found)


def has_ended(descriptor: int) -> bool:
    """Whether the process of a pidfd is over."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


def why_untouchable(pid: int) -> str | None:
    """Why a process is better left alone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(errors="replace")
    except OSError:
        return "it has ended"
    fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    if fields.get("State", "").strip()[:1] in ("T", "t"):
        return "it is stopped"
    if fields.get("TracerPid", "0").strip() != "0":
        return "something else traces it"
    if int(fields.get("Seccomp_filters", "0")) > interposer.seccomp_filters():
        return "it has forbidden itself system calls (seccomp)"
    return None


def why_untraceable(pid: int) -> str:
    """Why the kernel forbade (EPERM) to trace a process of ours, and what to do."""
    try:
        scope = YAMA.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        scope = ""
    said = f"(kernel.yama.ptrace_scope is {scope})"
    if scope in ("1", "2"):
        return f"only root may trace it {said}: sudo plainwire attach {pid}, or {_ANEW}"
    if scope == "3":
        return f"nothing may be traced here until the next start of the machine {said}: {_ANEW}"
    return "it may not be traced"
