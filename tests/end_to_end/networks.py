"""Networks for tests: namespaces without names, joined by pairs of virtual Ethernet devices.

Each lives as long as the block that made it, no longer than this process: what holds it reads a pipe.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from plainwire.lab import namespaces
from tests.needs import needs, tool, without

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_CLONE_NEWNET = 0x40000000  # linux/sched.h
Made = TypeVar("Made")

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Network:
    """One namespace, held by process ``pid``."""

    pid: int

    @property
    def inside(self) -> list[object]:
        """What to put before a command that is to run in it."""
        return [tool("nsenter"), f"--net={self._file}"]

    @property
    def _file(self) -> Path:
        return Path(f"/proc/{self.pid}/ns/net")

    def ip(self, *lines: str) -> None:
        """Run iproute2's ``ip`` with the words of each line."""
        for line in lines:
            command = [str(word) for word in (*self.inside, tool("ip"), *line.split())]
            done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
            assert done.returncode == 0, f"ip {line}: {done.stderr}"

    def listening(self, host: str) -> socket.socket:
        """A TCP socket of this network that listens on a free port."""
        made = self._socket(socket.SOCK_STREAM, host)
        made.listen(64)
        return made

    def datagrams(self, host: str) -> socket.socket:
        """A UDP socket of this network with a free port."""
        return self._socket(socket.SOCK_DGRAM, host)

    def forwards(self) -> None:
        """Let it pass IPv4 packets on."""
        self._within(lambda: Path("/proc/sys/net/ipv4/ip_forward").write_text("1", encoding="ascii"))

    def _socket(self, kind: socket.SocketKind, host: str) -> socket.socket:
        def bound() -> socket.socket:
            made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, kind)
            made.bind((host, 0))
            return made

        return self._within(bound)

    def _within(self, do: Callable[[], Made]) -> Made:
        """Do something in a thread that moves into the network, and ends."""

        def moved() -> Made:
            with self._file.open("rb") as file:
                if _libc.setns(file.fileno(), _CLONE_NEWNET):
                    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
            return do()

        with ThreadPoolExecutor(1) as other:
            return other.submit(moved).result()


@contextlib.contextmanager
def network() -> Iterator[Network]:
    """A new network with nothing but its loopback."""
    needs("root", "ip", "nsenter", "unshare")
    reason = namespaces.obstacle(tun=False)
    if reason is not None:
        without(reason)
    command = [tool("unshare"), "--net", "sh", "-c", "echo ready; exec cat"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"ready\n"
        made = Network(holder.pid)
        made.ip("link set lo up")
        try:
            yield made
        finally:
            holder.terminate()


def join(
    one: Network, other: Network, subnet: int, *, names: tuple[str, str] = ("east", "west")
) -> tuple[str, str]:
    """Join two networks by a wire, 10.79.SUBNET.1 and .2; the addresses."""
    one.ip(f"link add {names[0]} type veth peer name {names[1]} netns {other.pid}")
    for at, name, last in ((one, names[0], 1), (other, names[1], 2)):
        at.ip(f"addr add 10.79.{subnet}.{last}/24 dev {name}", f"link set {name} up")
    return f"10.79.{subnet}.1", f"10.79.{subnet}.2"
