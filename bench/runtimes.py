"""Which programs' secrets `plainwire run` has, and how: real clients, and a server whose key log is true.

``python bench/runtimes.py`` writes docs/runtimes.md: one row a client, one column a version of TLS. A cell
says how many of the server's secrets were had, of how many; programs that are not on this machine say so.
Nothing is captured: this is about secrets.
"""

from __future__ import annotations

import os
import platform
import shutil
import ssl
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from plainwire import case as cases
from plainwire.acquire import events
from plainwire.acquire.launch import launch
from tests.acquire.tls_server import TlsServer, key_lines, tls_server

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[1]
CLIENTS = ROOT / "tests" / "acquire" / "clients"
PAGE = ROOT / "docs" / "runtimes.md"
PATIENCE = 120.0  # seconds for one client
VERSIONS = {"TLS 1.2": ssl.TLSVersion.TLSv1_2, "TLS 1.3": ssl.TLSVersion.TLSv1_3}
WAYS = {
    "callback": "OpenSSL's own callback",
    "patch": "a patch in memory",
    "agent": "from inside the virtual machine",
}
Command = list[str]


class Client(Struct, frozen=True):
    """One program. ``command`` is None where it is not on this machine."""

    name: str
    tls: str
    command: Callable[[TlsServer, Path], Command | None]


class Cell(Struct, frozen=True):
    """What came of one run: ``had`` of ``all`` secrets, in the ways ``how``; ``wrong`` ones."""

    had: int
    all: int
    wrong: int
    status: int
    how: str


def _python(script: str, *more: str) -> Callable[[TlsServer, Path], Command | None]:
    def command(server: TlsServer, _: Path) -> Command:
        return [sys.executable, str(CLIENTS / script), str(server.port), str(server.certificate), *more]

    return command


def _tool(name: str, *words: str) -> Callable[[TlsServer, Path], Command | None]:
    """Of ``words`` URL, PORT, CERTIFICATE and CLIENTS are put in."""

    def command(server: TlsServer, _: Path) -> Command | None:
        path = shutil.which(name)
        values = {
            "URL": server.url,
            "PORT": str(server.port),
            "CERTIFICATE": str(server.certificate),
            "CLIENTS": str(CLIENTS),
        }
        filled = []
        for word in words:
            for key, value in values.items():
                word = word.replace(key, value)  # noqa: PLW2901 - one after the other
            filled.append(word)
        return [path, *filled] if path else None

    return command


def _java(server: TlsServer, folder: Path) -> Command | None:
    compiler, java = shutil.which("javac"), shutil.which("java")
    if compiler is None or java is None:
        return None
    subprocess.run([compiler, "-d", str(folder), str(CLIENTS / "InJava.java")], check=True)
    return [java, "-cp", str(folder), "InJava", str(server.port), str(server.certificate)]


def _go(*options: str) -> Callable[[TlsServer, Path], Command | None]:
    def command(server: TlsServer, folder: Path) -> Command | None:
        go = shutil.which("go")
        if go is None:
            return None
        built = [go, "build", *options, "-o", str(folder / "client"), "."]
        environment = {**os.environ, "CGO_ENABLED": "0"}
        subprocess.run(built, cwd=CLIENTS / "in_go", env=environment, check=True)
        return [str(folder / "client"), str(server.port), "20", "4"]

    return command


