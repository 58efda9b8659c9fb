"""OpenStack Swift itself: one account, container, object and proxy server each, and a load balancer in front.

The load balancer ends TLS. It cuts off the first request for each object whose name ends in 5.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from plainwire.lab import certificates
from tests.needs import needs, tool

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainwire.lab.certificates import Certificates

KINDS = ("account", "container", "object", "proxy")
PORTS = dict(zip(KINDS, (6202, 6201, 6200, 8080), strict=True))
"""Swift's own, at an address of the loopback network that no other test uses."""

SERVER = """
[DEFAULT]
bind_ip = {address}
bind_port = {port}
workers = 0
user = root
swift_dir = {etc}
devices = {devices}
mount_check = false
[pipeline:main]
pipeline = {kind}-server
[app:{kind}-server]
use = egg:swift#{kind}
recon_cache_path = {devices}
allow_account_management = true
account_autocreate = true
"""

RINGS = """
import sys
from swift.common.ring import RingBuilder
etc, address = sys.argv[1:3]
for kind, port in zip(("account", "container", "object"), (6202, 6201, 6200)):
    ring = RingBuilder(4, 1, 0)
    device = dict(id=0, region=1, zone=1, device="disk", weight=1.0, meta="")
    device.update(ip=address, port=port, replication_ip=address, replication_port=port)
    ring.add_dev(device)
    ring.rebalance()
    ring.get_ring().save(f"{etc}/{kind}.ring.gz")
"""

BALANCER = """
global
    log stdout format raw local0
defaults
    mode http
    log global
    log-format '%ST %HM %HP'
    timeout client 30s
    timeout connect 5s
    timeout server 30s
frontend storage
    bind fd@{descriptor} ssl crt {bundle} alpn http/1.1
    stick-table type string len 200 size 10k expire 10m store http_req_cnt
    http-request track-sc0 path if {{ method GET }} {{ path_end 5 }}
    http-request reject if {{ method GET }} {{ path_end 5 }} {{ sc_http_req_cnt(0) eq 1 }}
    default_backend swift
backend swift
    server proxy {address}:8080
"""


class Storage:
    """``url`` is that of the load balancer; ``stop`` it before its log is read."""

    def __init__(self, url: str, papers: Certificates, log: Path, balancer: subprocess.Popen[bytes]) -> None:
        self.url, self.authority = url, papers.authority
        self._log, self._balancer = log, balancer

    def cut_off(self) -> list[str]:
        """Stop the load balancer; return the paths of the requests that it cut off, by its own log."""
        _end(self._balancer)
        lines = [line.split() for line in self._log.read_text(encoding="utf-8").splitlines()]
        return sorted(line[2] for line in lines if len(line) == 3 and line[0] == "-1" and line[1] == "GET")


@contextlib.contextmanager
def storage(folder: Path) -> Iterator[Storage]:
    """Swift with one disk, and the load balancer in front of it."""
    needs("root", "haproxy")
    address = f"127.77.{os.getpid() // 250 % 250}.{os.getpid() % 250 + 1}"
    with contextlib.ExitStack() as running:
        for server in _servers(folder, address):
            running.callback(_end, server)
        for port in PORTS.values():
            _wait((address, port))
        papers = certificates.make(folder, ("127.0.0.1",))
        listener = running.enter_context(socket.create_server(("127.0.0.1", 0), backlog=64))
        text = BALANCER.format(descriptor=listener.fileno(), bundle=papers.bundle, address=address)
        (folder / "haproxy.cfg").write_text(text, encoding="utf-8")
        log = folder / "haproxy.log"
        with log.open("wb") as output:
            command = [tool("haproxy"), "-db", "-f", str(folder / "haproxy.cfg")]
            balancer = subprocess.Popen(command, stdout=output, pass_fds=(listener.fileno(),))
        running.callback(_end, balancer)
        yield Storage(f"https://127.0.0.1:{listener.getsockname()[1]}", papers, log, balancer)


def _servers(folder: Path, address: str) -> Iterator[subprocess.Popen[bytes]]:
    etc, devices = folder / "etc", folder / "srv"
    (devices / "disk").mkdir(parents=True)
    etc.mkdir()
    secret = "[swift-hash]\nswift_hash_path_prefix = a\nswift_hash_path_suffix = b\n"
    (etc / "swift.conf").write_text(secret, encoding="utf-8")
    subprocess.run([sys.executable, "-c", RINGS, etc, address], check=True, timeout=60)
    for kind in KINDS:
        place = {"address": address, "port": PORTS[kind], "etc": etc, "devices": devices, "kind": kind}
        (etc / f"{kind}.conf").write_text(SERVER.format(**place), encoding="utf-8")
        program = Path(sys.executable).with_name(f"swift-{kind}-server")
        with (folder / f"{kind}.log").open("wb") as log:
            command = [sys.executable, str(program), str(etc / f"{kind}.conf"), "-v"]
            yield subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)


def _wait(address: tuple[str, int]) -> None:
    for _ in range(600):
        with contextlib.suppress(OSError), socket.create_connection(address, timeout=10):
            return
        time.sleep(0.1)
    pytest.fail("Swift did not start")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
