"""Live capture from the kernel to a pcapng file, in its own thread.

The kernel collects packets in blocks of a ring (TPACKET_V3) and hands over a block when it is full or
``_RETIRE`` old. We sleep until then, so that an idle capture costs nothing and a busy one few system calls.
Nothing is lost at the end: the kernel's timer must have fired once more after the last moment that counts, so
``stop`` waits until packets from after that moment arrive, or none do.

The ``any`` device sees every interface (Linux cooked mode, which gives each packet's direction), loopback
only once. Times are microseconds: cypcap gives them as a float, which holds no more.
"""

from __future__ import annotations

import contextlib
import math
import os
import select
import signal
import socket
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

try:
    import cypcap  # type: ignore[import-untyped]
except ImportError:  # of it there is nothing for musl
    cypcap = None

from plainwire.capture import dumpcap, kernel_filter
from plainwire.capture.pcapng import file_header, packet_blocks, sink, statistics
from plainwire.model import CaptureEnd, NoRightError, UserError

if TYPE_CHECKING:
    from collections.abc import Callable

    from plainwire.capture.pcapng import CaptureTarget

ANY = "any"
SNAPLEN = 262_144
_LINUX_SLL2 = 276  # LINKTYPE_LINUX_SLL2
_LOOPBACK = "lo"
_RING_SIZES = (128 << 20, 32 << 20, 8 << 20, 2 << 20)
"""Bytes; the first size that the kernel grants. Loopback fills the largest in a quarter of a second."""
_RETIRE = 0.05
"""Seconds after which the kernel hands over a block that is not full."""
_BATCH = 128
"""Packets between two writes to the file."""
_LINGER = 0.25
"""Seconds after the program's end that still belong to it: its last FIN and RST, and the replies to them."""
_QUIET = 3 * _RETIRE


class Capture(Protocol):
    """A running capture."""

    how: str

    @property
    def over(self) -> bool:
        """Whether it has ended by itself: the interface is gone, ``dumpcap`` was killed."""

    def counted(self) -> tuple[int, int | None]:
        """Packets captured so far, and dropped; None where nobody knows that before the end."""

    def stop(self) -> CaptureEnd:
        """Take what is still on its way, end, and say what was seen. After that the file is complete."""


class PacketCapture(Capture, Protocol):
    """A running capture of packets."""

    def shed(self, shedding: int) -> bool:
        """From now on take the flows of one in ``2**shedding`` (``kernel_filter``). Whether it can."""


def start(
    file: CaptureTarget, *, interface: str = ANY, capture_filter: str = "", only: str | None = None
) -> PacketCapture:
    """Capture to a new file (0600), one that is open and empty, or a sink. Packets from now on are in it.

    ``only``: by ``libpcap`` or ``dumpcap`` alone.

    Raises:
        NoRightError: no right to capture.
        UserError: no such interface, an invalid filter, file not writable.

    """
    if interface not in (names := [ANY, *(name for _, name in socket.if_nameindex())]):
        message = f"{interface}: no such network interface (there are: {', '.join(names)})"
        raise UserError(message)
    if only == dumpcap.NAME or (cypcap is None and only is None):
        return dumpcap.start(file, interface, capture_filter, SNAPLEN)
    if cypcap is None:
        message = "the Python package cypcap, which brings libpcap, is not installed here"
        raise UserError(message)
    try:
        pcap = _activate(interface, capture_filter)
    except PermissionError:
        if only is not None:
            message = "no right to capture packets with libpcap"
            raise NoRightError(message) from None
        return dumpcap.start(file, interface, capture_filter, SNAPLEN)
    return KernelCapture(pcap, file, interface)


def _activate(interface: str, capture_filter: str) -> cypcap.Pcap:
    before = _descriptors()
    for size in _RING_SIZES:
        try:
            pcap = _activate_with(interface, size)
            break
        except cypcap.Error as error:
            if error.code in (cypcap.ErrorCode.PERM_DENIED, cypcap.ErrorCode.PROMISC_PERM_DENIED):
                raise PermissionError from error
            if error.code != cypcap.ErrorCode.ERROR or size == _RING_SIZES[-1]:
                message = f"cannot capture on {interface}: {error.msg}"
                raise UserError(message) from error
    try:
        _set_filter(pcap, interface, capture_filter)
    except cypcap.Error as error:
        pcap.close()
        message = f"capture filter {capture_filter!r}: {error.msg}"
        raise UserError(message) from error
    for descriptor in {pcap.get_selectable_fd(), *(_descriptors() - before)}:
        with contextlib.suppress(OSError):  # another thread's, and closed since
            os.set_inheritable(descriptor, False)  # noqa: FBT003 - takes no name
    return pcap