REQUEST = r"printf 'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'"
ASK = [
    Client("CPython, http.client and urllib", "OpenSSL", _python("plain_http.py")),
    Client("requests", "OpenSSL", _python("with_requests.py")),
    Client("httpx", "OpenSSL", _python("with_httpx.py")),
    Client("aiohttp", "OpenSSL", _python("with_aiohttp.py")),
    Client("gevent", "OpenSSL", _python("with_gevent.py")),
    Client("pyOpenSSL", "OpenSSL inside `cryptography`", _python("with_pyopenssl.py", "4", "2")),
    Client("curl_cffi", "BoringSSL inside", _python("with_curl_cffi.py", "in_process")),
    Client("rnet", "BoringSSL inside", _python("with_rnet.py")),
    Client("httpr", "rustls inside", _python("with_httpr.py")),
    Client("curl", "OpenSSL", _tool("curl", "-sS", "--cacert", "CERTIFICATE", "URL")),
    Client("wget", "GnuTLS", _tool("wget", "-qO-", "--ca-certificate=CERTIFICATE", "URL")),
    Client("ruby", "OpenSSL", _tool("ruby", "CLIENTS/in_ruby.rb", "PORT", "CERTIFICATE")),
    Client("php", "OpenSSL", _tool("php", "CLIENTS/in_php.php", "PORT", "CERTIFICATE")),
    Client(
        "openssl s_client",
        "OpenSSL",
        _tool("sh", "-c", f"{REQUEST} | openssl s_client -quiet -connect localhost:PORT"),
    ),
    Client(
        "gnutls-cli",
        "GnuTLS",
        _tool("sh", "-c", f"{REQUEST} | gnutls-cli --no-ca-verification -p PORT localhost"),
    ),
    Client(
        "Node.js, https and fetch",
        "OpenSSL inside",
        _tool("node", "CLIENTS/in_node.js", "PORT", "CERTIFICATE"),
    ),
    Client(
        "Bun, fetch",
        "BoringSSL inside",
        _tool("bun", "-e", "await fetch('URL', {tls: {rejectUnauthorized: false}})"),
    ),
    Client("Java, HttpsURLConnection and HttpClient", "JSSE", _java),
    Client("Go, static and stripped", "crypto/tls", _go("-ldflags", "-s -w")),
    Client("Go, position-independent", "crypto/tls", _go("-buildmode=pie")),
]


def main() -> None:
    """Run all, and write the page."""
    rows = [(client, [_cell(client, version) for version in VERSIONS.values()]) for client in ASK]
    PAGE.write_text(_page(rows), encoding="utf-8")
    print(PAGE.read_text(encoding="utf-8"))


def _cell(client: Client, version: ssl.TLSVersion) -> Cell | None:
    with tempfile.TemporaryDirectory(prefix="plainwire-bench-") as made:
        folder = Path(made)
        with tls_server(folder, version) as server:
            command = client.command(server, folder)
            if command is None:
                return None
            case = cases.create(folder / "case")
            program = launch(command, case)
            status = program.wait(PATIENCE)
            program.finish()
            truth, had = server.secrets(), key_lines(case.keys)
        told = events.read(case.program).by_client_random.values()
        ways = {WAYS[each.secrets_by] for each in told if each.secrets_by} or {"SSLKEYLOGFILE"}
        return Cell(len(truth & had), len(truth), len(had - truth), status, ", ".join(sorted(ways)))


def _page(rows: list[tuple[Client, list[Cell | None]]]) -> str:
    head = ["program", "its TLS", "how the secrets are had", *VERSIONS]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for client, cells in rows:
        how = next((cell.how for cell in cells if cell is not None and cell.had), "")
        words = [client.name, client.tls, how, *map(_words, cells)]
        lines.append(f"| {' | '.join(words)} |")
    return f"""# Programs whose secrets can be had

Made by `python bench/runtimes.py` on {platform.machine()}: do not edit.
Each program is started by what `plainwire run` starts it with, against a server on this machine that writes
a key log of its own: a cell says how many of the lines in that were had. None may be wrong.

{chr(10).join(lines)}

Not reached: NSS (Firefox, and what Debian links with it), mbedTLS, wolfSSL, static programs that are not in
Go, Go programs that another program starts; and no patch is made on machines other than x86-64. In programs
that run already `plainwire attach` reaches OpenSSL, BoringSSL and Go, and by their memory TLS 1.3 connections
of any TLS that are open for some seconds.
"""


def _words(cell: Cell | None) -> str:
    if cell is None:
        return "not on this machine"
    wrong = f", {cell.wrong} wrong" if cell.wrong else ""
    failed = f", exit status {cell.status}" if cell.status else ""
    return f"{cell.had} of {cell.all}{wrong}{failed}"


if __name__ == "__main__":
    main()
