"""The program's TCP sockets, as reported by the kernel.

That includes programs that the interposer does not reach (static ones, Go), and their children.

As root only. A kernel tracepoint reports every change of a TCP socket's state, and the task that made it. Our
own trace instance follows the task that starts the program, and its descendants by fork. It is read once,
when the program has ended. Without tracing (as in containers) there is no report.

Of UDP it tells (Linux 6.3) when the program sent how much, not to whom: enough to tell which questions to
name servers are its own.

What happens in an interrupt does not count: packets of any socket may be processed while the program's task
runs. The kernel marks such events (``s`` or ``h`` among the flags). Kernels that mark work with disabled
interrupts in the same way are not asked.
"""

from __future__ import annotations

import contextlib
import ctypes
import ipaddress
import os
import re
import sys
import threading
import time
from collections import defaultdict, deque
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_EVENTS = ("sock/inet_sock_set_state", "tcp/tcp_destroy_sock")
_RESET = "tcp/tcp_send_reset"
"""Linux 4.16; with the reason since 6.10. Of sockets that are gone it is told in interrupts, of no task."""
_SENT, _SENT_FILTER = "sock/sock_send_length", "protocol == 17 && ret > 0 && ret <= 512"
"""Linux 6.3. Of UDP what may be a question to a name server, by its size (RFC 1035 section 2.3.4)."""
_ASKING_ITSELF = frozenset({"files", "dns", "myhostname"})
"""Sources of names, in nsswitch.conf(5), that make the program itself ask, or nobody."""
_PREFIX = "plainwire-"
_FSOPEN, _FSCONFIG, _FSMOUNT = 430, 431, 432  # the same on all machines
_CLOEXEC, _CREATE = 1, 6  # linux/mount.h
_BUFFER_KB, _LEAST_KB, _MOST_KB = 16_384, 256, 4096
"""Of all processors together; and of each, at least and at most. An event takes some 100 bytes."""
_UNCONNECTED = ("07", "0A")  # closed, listening: net/tcp_states.h
_TELLS_INTERRUPTS = "irqs-off/BH-disabled"

_LINE = re.compile(
    r" *(?P<command>.{1,15})-(?P<tid>\d+) +(?:\( *(?P<pid>[\d-]+)\) +)?\[\d+\] (?P<flags>\S+) +"
    r"(?P<time>\d+\.\d{6}): (?P<event>\w+): family=(?P<family>\w+) (?P<rest>.*)"
)
_SENT_LINE = re.compile(
    r".* (?P<time>\d+\.\d{6}): sock_send_length: .*protocol = (?:17|0x11)?,? ?length = (?P<length>\d+),.*"
)
_RESET_LINE = re.compile(r".* (?P<time>\d+\.\d{6}): tcp_send_reset: (?P<rest>.*)")
_FIELD = re.compile(r"(\w+)=(\S*)")
_HOSTS, _ACTION = re.compile(r"(?m)^\s*hosts:([^#\n]*)"), re.compile(r"\[[^]]*\]")
_ENTRIES = re.compile(r"entries-in-buffer/entries-written: (\d+)/(\d+) ")


Sent = tuple[int, int]
"""A datagram that the program sent: when (ns), and the bytes in it."""


class KernelSocket(Struct, frozen=True):
    """A socket of the program. ``peer`` and ``local`` are ``ip:port``.

    After a failed connect the local address is not known (``0.0.0.0``).
    """

    time_ns: int
    pid: int
    tid: int
    command: str
    local: str
    peer: str

    def as_event(self) -> dict[str, Any]:
        """Its fields in a line of ``program.jsonl``."""
        return {
            "time": self.time_ns / 1e9,
            "pid": self.pid,
            "tid": self.tid,
            "command": self.command,
            "local": self.local,
            "peer": self.peer,
        }


class SentReset(Struct, frozen=True):
    """A RST that this host sent. ``state`` and ``reason`` are the kernel's names, "" where it has none."""

    time_ns: int
    local: str
    peer: str
    state: str
    reason: str

    def as_event(self) -> dict[str, Any]:
        """Its fields in a line of ``program.jsonl``."""
        return {
            "time": self.time_ns / 1e9,
            "local": self.local,
            "peer": self.peer,
            "state": self.state,
            "reason": self.reason,
        }


