"""Small TLS libraries: what OpenSSL's side of each handshake says is held against what was had of theirs."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from plainwire import case
from plainwire.acquire import inspection
from plainwire.acquire.launch import launch
from tests.acquire.conftest import CLIENTS
from tests.acquire.test_interposer_clients import free_port
from tests.acquire.tls_server import certificate, key_lines, tls_server
from tests.needs import tool, without

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from plainwire.acquire.launch import Program
    from tests.acquire.conftest import Run
    from tests.acquire.tls_server import TlsServer

LIBRARIES = {
    "mbedtls": ("mbedtls/ssl.h", ["-lmbedtls", "-lmbedx509", "-lmbedcrypto", "-pthread"]),
    "wolfssl": ("wolfssl/ssl.h", ["-lwolfssl"]),
    "bearssl": ("bearssl.h", ["-lbearssl"]),
}
TWICE = """
import subprocess, sys
print(subprocess.run(sys.argv[1:], input="new\\nnew\\nagain\\n", capture_output=True, text=True).stdout)
"""


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A way to the client of each library; each is compiled once."""
    folder = tmp_path_factory.mktemp("small_tls")

    def client(name: str) -> Path:
        header, libraries = LIBRARIES[name]
        made = folder / name
        if not (Path("/usr/include") / header).exists():
            without(f"not on this machine: {header} (as root, make system installs what tests use)")
        if not made.exists():
            command = [tool("gcc"), "-O1", f"-DWITH_{name.upper()}", "-o", str(made)]
            subprocess.run([*command, str(CLIENTS / "small_tls.c"), *libraries], check=True, timeout=120)
        return made

    return client


@pytest.fixture(params=["mbedtls-12", "wolfssl-12", "wolfssl-13", "bearssl-12"])
def library(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, TlsServer]]:
    """A library, and a server of a version of TLS that it has."""
    name, version = request.param.split("-")
    wanted = ssl.TLSVersion.TLSv1_2 if version == "12" else ssl.TLSVersion.TLSv1_3
    with tls_server(tmp_path, wanted) as running:
        yield name, running


def test_client_whose_second_session_resumes_the_first(
    run: Run, library: tuple[str, TlsServer], small: Callable[[str], Path]
) -> None:
    name, server = library
    command = [str(small(name)), str(server.port), "told", "resume"]
    outcome = run(sys.executable, "-c", TWICE, *command)
    assert (outcome.status, outcome.output.split()) == (0, ["ready", "200", "200", "200"]), outcome.errors
    assert len({line.split()[1] for line in server.secrets()}) == 2
    assert outcome.keys == server.secrets()
    told = [json.loads(line) for line in outcome.lines("tls")]
    assert {event["client_random"] for event in told} == {line.split()[1] for line in server.secrets()}
    assert {(event["how"], f"lib{name}" in event["library"]) for event in told} == {
        ("callback" if name == "mbedtls" else "derivation", True)
    }


@pytest.mark.parametrize("name", ["mbedtls", "wolfssl"])
def test_server(name: str, small: Callable[[str], Path], tmp_path: Path) -> None:
    """It tells what its client, which is OpenSSL, tells as well."""
    trusted, key = certificate(tmp_path)
    port, made = free_port(), case.create(tmp_path / "case")
    context = ssl.create_default_context(cafile=trusted)
    context.keylog_filename = str(tmp_path / "truth.log")
    program = launch([str(small(name)), "serve", str(trusted), str(key), str(port)], made)
    try:
        with context.wrap_socket(_connected(program, port), server_hostname="localhost") as connection:
            connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert connection.recv(100).startswith(b"HTTP/1.1 200")
        assert program.wait(60) == 0
    finally:
        if program.poll() is None:
            program.send_signal(9)
            program.wait(60)
        program.finish()
    assert key_lines(made.keys) == key_lines(tmp_path / "truth.log") != set()


def _connected(program: Program, port: int) -> socket.socket:
    """A connection, once the program listens."""
    while program.poll() is None:
        with contextlib.suppress(ConnectionRefusedError):
            return socket.create_connection(("127.0.0.1", port), timeout=60)
        time.sleep(0.02)
    pytest.fail("it ended")


def test_both_sides_in_one_process_and_callbacks_of_its_own(
    run: Run, small: Callable[[str], Path], tmp_path: Path
) -> None:
    """The program's own two callbacks are called as ever, with what it wants them to be called with."""
    pair = [str(small("mbedtls")), "pair", *map(str, certificate(tmp_path))]
    outcome = run(*pair)
    assert (outcome.status, outcome.errors) == (0, "")
    plain, line = outcome.output.splitlines()
    assert plain == "plain CLIENT_RANDOM"
    assert outcome.case.keys.read_text().splitlines() == [line, line]  # of either side


def test_inspection_names_it(small: Callable[[str], Path]) -> None:
    for name, said in (("mbedtls", "mbedTLS"), ("wolfssl", "wolfSSL"), ("bearssl", "BearSSL")):
        (found,) = inspection.of_command([str(small(name))]).libraries
        assert (found.name, found.method) == (said, "preload")
        assert Path(found.path).name.startswith(f"lib{name}.so")
        assert (found.version is None) == (name == "bearssl")
