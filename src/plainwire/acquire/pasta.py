"""A network of the program's own, made by pasta (passt.top), in which whoever has no right to capture may.

    plainwire ──┬── keeper ── pasta        both stay in the network that plainwire came from
                └── program                in a new user namespace and network namespace, as plainwire itself

The user stays who he is: his id stands for itself in the new user namespace, so that the program has no more
rights than alone. pasta carries what the program sends by sockets of its own. It lives as long as anybody is
in the network, also where plainwire is killed: that is what the keeper sees to, a fork of plainwire.

What is captured is what pasta sends: acknowledgments, FIN and RST are its own. It is told to send from the
link-layer address by which ``packets.relays`` knows it.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, cast

from plainwire.acquire.patcher import stand_apart
from plainwire.model import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

NOTE = (
    "Evidence: packets in a network that pasta made (--netns pasta). Acknowledgments, FIN and RST are "
    "pasta's own, and on loopback even a reset arrives as a FIN: nothing that rests on them is proved of the "
    "server."
)
TUN = Path("/dev/net/tun")
_NEWNET, _NEWUSER = 0x40000000, 0x10000000  # linux/sched.h
_OPTIONS = (
    *("--foreground", "--quiet", "--config-net"),
    "--no-map-gw",  # else the address of the gateway, often the name server's as well, would be this host's
    *("--mac-addr", "9a:55:9a:55:9a:55"),  # what is known to packets.relays, and newer versions' own choice
    *("--pid", "/dev/stdout"),  # written when the network is ready
)
_READY_WITHIN = 20.0
"""Seconds. Older versions that cannot open the device wait forever, and do not hear SIGTERM."""
_GRACE = 5.0
"""Seconds in which the keeper must have told what became of it."""
_LOOK_EVERY = 0.5
"""Seconds between looks for who is still in the network."""
_SHORT_WAIT = 0.02
_LOOKS = 2
"""In a row without anybody: a process that is just being executed cannot be looked at for a moment."""
_LONGEST = 4096  # bytes of what the keeper says


@contextlib.contextmanager
def network() -> Iterator[None]:
    """Be in such a network for the body, and for good: this process does not come back from it.

    Nothing may run in another thread when it begins. Programs that still run at the end keep their network.

    Raises:
        UserError: pasta or a right is missing, or it made no network in time.

    """
    program = _found()
    asking, asked = os.pipe()
    telling, told = os.pipe()
    ours = os.getpid()
    keeper = os.fork()
    if keeper == 0:
        _keep(program, ours, asking, told)
    os.close(asking)
    os.close(told)
    try:
        try:
            _move(os.getuid(), os.getgid())
            os.write(asked, b".")
            words = _heard(telling, _READY_WITHIN + _GRACE)
            if words != b".":
                _refuse(words.decode(errors="replace") or "it was not heard of again")
            yield
        finally:
            os.close(asked)
            if _heard(telling, _GRACE) == b"":
                os.waitpid(keeper, 0)
    finally:
        os.close(telling)


def _refuse(why: str) -> NoReturn:
    message = f"pasta made no network: {why}"
    raise UserError(message)


def _found() -> str:
    """The path of pasta, where this user can use it."""
    if os.geteuid() == 0:
        message = "--netns pasta is for users who may not capture packets: root does without it"
        raise UserError(message)
    program = shutil.which("pasta")
    if program is None:
        message = "--netns pasta: there is no pasta in PATH (Debian, Ubuntu, Fedora: the package passt)"
        raise UserError(message)
    try:
        os.close(os.open(TUN, os.O_RDWR | os.O_CLOEXEC))
    except FileNotFoundError:
        message = f"pasta needs {TUN}, and there is none: as root, modprobe tun (containers: --device {TUN})"
        raise UserError(message) from None
    except OSError as error:
        why = f"{error.strerror}, mode {TUN.stat().st_mode & 0o7777:04o}"
        message = f"pasta needs {TUN}, which this user cannot open ({why}): as root, chmod 0666 {TUN}"
        raise UserError(message) from None
    return program


def _move(uid: int, gid: int) -> None:
    """Into a new network, with a right to it (user_namespaces(7)); ids stay what they are."""
    if ctypes.CDLL(None, use_errno=True).unshare(_NEWUSER | _NEWNET) != 0:
        _forbidden("unshare", os.strerror(ctypes.get_errno()))
    maps = {"setgroups": "deny", "uid_map": f"{uid} {uid} 1", "gid_map": f"{gid} {gid} 1"}
    for name, words in maps.items():
        try:
            Path("/proc/self", name).write_text(words, encoding="ascii")
        except OSError as error:
            _forbidden(name, error.strerror or "")


def _forbidden(what: str, why: str) -> NoReturn:
    message = f"no user namespace can be had here ({what}: {why}){_remedy()}"
    raise UserError(message)


def _remedy() -> str:
    """By the switches that systems have for it."""
    switches = (
        ("kernel/apparmor_restrict_unprivileged_userns", "1", "0"),  # Ubuntu
        ("kernel/unprivileged_userns_clone", "0", "1"),  # Debian
        ("user/max_user_namespaces", "0", "10000"),
    )
    for name, forbids, allows in switches:
        with contextlib.suppress(OSError):
            if Path("/proc/sys", name).read_text(encoding="ascii").strip() == forbids:
                return f": as root, sysctl {name.replace('/', '.')}={allows}"
    return ""


def _heard(telling: int, seconds: float) -> bytes:
    """What the keeper says next; nothing where it is gone, or silent for so long."""
    ready, _, _ = select.select([telling], [], [], seconds)
    return os.read(telling, _LONGEST) if ready else b"it said nothing in time"


def _keep(program: str, ours: int, asking: int, told: int) -> NoReturn:
    """The life of the keeper."""
    try:
        stand_apart(asking, told)
        if os.read(asking, 1):
            _carry(program, ours, asking, told)
    finally:
        os._exit(0)


def _carry(program: str, ours: int, asking: int, told: int) -> None:
    """Start pasta for the network that ``ours`` is in, say what came of it, and end it with its last user."""
    network = _mark(ours)
    spaces = ("--userns", f"/proc/{ours}/ns/user", "--netns", f"/proc/{ours}/ns/net")
    with tempfile.TemporaryFile() as errors:
        pasta = subprocess.Popen(
            [program, *_OPTIONS, *spaces],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            process_group=0,
        )
        try:
            words = _ready(cast("BinaryIO", pasta.stdout), errors)
            os.write(told, words)
            if words == b".":
                os.read(asking, 1)
                _wait_until_empty(network, ours, told)
        finally:
            os.killpg(pasta.pid, signal.SIGKILL)
            pasta.wait()


def _ready(words: BinaryIO, errors: BinaryIO) -> bytes:
    """A dot when it has told its pid; else what it says itself."""
    ready, _, _ = select.select([words], [], [], _READY_WITHIN)
    return b"." if ready and os.read(words.fileno(), _LONGEST).strip() else _complaint(errors)


def _complaint(errors: BinaryIO) -> bytes:
    """Its own words, the last line; or that there are none."""
    errors.seek(0)
    lines = [line.strip() for line in errors.read()[-_LONGEST:].splitlines() if b"syslog" not in line]
    return next((line for line in reversed(lines) if line), b"it was not ready in %d s" % _READY_WITHIN)


def _mark(pid: int | str) -> tuple[int, int] | None:
    """Which network a process is in; None where that may not be seen."""
    with contextlib.suppress(OSError):
        found = Path(f"/proc/{pid}/ns/net").stat()
        return found.st_dev, found.st_ino
    return None


def _wait_until_empty(network: tuple[int, int] | None, ours: int, told: int) -> None:
    """Until nobody is in a network but perhaps ``ours``; it is told where that is not so at once."""
    waits, unused = False, 0
    while unused < _LOOKS:
        time.sleep(_LOOK_EVERY if waits else _SHORT_WAIT)
        others = (each.name for each in Path("/proc").iterdir() if each.name.isdecimal())
        used = any(_mark(pid) == network for pid in others if pid != str(ours))
        unused = 0 if used else unused + 1
        if used and not waits:
            waits = True
            with contextlib.suppress(OSError):
                os.write(told, b"it is still used")
