"""Captures of thousands of failures of one kind: twice as many must not take four times as long.

Rules compare failures with one another, which is where time that grows with the square comes from. Each
kind is made in two sizes; the table shows the processor time of an analysis for both, and their ratio.

    python bench/floods.py [--failures 4000] [KIND ...]
"""

from __future__ import annotations

import argparse
import os
import struct
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SYN, RST, PSH, ACK, FIN = 2, 4, 8, 16, 1
SERVER, PORT = bytes((203, 0, 113, 7)), 80
REQUEST = b"GET /%d HTTP/1.1\r\nHost: storage.example\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
BUSY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
LATER = 2_000_000  # microseconds

Packet = tuple[int, bytes]


class Client:
    """One connection, its segments at microseconds after its own beginning."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.address = bytes((10, number >> 16 & 255, number >> 8 & 255, number & 255))
        self.port = 1024 + number % 60000
        self.sent = [1, 1]  # by client and server
        self.packets: list[Packet] = []

    def segment(self, server: int, at: int, flags: int, data: bytes = b"", *, ack: bool = True) -> None:
        """One segment; the acknowledgment is of all that the other side sent."""
        ends = (self.address, SERVER), (self.port, PORT)
        source, target = (ends[0], ends[1]) if not server else (ends[0][::-1], ends[1][::-1])
        number = self.sent[server] - (1 if flags & SYN else 0)
        known, flags = (self.sent[1 - server], flags | ACK) if ack else (0, flags)
        tcp = struct.pack("!HHIIBBHHH", *target, number, known, 5 << 4, flags, 500, 0, 0) + data
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 1, 0, 64, 6, 0) + source[0] + source[1]
        self.packets.append((self.number * 3000 + at, head + tcp))
        self.sent[server] += len(data) + (1 if flags & FIN else 0)

    def opened(self) -> None:
        """The handshake of TCP."""
        self.segment(0, 0, SYN, ack=False)
        self.segment(1, 100, SYN)
        self.segment(0, 200, 0)

    def asks(self, at: int = 300, *, times: int = 1) -> None:
        """A request, sent so often."""
        request = REQUEST % (self.number // 2)
        for sending in range(times):
            self.segment(0, at + sending * 300_000, PSH, request)
            self.sent[0] -= len(request) if sending < times - 1 else 0

    def answered(self) -> None:
        """A request, and its answer."""
        self.asks()
        self.segment(1, 400, PSH, ANSWER)


def _silent(client: Client) -> None:
    client.segment(0, 0, SYN, ack=False)


def _refused(client: Client) -> None:
    client.segment(0, 0, SYN, ack=False)
    client.segment(1, 50, RST)


def _reset(client: Client) -> None:
    client.opened()
    client.asks()
    client.segment(1, 400, RST)


def _repeated(client: Client) -> None:
    client.opened()
    client.asks()
    client.segment(1, 400, FIN) if client.number % 2 == 0 else client.segment(1, 400, PSH, ANSWER)


def _busy(client: Client) -> None:
    client.opened()
    client.asks()
    client.segment(1, 400, PSH, BUSY)


def _race(client: Client) -> None:
    client.opened()
    client.answered()
    known = client.sent[0]
    client.asks(LATER)
    sent, client.sent[0] = client.sent[0], known  # the close acknowledges nothing of the request
    client.segment(1, LATER + 10, FIN)
    client.sent[0] = sent
    client.segment(1, LATER + 200, RST, ack=False)


def _dropped(client: Client) -> None:
    client.opened()
    client.answered()
    client.asks(LATER, times=5)
    client.segment(0, LATER + 1_500_000, RST)


KINDS: dict[str, Callable[[Client], None]] = {
    "syn-timeout": _silent,
    "connection-refused": _refused,
    "reset-mid-request": _reset,
    "hidden-retry": _repeated,
    "overload-5xx": _busy,
    "keepalive-idle-race": _race,
    "nat-idle-drop": _dropped,
}


def _packets(kind: str, count: int) -> Iterator[Packet]:
    for number in range(count):
        client = Client(number)
        KINDS[kind](client)
        yield from client.packets


def _write(path: Path, kind: str, count: int) -> None:
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101))
        for at, data in sorted(_packets(kind, count)):
            seconds, rest = divmod(1_700_000_000_000_000 + at, 1_000_000)
            file.write(struct.pack("<IIII", seconds, rest, len(data), len(data)) + data)


def _seconds(path: Path) -> tuple[float, str]:
    """Processor time of an analysis, and the first code that it finds."""
    before = os.times()
    command = [sys.executable, "-m", "plainwire", "analyze", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    code = next(
        (line.split(" ", 1)[1] for line in done.stdout.splitlines() if line.startswith("1. ")), "none"
    )
    return used, code


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"of {', '.join(KINDS)}")
    parser.add_argument("--failures", type=int, default=4000, help="of the smaller capture")
    options = parser.parse_args()
    print(f"{'kind':22}{'found':24}{options.failures:>8}{2 * options.failures:>9}  ratio")
    with tempfile.TemporaryDirectory() as folder:
        for kind in options.kinds or KINDS:
            used = []
            for count in (options.failures, 2 * options.failures):
                path = Path(folder) / f"{kind}-{count}.pcap"
                _write(path, kind, count)
                seconds, code = _seconds(path)
                used.append(seconds)
            print(f"{kind:22}{code:24}{used[0]:7.1f}s{used[1]:8.1f}s{used[1] / used[0]:7.2f}")


if __name__ == "__main__":
    main()