class _Trace(NamedTuple):
    """What an instance has recorded. ``offset_ns``: from its clock to that of packets."""

    text: str
    offset_ns: int

    @classmethod
    def of(cls, instance: Path) -> Self:
        """Read it.

        Raises:
            OSError: it is gone.

        """
        offset_ns = time.time_ns() - time.monotonic_ns()
        return cls((instance / "trace").read_text(encoding="utf-8", errors="replace"), offset_ns)

    @property
    def complete(self) -> bool:
        """Whether no event was lost."""
        entries = _ENTRIES.search(self.text)
        return entries is not None and entries[1] == entries[2]


class KernelWitness:
    """Running trace instances: for TCP, for UDP, and for the resets of the whole host.

    The first two follow what ``threads`` do, and what they start from now on.
    """

    def __init__(self, tracing: int, threads: Sequence[int]) -> None:
        """``tracing``: a descriptor of the folder of tracefs, from now on ours to close.

        Raises:
            OSError: there is no such tracing.

        """
        self._tracing, self._threads = tracing, threads
        instances = Path(f"/proc/self/fd/{tracing}/instances")
        self._instance = instances / f"{_PREFIX}{os.getpid()}-{time.monotonic_ns()}"
        self._resets = self._instance.with_name(f"{self._instance.name}-resets")
        self._sent = self._instance.with_name(f"{self._instance.name}-sent")
        try:
            _sweep(instances)
            self._instance.mkdir()
            self._begin()
        except OSError:
            self.stop()
            raise
        with contextlib.suppress(OSError):  # older kernels do not tell
            self._sent.mkdir()
            self._follow(self._sent, _LEAST_KB)
            self._write(f"events/{_SENT}/filter", _SENT_FILTER, self._sent)
            self._write(f"events/{_SENT}/enable", "1", self._sent)
        with contextlib.suppress(OSError):  # nothing but the reasons is missing then
            self._resets.mkdir()
            self._write("buffer_size_kb", str(_LEAST_KB), self._resets)
            self._write("trace_clock", "mono", self._resets)
            self._write(f"events/{_RESET}/enable", "1", self._resets)

    def _begin(self) -> None:
        size = _BUFFER_KB // (os.cpu_count() or 1)
        self._follow(self._instance, max(_LEAST_KB, min(size, _MOST_KB)))
        self._write("options/record-tgid", "1")
        for event in _EVENTS:
            self._write(f"events/{event}/enable", "1")

    def _follow(self, instance: Path, buffer_kb: int) -> None:
        self._write("buffer_size_kb", str(buffer_kb), instance)
        self._write("trace_clock", "mono", instance)
        self._write("options/event-fork", "1", instance)
        self._write("set_event_pid", " ".join(map(str, self._threads)), instance)

    def _write(self, name: str, value: str, instance: Path | None = None) -> None:
        ((instance or self._instance) / name).write_text(value, encoding="ascii")

    def resets(self) -> list[SentReset]:
        """The RSTs that this host has sent so far, of any program. Call it before ``sockets``."""
        try:
            trace = _Trace.of(self._resets)
        except OSError:
            return []
        return resets_in(trace.text.splitlines(), trace.offset_ns)

    def sent(self) -> list[Sent] | None:
        """The small datagrams that it sent so far; None where they may not be all, or where others ask name
        servers for it. Call it before ``sockets``.
        """
        try:
            trace = _Trace.of(self._sent)
            enabled = (self._sent / f"events/{_SENT}/enable").read_text(encoding="ascii").startswith("1")
        except OSError:
            return None
        if not enabled or not trace.complete or others_ask():
            return None
        return sent_in(trace.text.splitlines(), trace.offset_ns)

    def sockets(self) -> list[KernelSocket] | None:
        """What it saw, and end it; None where that is not all there was."""
        try:
            trace = _Trace.of(self._instance)
        except OSError:
            return None
        finally:
            self.stop()
        if not trace.complete or _TELLS_INTERRUPTS not in trace.text:
            return None
        return sockets_in(trace.text.splitlines(), trace.offset_ns)

    def stop(self) -> None:
        """End it; nothing happens where it has ended."""
        if self._tracing < 0:
            return
        for instance in (self._instance, self._resets, self._sent):
            with contextlib.suppress(OSError):
                instance.rmdir()
        os.close(self._tracing)
        self._tracing = -1


