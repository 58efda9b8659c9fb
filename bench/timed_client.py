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
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def main() -> None:
    """Write the seconds of every request and handshake, and the CPU seconds of each kind, to RESULT."""
    port, authority, requests, handshakes, result = sys.argv[1:]
    context = ssl.create_default_context(cafile=authority)
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

    times = {"requests": _timed(request, int(requests)), "handshakes": _timed(handshake, int(handshakes))}
    Path(result).write_text(json.dumps(times), encoding="utf-8")


def _timed(work: Callable[[], None], count: int) -> dict[str, float | list[float]]:
    work()
    cpu = time.process_time()
    marks = [time.perf_counter()]
    for _ in range(count):
        work()
        marks.append(time.perf_counter())
    cpu = time.process_time() - cpu
    return {"each": [after - before for before, after in pairwise(marks)], "cpu": cpu}


if __name__ == "__main__":
    main()
