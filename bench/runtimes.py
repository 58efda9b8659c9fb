"""Which programs' secrets plainwire has, and how: real clients, and a server whose key log is true.

``python bench/runtimes.py [WORD...]`` writes docs/runtimes.md: one row a client. Of launched programs a cell
says for a version of TLS how many of the server's secrets were had, of how many, without a capture; without
root, how many of the responses that the server gave a socket trace shows in full; attached, the same of three
requests on new connections and three on one that was open before. Programs that are not on this machine say
so. With words only the rows that have one of them in their name are played; the results of all are kept in
bench/runtimes.json, of which the page is made.
"""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from plainwire import case as cases
from plainwire import recording
from plainwire.acquire import events
from plainwire.acquire.launch import launch
from plainwire.acquire.via import Via
from plainwire.model import UserError
from tests.acquire.driven import driven
from tests.acquire.tls_server import TlsServer, key_lines, tls_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from plainwire.acquire.attached import AttachedProgram
    from plainwire.model import Report
    from tests.acquire.driven import Driven

ROOT = Path(__file__).resolve().parents[1]
CLIENTS = ROOT / "tests" / "acquire" / "clients"
PAGE = ROOT / "docs" / "runtimes.md"
RESULTS = Path(__file__).with_suffix(".json")
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


DRIVEN = {
    "CPython, http.client and urllib": "python",
    "pyOpenSSL": "pyopenssl",
    "curl_cffi": "curl_cffi",
    "ruby": "ruby",
    "Node.js, https and fetch": "node",
    "Java, HttpsURLConnection and HttpClient": "java",
    "Go, static and stripped": "go",
}
"""Of which there is a client that does what it is told while it runs."""
ABSENT = "not on this machine"


class Row(Struct):
    """What came of one client: a cell for each version of TLS, and words for the other columns."""

    cells: list[Cell | None]
    without_root: str = ""
    attached: str = ""
    open_before: str = ""


def main() -> None:
    """Play what is asked for, and write the page."""
    words = sys.argv[1:]
    rows = msgspec.json.decode(RESULTS.read_bytes(), type=dict[str, Row]) if RESULTS.exists() else {}
    for client in ASK:
        if words and not any(word in client.name for word in words):
            continue
        row = rows[client.name] = Row([_cell(client, version) for version in VERSIONS.values()])
        row.without_root = _without_root(client)
        if client.name in DRIVEN:
            row.attached = _attached(DRIVEN[client.name], ["new", "again", "new"], ["new"])
            row.open_before = _attached(DRIVEN[client.name], ["again"] * 3, ["new"])
        print(client.name, row, flush=True)
        RESULTS.write_bytes(msgspec.json.format(msgspec.json.encode(rows)) + b"\n")
    PAGE.write_text(_page(rows), encoding="utf-8")


def _without_root(client: Client) -> str:
    """The responses that are seen whole, of those that the server gave."""
    with _folder() as folder, tls_server(folder) as server:
        command = client.command(server, folder)
        if command is None:
            return ABSENT
        try:
            done = recording.record(command, folder=folder / "case", via=Via(evidence="sockets"))
        except UserError:
            return "not possible: its system calls are its own"
        return f"{_whole(done.report)} of {len(server.peers)}"


def _attached(kind: str, words: list[str], before: list[str]) -> str:
    """The same of a client that is told ``words`` while plainwire is attached, and ``before`` that."""
    with _folder() as folder, tls_server(folder) as server, driven(kind, server.port, folder) as client:
        for word in before:
            client.do(word)
        asking = threading.Thread(target=_tell, args=(client, words))

        def begin(_: AttachedProgram) -> None:
            asking.start()

        done = recording.attach([client.pid], folder=folder / "case", duration=PATIENCE, attached=begin)
        asking.join()
        return f"{_whole(done.report)} of {len(words)}"


def _tell(client: Driven, words: list[str]) -> None:
    for word in words:
        client.do(word)
    os.kill(os.getpid(), signal.SIGINT)


def _whole(report: Report | None) -> int:
    """Responses in full, or as far as the client took them: some close at once."""
    exchanges = [] if report is None else report.exchanges
    return sum(each.outcome in ("complete", "aborted") and each.response is not None for each in exchanges)


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="plainwire-bench-") as made:
        yield Path(made)


def _cell(client: Client, version: ssl.TLSVersion) -> Cell | None:
    with _folder() as folder:
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


def _page(rows: dict[str, Row]) -> str:
    launched = [f"launched, {version}" for version in VERSIONS]
    others = ["launched, without root", "attached", "open before attach"]
    head = ["program", "its TLS", "how the secrets are had", *launched, *others]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for client in ASK:
        row = rows.get(client.name)
        if row is None:
            continue
        how = next((cell.how for cell in row.cells if cell is not None and cell.had), "")
        rest = [row.without_root, row.attached or "not tried", row.open_before or "not tried"]
        words = [client.name, client.tls, how, *map(_words, row.cells), *rest]
        lines.append(f"| {' | '.join(words)} |")
    return f"""# Programs whose secrets can be had

Made by `python bench/runtimes.py` on {platform.machine()}: do not edit.
Each program is started by what `plainwire run` starts it with, against a server on this machine that writes
a key log of its own: a cell says how many of the lines in that were had. None may be wrong.
"Without root": how many of the responses that the server gave (TLS 1.3) the socket trace shows in full, or as
far as the client took them, where nobody may capture packets. "Attached": the same of three requests after
`plainwire attach`, on two new connections, and of three on a connection that was open before (TLS 1.3).

{chr(10).join(lines)}

Not reached: NSS (Firefox, and what Debian links with it), mbedTLS, wolfSSL, static programs that are not in
Go, Go programs before 1.19 that start others, programs in C that a static Go program starts which plainwire
started itself (`plainwire run -- sh -c 'CMD'` reaches them), programs in Go that one in C starts by
posix_spawn(3); and no patch is made on machines other than x86-64. In
programs that run already `plainwire attach` reaches OpenSSL, BoringSSL and Go, and by their memory TLS 1.3
connections of any TLS that are open for some seconds; those of TLS 1.2 that were open before stay unread.
"""


def _words(cell: Cell | None) -> str:
    if cell is None:
        return ABSENT
    wrong = f", {cell.wrong} wrong" if cell.wrong else ""
    failed = f", exit status {cell.status}" if cell.status else ""
    return f"{cell.had} of {cell.all}{wrong}{failed}"


if __name__ == "__main__":
    main()
