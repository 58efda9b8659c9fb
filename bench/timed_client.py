"""The program that ``overhead.py`` measures: it times its own requests and handshakes.

Usage: timed_client.py PORT AUTHORITY REQUESTS HANDSHAKES RESULT
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def main() -> None:
    """Write the seconds and the CPU seconds of each kind of work to RESULT."""
    port, authority, requests, handshakes, result = sys.argv[1:]
    context = ssl.create_default_context(cafile=authority)
    times: dict[str, float] = {}
    connection = http.client.HTTPSConnection("localhost", int(port), context=context)

    def request() -> None:
        connection.request("GET", "/v1/objects/backup-000001.tar")
        connection.getresponse().read()

    def handshake() -> None:
        with (
            socket.create_connection(("localhost", int(port))) as plain,
            context.wrap_socket(plain, server_hostname="localhost"),
        ):
            pass

    for name, work, count in (
        ("requests", request, int(requests)),
        ("handshakes", handshake, int(handshakes)),
    ):
        work()
        times[name], times[f"{name}_cpu"] = _timed(work, count)
    Path(result).write_text(json.dumps(times), encoding="utf-8")


def _timed(work: Callable[[], None], count: int) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(count):
        work()
    return time.perf_counter() - wall, time.process_time() - cpu


if __name__ == "__main__":
    main()