def _activate_with(interface: str, ring: int) -> cypcap.Pcap:
    pcap = cypcap.create(interface)
    pcap.set_snaplen(SNAPLEN)
    pcap.set_timeout(_RETIRE)
    pcap.set_buffer_size(ring)
    try:
        pcap.activate()
    except cypcap.Error:
        pcap.close()
        raise
    if _LINUX_SLL2 in pcap.list_datalinks():
        pcap.set_datalink(_LINUX_SLL2)
    pcap.setnonblock(True)  # noqa: FBT003 - takes no name
    return pcap


def _set_filter(pcap: cypcap.Pcap, interface: str, capture_filter: str) -> None:
    """Set the user's filter; without one, on loopback, ours, since the kernel shows each packet twice there.

    libpcap leaves out the outgoing copy, too, but only after it has taken up room in the ring. Ours bypasses
    libpcap, which would itself run it over the first packets, where it cannot work.
    """
    if capture_filter:
        # with a netmask, since cypcap prints to standard output when it looks for one
        pcap.setfilter(capture_filter, netmask=cypcap.NETMASK_UNKNOWN)
        return
    loopback = next((index for index, name in socket.if_nameindex() if name == _LOOPBACK), None)
    if loopback is not None and interface in (ANY, _LOOPBACK):
        kernel_filter.attach(pcap.get_selectable_fd(), kernel_filter.once_on(loopback))


def _descriptors() -> set[int]:
    """Our open descriptors: libpcap's are not close-on-exec, and the program must not inherit them."""
    return {int(entry.name) for entry in Path("/proc/self/fd").iterdir() if entry.exists()}


class KernelCapture:
    """A capture through libpcap."""

    how = "libpcap"

    def __init__(self, pcap: cypcap.Pcap, file: CaptureTarget, interface: str) -> None:
        self._pcap = pcap
        self._file = sink(file, file_header(interface, int(pcap.datalink()), SNAPLEN))
        self._pieces: list[bytes] = []
        self._packets = 0
        self._filter = kernel_filter.attached(pcap.get_selectable_fd())
        self._trouble: str | None = None
        self._stop_clock = self._stop_time = math.inf  # monotonic; as packets have it
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._thread = threading.Thread(target=self._run, name="capture", daemon=True)
        self._thread.start()

    @property
    def over(self) -> bool:
        """See ``Capture``."""
        return not self._thread.is_alive()

    def counted(self) -> tuple[int, int | None]:
        """See ``Capture``."""
        try:
            return self._packets, int(self._pcap.stats().drop)
        except cypcap.Error:  # the interface is gone
            return self._packets, None

    def shed(self, shedding: int) -> bool:
        """See ``PacketCapture``."""
        program = kernel_filter.of_share(self._filter, shedding) or kernel_filter.EVERYTHING
        return kernel_filter.attach(self._pcap.get_selectable_fd(), program)

    def stop(self) -> CaptureEnd:
        """See ``Capture``. Takes about ``_LINGER`` seconds."""
        self._stop_time, self._stop_clock = time.time(), time.monotonic()
        os.eventfd_write(self._wake, 1)
        self._thread.join()
        dropped = self._statistics()
        self._pcap.close()
        self._file.close()
        os.close(self._wake)
        return CaptureEnd(self._packets, dropped, self._file.trouble or self._trouble)

    def _statistics(self) -> int | None:
        try:
            counted = self._pcap.stats()
        except cypcap.Error:  # the interface is gone
            return None
        self._file.write(statistics(counted.recv, counted.drop, time.time_ns() // 1000))
        return int(counted.drop)

    def _run(self) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            self._take_all()
        except cypcap.Error as error:
            self._trouble = error.msg
        finally:
            self._flush()

    def _take_all(self) -> None:
        newest = [0.0]
        on_packet = _receiver(self._pieces, newest)
        poll = select.poll()
        poll.register(self._pcap.get_selectable_fd(), select.POLLIN)
        poll.register(self._wake, select.POLLIN)
        arrived = time.monotonic()
        while self._file.trouble is None and newest[0] < self._stop_time + _LINGER:
            self._pcap.dispatch(_BATCH, on_packet)
            if self._pieces:
                arrived = time.monotonic()
                self._flush()
            elif self._stop_clock == math.inf:
                poll.poll()
            elif min(time.monotonic() - arrived - _QUIET, time.monotonic() - self._stop_clock - _LINGER) > 0:
                return
            else:
                time.sleep(_RETIRE / 2)

    def _flush(self) -> None:
        self._packets += len(self._pieces) // 3
        self._file.write(b"".join(self._pieces))
        self._pieces.clear()


def _receiver(pieces: list[bytes], newest: list[float]) -> Callable[[cypcap.Pkthdr, bytes], None]:
    add = packet_blocks(pieces)

    def on_packet(header: cypcap.Pkthdr, data: bytes) -> None:
        newest[0] = when = header.ts
        add(when, header.len, data)

    return on_packet
