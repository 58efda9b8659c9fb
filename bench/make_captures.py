"""Make the captures that plainwire and tshark are compared on.

``small``: 50,000 small exchanges over 50 keep-alive connections of TLS 1.3, with headers as an API client
and nginx have them. ``download``: one response of 200 MB. Real client, real nginx, real packets: loopback
in a network namespace of its own with an MTU of 1500 and no segmentation offload, so that packets are as
large as on a real network. The key log lies beside each capture (``NAME.keys``) and inside it (Decryption
Secrets Block).

A capture that is there already is kept (``--force`` makes it anew).
"""

from __future__ import annotations

import argparse
import array
import contextlib
import fcntl
import http.client
import os
import re
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from webserver import command, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

CONNECTIONS = 50
THREADS = 5
DEFAULT_FOLDER = Path(__file__).parent / "build"
QUIET_SECONDS = 2.0

HEADERS = {
    "User-Agent": "python-requests/2.32.3",
    "Accept-Encoding": "gzip, deflate",
    "Accept": "application/json",
    "Connection": "keep-alive",
    "Authorization": "Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.c3luY2gtam9i.Zm9yLXRoaXMtYmVuY2htYXJr",
    "X-Client-Version": "4.11.2",
}


def main() -> None:
    """Make both captures, each in a network namespace of its own."""
    options = _options()
    if options.inside:
        options.out.mkdir(parents=True, exist_ok=True)
        _ordinary_loopback()
        for name in options.names:
            _capture(name, options)
        return
    names = [
        name
        for name in ("small", "download")
        if options.force or not (options.out / f"{name}.pcapng").exists()
    ]
    if not names:
        print(f"{options.out}: both captures are there")
        return
    namespace = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--net", "--map-root-user"]
    subprocess.run(
        [*namespace, sys.executable, __file__, *sys.argv[1:], "--inside", "--names", *names], check=True
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=DEFAULT_FOLDER, help="folder (default: %(default)s)")
    parser.add_argument("--exchanges", type=int, default=50_000)
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--force", action="store_true", help="make them anew")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--names", nargs="*", default=[], help=argparse.SUPPRESS)
    return parser.parse_args()


def _ordinary_loopback() -> None:
    """Loopback up, with Ethernet's MTU and without segmentation or receive offload.

    The ioctls stand for ``ip link set lo up mtu 1500`` and ``ethtool -K lo tso off gso off gro off``:
    neither tool is sure to be there.
    """
    set_flags, set_mtu, ethtool = 0x8914, 0x8922, 0x8946  # SIOCSIFFLAGS, SIOCSIFMTU, SIOCETHTOOL
    up = 0x1
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, set_flags, struct.pack("16sh22x", b"lo", up))
        fcntl.ioctl(control, set_mtu, struct.pack("16si20x", b"lo", 1500))
        for offload in (0x1F, 0x24, 0x2C):  # ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_SGRO
            value = array.array("I", [offload, 0])
            fcntl.ioctl(control, ethtool, struct.pack("16sP16x", b"lo", value.buffer_info()[0]))


def _capture(name: str, options: argparse.Namespace) -> None:
    result, keys = options.out / f"{name}.pcapng", options.out / f"{name}.keys"
    keys.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix="plainwire-bench-") as made:
        folder = Path(made)
        raw = folder / "raw.pcapng"
        with serving(folder) as (port, authority):
            context = ssl.create_default_context(cafile=str(authority))
            context.keylog_filename = str(keys)
            if name == "download":
                _write_random(folder / "object", options.megabytes)
            started = time.monotonic()
            with _capturing(port, raw):
                if name == "small":
                    _many_exchanges(port, context, options.exchanges)
                else:
                    _download(port, context)
                seconds = time.monotonic() - started
        subprocess.run(
            [command("editcap"), "--inject-secrets", f"tls,{keys}", str(raw), str(result)], check=True
        )
    print(f"{result}: {result.stat().st_size / 1e6:.1f} MB, made in {seconds:.0f} s")


@contextlib.contextmanager
def _capturing(port: int, raw: Path) -> Iterator[None]:
    dumpcap = subprocess.Popen(
        [command("dumpcap"), "-i", "lo", "-B", "512", "-f", f"tcp port {port}", "-w", str(raw)],
        stderr=subprocess.PIPE,
        text=True,
    )
    stderr = dumpcap.stderr
    if stderr is None or not any(line.startswith("File:") for line in stderr):
        sys.exit("dumpcap did not start")
    try:
        yield
        time.sleep(QUIET_SECONDS)  # the kernel hands over its last block
    finally:
        dumpcap.send_signal(signal.SIGINT)
        said = stderr.read()
        dumpcap.wait()
    received = re.search(r"received/dropped on interface '[^']*': (\d+)/(\d+)", said)
    if received is None or int(received[2]):
        sys.exit(f"packets were lost while capturing: {said.strip()}")


def _many_exchanges(port: int, context: ssl.SSLContext, exchanges: int) -> None:
    """Spread ``exchanges`` over the connections, in turn within each thread."""
    failures: list[BaseException] = []

    def work(thread: int) -> None:
        try:
            connections = [
                http.client.HTTPSConnection("localhost", port, context=context, timeout=60)
                for _ in range(CONNECTIONS // THREADS)
            ]
            for number in range(thread, exchanges, THREADS):
                _exchange(connections[number // THREADS % len(connections)], number)
            for connection in connections:
                connection.close()
        except BaseException as error:  # noqa: BLE001 - handed to the main thread below
            failures.append(error)

    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def _exchange(connection: http.client.HTTPSConnection, number: int) -> None:
    """One request of an object store's API: mostly GET, some PUT and HEAD, some for what is not there."""
    kind = number % 20
    headers = {**HEADERS, "X-Request-Id": f"{number:032x}"}
    path = f"/v1/objects/backup-{number:06d}.tar"
    if kind in {3, 11}:
        body = b'{"name": "backup-%06d.tar", "note": "weekly", "bytes": %d}' % (number, number * 7)
        connection.request("PUT", path, body, {**headers, "Content-Type": "application/json"})
    elif kind == 7:
        connection.request("HEAD", path, headers=headers)
    elif kind == 13:
        connection.request("GET", path.replace("objects", "missing"), headers=headers)
    else:
        connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    response.read()


def _download(port: int, context: ssl.SSLContext) -> None:
    connection = http.client.HTTPSConnection("localhost", port, context=context, timeout=60)
    connection.request("GET", "/download/object", headers=HEADERS)
    response = connection.getresponse()
    while response.read(1 << 20):
        pass
    connection.close()


def _write_random(path: Path, megabytes: int) -> None:
    with path.open("wb") as file:
        for _ in range(megabytes):
            file.write(os.urandom(1_000_000))


if __name__ == "__main__":
    main()
