"""Live capture through Wireshark's ``dumpcap``, for users who may capture only with it.

``dumpcap`` writes pcapng to a pipe, and we write the file: so it ends by itself when we are killed (its next
write fails), and the file has our modes. It has a session of its own, so that Ctrl-C reaches only the
program.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING

from plainwire.capture.pcapng import PACKET, STATISTICS, sink, whole_blocks
from plainwire.model import CaptureEnd, NoRightError, UserError

if TYPE_CHECKING:
    from plainwire.capture.pcapng import CaptureTarget

NAME = "dumpcap"
_PLACES = ("/usr/local/bin", "/usr/bin", "/usr/local/sbin", "/usr/sbin")
_RING_MEGABYTES = 64
_START_SECONDS = 20.0
_QUIET = 0.6
"""Seconds without a packet after which none are left: ``dumpcap`` reads and writes packets every 0.25 s."""
_LONGEST_LINGER = 2.0
_END_SECONDS = 10.0
_ISB_DROPPED = 5  # isb_ifdrop


def start(file: CaptureTarget, interface: str, capture_filter: str, snaplen: int) -> DumpcapCapture:
    """Start ``dumpcap`` and return once it captures.

    Raises:
        NoRightError: it is missing, or has no right to capture either.
        UserError: it rejects the filter.

    """
    program = find()
    if program is None:
        raise NoRightError(_advice(None))
    command = [
        program,
        "-q",
        "-n",
        "-i",
        interface,
        "-s",
        str(snaplen),
        "-B",
        str(_RING_MEGABYTES),
        "-w",
        "-",
    ]
    if capture_filter:
        command += ["-f", capture_filter]
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        env={**os.environ, "LC_ALL": "C"},
    )
    header = _header(_pipe(process.stdout))
    if header:
        return DumpcapCapture(process, file, header)
    process.kill()
    complaint = process.communicate()[1].decode(errors="replace")
    if "permission" in complaint.lower():
        raise NoRightError(_advice(program))
    raise UserError(_explain(complaint, capture_filter))


def find() -> str | None:
    """Find a ``dumpcap`` that we may execute."""
    return shutil.which("dumpcap", path=os.pathsep.join((os.environ.get("PATH", ""), *_PLACES)))


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    """``stream``, which exists because it was asked for."""
    if stream is None:
        raise AssertionError
    return stream


def _header(output: IO[bytes]) -> bytes:
    """Its first blocks, written once it captures. Empty if it ended instead."""
    data, deadline = b"", time.monotonic() + _START_SECONDS
    while not whole_blocks(data, len(data)) and time.monotonic() < deadline:
        if select.select([output], [], [], 0.2)[0]:
            piece = os.read(output.fileno(), 1 << 16)
            if not piece:
                return b""
            data += piece
    return data


def _explain(complaint: str, capture_filter: str) -> str:
    lines = [line.removeprefix("dumpcap: ") for line in complaint.splitlines()]
    if capture_filter and any("filter" in line for line in lines):
        return f"capture filter {capture_filter!r}: not accepted by dumpcap"
    said = next(
        (line for line in lines if line and not line.startswith("Capturing on")),
        "it ended without an error message",
    )
    return f"dumpcap cannot capture: {said}"


def _advice(program: str | None) -> str:
    """The command that grants the right. Not to Python: every script would have it, and the loader would then
    keep our library out of Python programs.
    """
    locked = next((p for place in _PLACES if (p := Path(place, "dumpcap")).exists()), None)
    if program is None and locked is not None:
        grant = f"sudo usermod -aG {locked.group()} $USER` and log in again"
    else:
        install = "" if program else "sudo apt install wireshark-common && "
        grant = f"{install}sudo setcap cap_net_raw,cap_net_admin+eip {program or '/usr/bin/dumpcap'}`"
    ourselves = Path(sys.argv[0]).absolute() if Path(sys.argv[0]).name == "plainwire" else "plainwire"
    return (
        f"no right to capture packets: use `sudo {ourselves} run ...` (the program still runs as you), "
        f"or grant it once: `{grant}"
    )


class DumpcapCapture:
    """A capture through ``dumpcap``."""

    how = NAME

    def __init__(self, process: subprocess.Popen[bytes], file: CaptureTarget, header: bytes) -> None:
        self._process = process
        self._packets = 0
        self._dropped: int | None = None
        self._arrived = time.monotonic()
        whole = whole_blocks(header, len(header))
        try:
            self._file = sink(file, header[:whole])
        except UserError:
            process.kill()
            process.communicate()
            raise
        self._rest = bytearray(header[whole:])
        self._threads = [
            threading.Thread(target=target, name="capture", daemon=True)
            for target in (self._copy, self._swallow)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def over(self) -> bool:
        """See ``live.Capture``."""
        return not self._threads[0].is_alive()

    def counted(self) -> tuple[int, int | None]:
        """See ``live.Capture``."""
        return self._packets, self._dropped

    def shed(self, shedding: int) -> bool:
        """See ``live.PacketCapture``: its filter is fixed when it starts."""
        return not shedding

    def stop(self) -> CaptureEnd:
        """See ``live.Capture``. Takes ``_QUIET`` to ``_LONGEST_LINGER`` seconds."""
        asked = time.monotonic()
        while self._threads[0].is_alive() and not self._over(asked, time.monotonic()):
            time.sleep(_QUIET / 20)
        early = self._process.poll() is not None
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for thread in self._threads:
            thread.join()
        self._file.close()
        trouble = self._file.trouble or ("dumpcap ended too early" if early else None)
        return CaptureEnd(self._packets, self._dropped, trouble)

    def _over(self, asked: float, now: float) -> bool:
        return now - max(asked, self._arrived) >= _QUIET or now - asked >= _LONGEST_LINGER

    def _copy(self) -> None:
        """Copy its blocks into the file until it ends; end it if the file takes no more."""
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        with _pipe(self._process.stdout) as output:
            while self._file.trouble is None and (piece := os.read(output.fileno(), 1 << 20)):
                self._rest += piece
                whole = whole_blocks(self._rest, len(self._rest))
                self._note(whole)
                self._file.write(bytes(self._rest[:whole]))
                del self._rest[:whole]

    def _note(self, whole: int) -> None:
        at = 0
        while at < whole:
            kind, length = struct.unpack_from("=II", self._rest, at)
            if kind == PACKET:
                self._packets += 1
                self._arrived = time.monotonic()
            elif kind == STATISTICS:
                self._dropped = _dropped(self._rest[at + 20 : at + length - 4])
            at += length

    def _swallow(self) -> None:
        """Drop its messages, which are of no use after the start; a full pipe would stop it."""
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        with _pipe(self._process.stderr) as words:
            while words.read(1 << 12):
                pass


def _dropped(options: bytes | bytearray) -> int | None:
    at = 0
    while at + 4 <= len(options):
        code, length = struct.unpack_from("=HH", options, at)
        if code == _ISB_DROPPED and length == 8 and at + 12 <= len(options):
            return int(struct.unpack_from("=Q", options, at + 4)[0])
        at += 4 + length + (-length & 3)
    return None