def watch(threads: Sequence[int] = ()) -> KernelWitness | None:
    """Follow these threads and what they start, without any what this one starts; None where the kernel does
    not let us.
    """
    if os.geteuid() != 0:
        return None
    try:
        return KernelWitness(_tracefs(), threads or [threading.get_native_id()])
    except OSError:
        return None


def _tracefs() -> int:
    """Open tracefs, which need not be mounted anywhere (fsopen(2), Linux 5.2)."""
    kernel = ctypes.CDLL(None, use_errno=True).syscall
    opened: list[int] = []

    def checked(result: int) -> int:
        if result < 0:
            raise OSError(ctypes.get_errno(), "tracefs")
        return result

    try:
        opened.append(checked(kernel(_FSOPEN, b"tracefs", _CLOEXEC)))
        checked(kernel(_FSCONFIG, opened[0], _CREATE, None, None, 0))
        opened.append(checked(kernel(_FSMOUNT, opened[0], _CLOEXEC, 0)))
        return os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=opened[1])
    finally:
        for descriptor in opened:
            os.close(descriptor)


def _sweep(instances: Path) -> None:
    """Remove the trace instances of killed runs."""
    for left in instances.glob(f"{_PREFIX}*"):
        owner = left.name.split("-")[1]
        if owner.isdecimal() and not Path("/proc", owner).exists():
            with contextlib.suppress(OSError):
                left.rmdir()


def open_sockets(user: int, net: Path = Path("/proc/net")) -> set[tuple[str, str]]:
    """The addresses of a user's open TCP sockets (proc(5))."""
    return {ends for words, ends in _tables(net) if words[7] == str(user)}


def of_process(pid: int) -> set[tuple[str, str]]:
    """The addresses of a process's open connections."""
    inodes = set()
    with contextlib.suppress(OSError):
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                name = descriptor.readlink().name
                inodes.add(name[len("socket:[") : -1] if name.startswith("socket:[") else "")
    connected = (each for each in _tables(Path(f"/proc/{pid}/net")) if each[0][3] not in _UNCONNECTED)
    return {ends for words, ends in connected if words[9] in inodes}


def _tables(net: Path) -> Iterator[tuple[list[str], tuple[str, str]]]:
    """Each line of the tables of TCP sockets, in words, and its ends: local, peer."""
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            for line in (net / table).read_text(encoding="ascii").splitlines()[1:]:
                words = line.split()
                yield words, (_in_hex(words[1]), _in_hex(words[2]))


def _in_hex(text: str) -> str:
    """An address of four or sixteen bytes, in words of native byte order, and a port."""
    address, port = text.split(":")
    words = [int(address[at : at + 8], 16).to_bytes(4, sys.byteorder) for at in range(0, len(address), 8)]
    return _socket(str(ipaddress.ip_address(b"".join(words))), int(port, 16))


# --- what it says -------------------------------------------------------------------------------------


def sockets_in(lines: Iterable[str], offset_ns: int) -> list[KernelSocket]:
    """The sockets that a trace tells of. ``offset_ns``: from its clock to that of packets.

    A socket has no port yet when its connect begins (SYN_SENT); both addresses are reported with the task's
    next operation on it, which may be its close. So its begin is that of the first attempt to connect to this
    peer that no other socket has taken.
    """
    found: list[KernelSocket] = []
    attempts: defaultdict[str, deque[tuple[int, int]]] = defaultdict(deque)  # by peer: time, task
    known: set[tuple[str, str]] = set()
    for line in lines:
        match = _LINE.fullmatch(line)
        if match is None or set("shHZz") & set(match["flags"][2:3]):
            continue
        fields = dict(_FIELD.findall(match["rest"]))
        time_ns = round(float(match["time"]) * 1e6) * 1000 + offset_ns
        tid, state = int(match["tid"]), fields.get("newstate", "")
        ends = _ends(match["family"], fields)
        if ends is None or fields.get("protocol", "IPPROTO_TCP") != "IPPROTO_TCP":
            continue
        local, peer = ends
        if local.endswith(":0"):
            if state == "TCP_SYN_SENT":
                attempts[peer].append((time_ns, tid))
            continue
        if peer.endswith(":0"):
            # Of a listening socket; or of one whose connect failed, so that the kernel forgot both addresses.
            failed = _newest_of(tid, attempts) if match["event"] == "tcp_destroy_sock" else None
            if failed is None:
                continue
            (time_ns, peer), local = failed, f"0.0.0.0:{local.rsplit(':', 1)[1]}"
        elif (local, peer) in known and not _begins(fields, attempts[peer]):
            continue
        elif attempts[peer]:
            time_ns = attempts[peer].popleft()[0]
        known.add((local, peer))
        pid = int(match["pid"]) if (match["pid"] or "-").isdecimal() else tid
        found.append(KernelSocket(time_ns, pid, tid, match["command"], local, peer))
    return found


