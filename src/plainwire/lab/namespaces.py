"""Network namespaces without names, and TUN devices in them, by system calls alone (no ``ip`` tool).

Nothing is left behind on any kind of death: the kernel removes a namespace that no process is in,
and a TUN device that no descriptor holds. The calling process itself moves into the new
namespace, and so must be a process made for that.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import signal
import socket
import struct
from pathlib import Path

from plainwire.model import UserError

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000  # linux/sched.h
TUNSETIFF = 0x400454CA  # linux/if_tun.h
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
SIOCGIFFLAGS, SIOCSIFFLAGS, SIOCSIFADDR, SIOCSIFNETMASK = 0x8913, 0x8914, 0x8916, 0x891C  # linux/sockios.h
IFF_UP = 0x1
PR_SET_PDEATHSIG = 1  # linux/prctl.h
TUN = "/dev/net/tun"
NETMASK = "255.255.255.0"

_libc = ctypes.CDLL(None, use_errno=True)


def obstacle(*, tun: bool) -> str | None:
    """Why namespaces (and with ``tun`` TUN devices in them) cannot be had here; None where they can.

    Found out by trying, in a child process, since half a try cannot be taken back.
    """
    readable, writable = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(readable)
        _try(writable, tun=tun)
    os.close(writable)
    with os.fdopen(readable, encoding="utf-8") as answer:
        reason = answer.read()
    os.waitpid(child, 0)
    return reason or None


def _try(writable: int, *, tun: bool) -> None:
    try:
        enter_new(user=os.geteuid() != 0)
        if tun:
            os.close(open_tun("lab0", "10.78.0.1"))
    except UserError as error:
        os.write(writable, str(error).encode())
    finally:
        os._exit(0)


def enter_new(*, user: bool) -> None:
    """Move this process into a new network namespace with its loopback up.

    ``user``: into a new user namespace as well, in which this user is root; that is how the
    unprivileged get a network of their own, and the right to capture in it (user_namespaces(7)).
    """
    uid, gid = os.getuid(), os.getgid()
    _unshare(CLONE_NEWNET | (CLONE_NEWUSER if user else 0))
    if user:
        _map_to_root(uid, gid)
    _bring_up("lo")


def _unshare(flags: int) -> None:
    if _libc.unshare(flags) != 0:
        number = ctypes.get_errno()
        message = f"no network namespace can be made here ({os.strerror(number)})"
        raise UserError(message)


def _map_to_root(uid: int, gid: int) -> None:
    for name, content in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
        try:
            Path("/proc/self", name).write_text(content, encoding="ascii")
        except OSError as error:
            message = f"no user namespace can be used here (/proc/self/{name}: {error.strerror})"
            raise UserError(message) from error


def open_tun(name: str, address: str) -> int:
    """Make a TUN device with ``address``/24, up, in this namespace; its descriptor carries IP packets."""
    try:
        descriptor = os.open(TUN, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
            _set_address(name, address)
            _bring_up(name)
        except OSError:
            os.close(descriptor)
            raise
    except OSError as error:
        message = f"no TUN device can be made here ({TUN}: {error.strerror})"
        raise UserError(message) from error
    return descriptor


def _set_address(name: str, address: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        for request, value in ((SIOCSIFADDR, address), (SIOCSIFNETMASK, NETMASK)):
            socket_address = struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(value))
            fcntl.ioctl(control, request, struct.pack("16s16s8x", name.encode(), socket_address))


def _bring_up(name: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        try:
            answer = fcntl.ioctl(control, SIOCGIFFLAGS, struct.pack("16sH22x", name.encode(), 0))
            flags = struct.unpack("16sH22x", answer)[1] | IFF_UP
            fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sH22x", name.encode(), flags))
        except OSError as error:
            message = f"{name} cannot be brought up here ({errno.errorcode.get(error.errno or 0, error)})"
            raise UserError(message) from error


def offer_ecn() -> None:
    """Have this network's TCP offer ECN in each SYN (ip-sysctl of the kernel's documentation, tcp_ecn)."""
    try:
        Path("/proc/sys/net/ipv4/tcp_ecn").write_text("1", encoding="ascii")
    except OSError as error:
        message = f"ECN cannot be switched on here (/proc/sys/net/ipv4/tcp_ecn: {error.strerror})"
        raise UserError(message) from error


def end_with_parent() -> None:
    """Have the kernel send SIGTERM to this process when the one that started it ends (prctl(2))."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
