"""The way between two TUN devices: every packet arrives ``delay`` seconds after it was sent.

A path with a round trip time, for machines whose kernel has no netem. It forwards packets and ends
no connection: what a server acknowledges, the server acknowledged (a TCP proxy's kernel would
acknowledge a request that the server never got, and so hide the very race that is to be shown).
"""

from __future__ import annotations

import os
import select
import sys
import time
from collections import deque
from dataclasses import dataclass

QUEUE_LIMIT = 10_000
"""Packets on the way; more are dropped, as a router would."""
MTU = 65536


@dataclass(frozen=True, slots=True)
class _Packet:
    due: float
    target: int
    data: bytes


def forward(client: int, server: int, control: int, delay: float, lifetime: float) -> None:
    """Carry packets between two TUN descriptors until ``control`` ends, or for ``lifetime`` seconds."""
    other = {client: server, server: client}
    waiting: deque[_Packet] = deque()
    end = time.monotonic() + lifetime
    while (now := time.monotonic()) < end:
        due = waiting[0].due if waiting else end
        ready, _, _ = select.select([client, server, control], [], [], max(0.0, min(due, end) - now))
        if control in ready and not os.read(control, 4096):
            return
        now = time.monotonic()
        for source in set(ready) & other.keys():
            data = os.read(source, MTU)
            if len(waiting) < QUEUE_LIMIT:
                waiting.append(_Packet(now + delay, other[source], data))
        while waiting and waiting[0].due <= now:
            packet = waiting.popleft()
            os.write(packet.target, packet.data)


def main() -> None:
    """``middlebox CLIENT_FD SERVER_FD DELAY LIFETIME``; ends with standard input."""
    client, server = int(sys.argv[1]), int(sys.argv[2])
    forward(client, server, sys.stdin.fileno(), float(sys.argv[3]), float(sys.argv[4]))


if __name__ == "__main__":
    main()