def others_ask(root: Path = Path("/")) -> bool:
    """Whether the C library lets another process ask for names (nscd(8), nss-resolve(8))."""
    if (root / "run/nscd/socket").exists() or (root / "var/run/nscd/socket").exists():
        return True
    try:
        text = (root / "etc/nsswitch.conf").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    hosts = _HOSTS.search(text)
    return hosts is not None and not _ASKING_ITSELF.issuperset(_ACTION.sub(" ", hosts[1]).split())


def sent_in(lines: Iterable[str], offset_ns: int) -> list[Sent]:
    """The datagrams that a trace tells of. ``offset_ns``: from its clock to that of packets."""
    matches = filter(None, map(_SENT_LINE.fullmatch, lines))
    return [(round(float(m["time"]) * 1e6) * 1000 + offset_ns, int(m["length"])) for m in matches]


def resets_in(lines: Iterable[str], offset_ns: int) -> list[SentReset]:
    """The RSTs that a trace tells of. ``offset_ns``: from its clock to that of packets."""
    found = []
    for line in lines:
        match = _RESET_LINE.fullmatch(line)
        fields = dict(_FIELD.findall(match["rest"])) if match is not None else {}
        try:
            local, peer = (_socket(*_parted(fields[key])) for key in ("src", "dest"))
            time_ns = round(float(match["time"]) * 1e6) * 1000 + offset_ns if match is not None else 0
            found.append(SentReset(time_ns, local, peer, fields.get("state", ""), fields.get("reason", "")))
        except (KeyError, ValueError):
            continue
    return found


def resets_of(resets: Iterable[SentReset], ends: Iterable[tuple[str, str]]) -> Iterator[SentReset]:
    """Those on connections with these ends, by either side. One that failed is known by its local port."""
    known = {(local.rpartition(":")[2], peer) for local, peer in ends}
    for reset in resets:
        for local, peer in ((reset.local, reset.peer), (reset.peer, reset.local)):
            if (local.rpartition(":")[2], peer) in known:
                yield reset
                break


def _parted(text: str) -> tuple[str, int]:
    address, port = text.rsplit(":", 1)
    return address.strip("[]"), int(port)


def _begins(fields: dict[str, str], attempts: deque[tuple[int, int]]) -> bool:
    """Whether addresses that are known already belong to a new socket."""
    return fields.get("newstate") == "TCP_SYN_SENT" or (
        fields.get("oldstate") == "TCP_SYN_SENT" and bool(attempts)
    )


def _newest_of(tid: int, attempts: dict[str, deque[tuple[int, int]]]) -> tuple[int, str] | None:
    """Take the last attempt that this task made: its time and its peer."""
    own = [(each, peer) for peer, several in attempts.items() for each in several if each[1] == tid]
    if not own:
        return None
    newest, peer = max(own)
    attempts[peer].remove(newest)
    return newest[0], peer


def _ends(family: str, fields: dict[str, str]) -> tuple[str, str] | None:
    """Local and peer."""
    suffix = "v6" if family == "AF_INET6" else ""
    try:
        return (
            _socket(fields[f"saddr{suffix}"], int(fields["sport"])),
            _socket(fields[f"daddr{suffix}"], int(fields["dport"])),
        )
    except (KeyError, ValueError):
        return None


def _socket(address: str, port: int) -> str:
    read = ipaddress.ip_address(address)
    if read.version == 6 and read.ipv4_mapped is not None:
        read = read.ipv4_mapped
    return f"{read}:{port}" if read.version == 4 else f"[{read}]:{port}"
