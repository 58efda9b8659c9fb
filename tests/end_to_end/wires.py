"""Real servers for the tests of every wire: started on sockets that are already open, ended by pid."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from plainwire.lab import certificates
from tests.needs import needs, tool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from plainwire.lab.certificates import Certificates

HOST, HOST6 = "127.0.0.1", "::1"
CLIENTS = Path(__file__).parent / "clients"
_SECONDS, _TRIES = 30, 3

_NGINX = """
daemon off;
user root;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ }}
http {{
    log_format line '$remote_port|$server_protocol|$status|$request_method|$request_uri'
        '|$ssl_protocol|$ssl_session_reused|$body_bytes_sent|$proxy_protocol_addr';
    access_log {folder}/access.log line;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    default_type text/plain;
    ssl_certificate {papers.chain};
    ssl_certificate_key {papers.key};
    {servers}
}}
"""


@dataclass(frozen=True)
class Logged:
    """One line of nginx's access log."""

    client_port: int
    protocol: str
    status: int
    method: str
    target: str
    tls: str
    reused: bool
    body_size: int
    claimed_client: str


@dataclass(frozen=True)
class Nginx:
    """``ports`` are those of the sockets that it was given, in their order."""

    ports: list[int]
    papers: Certificates
    folder: Path
    process: subprocess.Popen[bytes]

    def url(self, target: str = "", *, number: int = 0, scheme: str = "https", host: str = HOST) -> str:
        return f"{scheme}://{host}:{self.ports[number]}{target}"

    def logged(self) -> list[Logged]:
        """Stop the server; return the requests that it logged, in order."""
        end(self.process)
        rows = [
            line.split("|") for line in (self.folder / "access.log").read_text(encoding="utf-8").splitlines()
        ]
        return [
            Logged(int(r[0]), r[1], int(r[2]), r[3], r[4], r[5], r[6] == "r", int(r[7]), r[8]) for r in rows
        ]


@contextlib.contextmanager
def nginx(
    folder: Path,
    servers: str,
    *,
    hosts: Sequence[str] = (HOST,),
    listen: Callable[[str], socket.socket] | None = None,
) -> Iterator[Nginx]:
    """An nginx with one listening socket on each of ``hosts``, made by ``listen``.

    ``servers`` are its server blocks; ``{0}`` stands for the address and port of the first socket.
    """
    needs("root")
    program = tool("nginx")
    folder.mkdir()
    papers = certificates.make(folder, tuple({HOST, "localhost", *hosts}))
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context((listen or listening)(host)) for host in hosts]
        ports = [s.getsockname()[1] for s in sockets]
        addresses = [_address(host, port) for host, port in zip(hosts, ports, strict=True)]
        for number, address in enumerate(addresses):
            servers = servers.replace(f"{{{number}}}", address)
        (folder / "nginx.conf").write_text(nginx_configuration(folder, papers, servers), encoding="utf-8")
        command = [program, "-p", str(folder), "-c", str(folder / "nginx.conf")]
        inherited = {"NGINX": "".join(f"{s.fileno()};" for s in sockets)}
        process = stack.enter_context(started(command, folder / "output", sockets, inherited))
        yield Nginx(ports, papers, folder, process)


def nginx_configuration(folder: Path, papers: Certificates, servers: str) -> str:
    """A whole nginx.conf around server blocks; all that nginx writes goes into ``folder``."""
    return _NGINX.format(folder=folder, papers=papers, servers=servers)


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def listening(host: str = HOST) -> socket.socket:
    """A TCP socket that listens on a free port of ``host``."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, 0), family=family, backlog=64)


@contextlib.contextmanager
def started(
    command: Sequence[object],
    output: Path,
    sockets: Sequence[socket.socket] = (),
    environment: dict[str, str] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server to the end of the block. ``sockets`` are its own from then on.

    A client that comes before the server is ready waits in the socket's queue; where the server did not
    start it is refused.
    """
    with (
        output.open("wb") as log,
        subprocess.Popen(
            [str(word) for word in command],
            stdout=log,
            stderr=subprocess.STDOUT,
            pass_fds=[s.fileno() for s in sockets],
            env={**os.environ, **(environment or {})},
        ) as process,
    ):
        for held in sockets:
            held.close()
        try:
            yield process
        finally:
            end(process)


@contextlib.contextmanager
def on_free_port(
    command: Callable[[int], Sequence[object]], output: Path
) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """Run a server that opens its own socket, on a port that was free a moment ago."""
    for _ in range(_TRIES):
        with listening() as free:
            port: int = free.getsockname()[1]
        with started(command(port), output) as process:
            if _accepts(port, process):
                yield port, process
                return
    pytest.fail(f"the server did not start: {output.read_text(errors='replace')[-500:]}")


def _accepts(port: int, process: subprocess.Popen[bytes]) -> bool:
    for _ in range(_SECONDS * 20):
        if process.poll() is not None:
            return False
        with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=5):
            return True
        time.sleep(0.05)
    return False


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask a process to end, and see to it."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def python(script: str, *words: object) -> list[object]:
    """The command of one of the programs in ``clients/``."""
    return [sys.executable, CLIENTS / script, *words]


@contextlib.contextmanager
def hypercorn(output: Path, *options: object, datagrams: Sequence[socket.socket] = ()) -> Iterator[int]:
    """A hypercorn that serves ``clients/app.py``, in clear text unless ``options`` say more; its port."""
    stream = listening()
    port: int = stream.getsockname()[1]
    command = [sys.executable, "-m", "hypercorn", "--bind", f"fd://{stream.fileno()}", *options, "app:app"]
    with started(command, output, [stream, *datagrams], {"PYTHONPATH": str(CLIENTS)}):
        yield port
