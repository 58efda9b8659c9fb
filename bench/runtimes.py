"""Which programs' secrets plainwire has, and how: real clients, and a server whose key log is true.

``python bench/runtimes.py [WORD...]`` writes docs/runtimes.md: one row a client. Of launched programs a cell
says for a version of TLS how many of the server's secrets were had, of how many, without a capture; without
root, how many of the responses that the server gave a socket trace shows in full; attached, the same of three
requests on new connections and three on one that was open before. Programs that are not on this machine say
so. With words only the rows that have one of them in their name are played; the results of all are kept in
bench/runtimes.json, of which the page is made. ``--page`` only writes the page, ``--attached`` only plays
what is attached to.
"""

from __future__ import annotations

import contextlib
import os
import platform
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import runtime_programs
from runtime_programs import PAGE_NOTES, REMARKS, Asked, Client, Command
from runtime_servers import grpc_server, quic_server

from plainwire import case as cases
from plainwire import recording
from plainwire.acquire import events
from plainwire.acquire.launch import launch
from plainwire.acquire.via import Via
from plainwire.model import UserError
from tests import own_network
from tests.acquire.driven import Driven
from tests.acquire.tls_server import key_lines, tls_server

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from plainwire.acquire.attached import AttachedProgram
    from plainwire.model import Report
    from tests.acquire.tls_server import TlsServer

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "runtimes.md"
RESULTS = Path(__file__).with_suffix(".json")
FRITAP_RESULTS = Path(__file__).with_name("fritap.json")
HANDSHAKES_RESULTS = Path(__file__).with_name("handshakes.json")
ATTACH_RESULTS = Path(__file__).with_name("attach.json")
BY_METHOD_RESULTS = Path(__file__).with_name("by_method.json")
PATIENCE = 120.0  # seconds for one client
BETWEEN = 2.0  # seconds between the requests of a program that is attached to
VERSIONS = {"TLS 1.2": ssl.TLSVersion.TLSv1_2, "TLS 1.3": ssl.TLSVersion.TLSv1_3}
SERVERS = {"TLS": tls_server, "gRPC": grpc_server, "QUIC": quic_server}
WAYS = {
    "callback": "OpenSSL's own callback",
    "derivation": "the call that derives keys",
    "patch": "a patch in memory",
    "agent": "from inside the virtual machine",
}
ABSENT = "not on this machine"


class Cell(Struct, frozen=True):
    """What came of one run: ``had`` of ``all`` secrets, in the ways ``how``; ``wrong`` ones.

    ``alone``: how the program ends without plainwire.
    """

    had: int
    all: int
    wrong: int
    status: int
    how: str
    alone: int = 0


class Row(Struct):
    """What came of one client: a cell for each version of TLS, and words for the other columns."""

    cells: list[Cell | None]
    without_root: str = ""
    attached: str = ""
    open_before: str = ""
    open_before_12: str = ""
    """The same with TLS 1.2."""


def main() -> None:
    """Play what is asked for, and write the page."""
    words = [word for word in sys.argv[1:] if not word.startswith("--")]
    rows = kept(RESULTS, dict[str, Row])
    if "--page" not in sys.argv:
        runtime_programs.prepare()
        own_network.enter()
        for client in chosen(words):
            if "--attached" not in sys.argv or client.name not in rows:
                rows[client.name] = _launched(client)
            _attach(client, rows[client.name])
            print(client.name, rows[client.name], flush=True)
            keep(RESULTS, rows)
    PAGE.write_text(_page(rows), encoding="utf-8")


def chosen(words: list[str]) -> list[Client]:
    """Those that have one of the words in their name; all where there are none."""
    return [each for each in runtime_programs.ALL if not words or any(word in each.name for word in words)]


def kept(results: Path, kind: Any) -> Any:  # noqa: ANN401 - what is decoded has the type that is asked for
    """What was written to a file of results; nothing where there is none yet."""
    return msgspec.json.decode(results.read_bytes() if results.exists() else b"{}", type=kind)


def keep(results: Path, what: object) -> None:
    """Write it there."""
    results.write_bytes(msgspec.json.format(msgspec.json.encode(what)) + b"\n")


@contextlib.contextmanager
def served(
    client: Client, version: str | None = None, *, told: bool = False
) -> Iterator[tuple[Path, TlsServer, Command | None]]:
    """A folder, a server in it with a version of TLS (the client's last), and the client's command; None
    where it is not on this machine.
    """
    spoken = VERSIONS[version or client.versions[-1]]
    with folder_of_its_own() as folder, SERVERS[client.server](folder, spoken) as server:
        yield folder, server, client.command(Asked(server, folder, told=told))


def _launched(client: Client) -> Row:
    row = Row([_cell(client, version) for version in client.versions])
    row.without_root = _without_root(client)
    return row


def _attach(client: Client, row: Row) -> None:
    if client.once:
        row.attached = row.open_before = row.open_before_12 = f"not possible: {client.once}"
        return
    last = client.versions[-1]
    row.attached = _tried(client, last, ["new", "again", "new"])
    row.open_before = _tried(client, last, ["again"] * 3)
    row.open_before_12 = "has none"
    if "TLS 1.2" in client.versions:
        row.open_before_12 = (
            row.open_before if last == "TLS 1.2" else _tried(client, "TLS 1.2", ["again"] * 3)
        )


def _without_root(client: Client) -> str:
    """The responses that are seen whole, of those that the server gave."""
    with served(client) as (folder, server, command):
        if command is None:
            return ABSENT
        try:
            done = recording.record(command, folder=folder / "case", via=Via(evidence="sockets"))
        except UserError:
            return "not possible: its calls cannot be seen"
        return f"{_whole(done.report, server.port)} of {len(server.peers)}"


def _tried(client: Client, version: str, words: list[str]) -> str:
    try:
        return _attached(client, version, words)
    except (AssertionError, OSError, UserError) as error:
        print(client.name, repr(error), file=sys.stderr)
        return f"0 of {len(words)}, failed"


def _attached(client: Client, version: str, words: list[str]) -> str:
    """The same of a client that has a connection, and is told ``words`` while plainwire is attached."""
    with served(client, version, told=True) as (folder, server, command):
        if command is None:
            return ABSENT
        with running(command) as program:
            program.do(client.kept_by)
            before = len(server.peers)
            asking = threading.Thread(target=_tell, args=(program, words))

            def begin(_: AttachedProgram) -> None:
                asking.start()

            done = recording.attach(
                [program.pid],
                folder=folder / "case",
                duration=PATIENCE,
                children=client.children,
                attached=begin,
            )
            asking.join()
            return f"{_whole(done.report, server.port)} of {len(server.peers) - before}"


@contextlib.contextmanager
def running(command: list[str]) -> Iterator[Driven]:
    """A program that does what it is told, until the block ends."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield Driven(process)
    finally:
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            process.communicate(timeout=10)
        process.kill()
        process.communicate()


def _tell(client: Driven, words: list[str]) -> None:
    for number, word in enumerate(words):
        if number:
            time.sleep(BETWEEN)
        if not client.do(word).isdigit():
            print("it did not do as it was told", file=sys.stderr)
    os.kill(os.getpid(), signal.SIGINT)


def _whole(report: Report | None, port: int) -> int:
    """The server's responses in full, or as far as the client took them: some close at once."""
    if report is None:
        return 0
    theirs = {each.id for each in report.connections if each.server.port == port}
    return sum(
        each.outcome in ("complete", "aborted") and each.response is not None
        for each in report.exchanges
        if each.connection in theirs
    )


@contextlib.contextmanager
def folder_of_its_own() -> Iterator[Path]:
    """An empty folder, gone when the block ends."""
    with tempfile.TemporaryDirectory(prefix="plainwire-bench-") as made:
        yield Path(made)


def _cell(client: Client, version: str) -> Cell | None:
    with served(client, version) as (folder, server, command):
        if command is None:
            return None
        case = cases.create(folder / "case")
        program = launch(command, case)
        status = program.wait(PATIENCE)
        program.finish()
        truth, had = server.secrets(), key_lines(case.keys)
        nowhere = subprocess.DEVNULL
        alone = (
            subprocess.run(command, check=False, stdout=nowhere, stderr=nowhere).returncode if status else 0
        )
        told = events.read(case.program).by_client_random.values()
        ways = {WAYS[each.secrets_by] for each in told if each.secrets_by} or {"SSLKEYLOGFILE"}
        return Cell(len(truth & had), len(truth), len(had - truth), status, ", ".join(sorted(ways)), alone)


def _page(rows: dict[str, Row]) -> str:
    launched = [f"launched, {version}" for version in VERSIONS]
    others = ["launched, without root", "attached", "open before attach", "open before, TLS 1.2", "friTap"]
    head = ["program", "its TLS", "how the secrets are had", *launched, *others]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    of_fritap = kept(FRITAP_RESULTS, dict[str, str])
    for client in runtime_programs.ALL:
        row = rows.get(client.name)
        if row is None:
            continue
        how = next((cell.how for cell in row.cells if cell is not None and cell.had), "")
        if client.tls.startswith(("s2n", "mbedTLS")):
            how = how.replace("OpenSSL", client.tls.split()[0])
        of_version = dict(zip(client.versions, row.cells, strict=True))
        cells = [_words(of_version[each]) if each in of_version else "has none" for each in VERSIONS]
        words = [client.name, client.tls, how, *cells, row.without_root, row.attached, row.open_before]
        words.append(row.open_before_12 or "not tried")
        words.append(of_fritap.get(client.name, "not tried"))
        lines.append(f"| {' | '.join(words)} |")
    played = [rows[client.name] for client in runtime_programs.ALL if client.name in rows]
    there = [row for row in played if None not in row.cells]
    of_launched = sum(
        all(cell and cell.had == cell.all > 0 == cell.wrong for cell in row.cells) for row in there
    )
    of_attached, of_before = (
        sum(_all_had(getattr(row, name)) for row in there) for name in ("attached", "open_before")
    )
    return f"""# Programs whose secrets can be had

Made by `python bench/runtimes.py` on {platform.machine()}: do not edit.
Each program is started by what `plainwire run` starts it with, against a server on this machine that writes
a key log of its own: a cell says how many of the lines in that were had. None may be wrong.
"Without root": how many of the responses that the server gave (TLS 1.3) the socket trace shows in full, or as
far as the client took them, where nobody may capture packets. "Attached": the same of three requests after
`plainwire attach`, two seconds apart, on two new connections, and of three on a connection that was open
before (TLS 1.3, or TLS 1.2 where a program has only that; then TLS 1.2). "friTap": how many of the lines
(TLS 1.3) the friTap 2.6.0 of PyPI had that started the program, by `python bench/fritap.py`.

Of {len(there)} programs all secrets are had of {of_launched} that plainwire starts, all exchanges of
{of_attached} that it attaches to, and of {of_before} those of a connection that was open before.

{chr(10).join(lines)}

{REMARKS}
{_handshakes()}{_coming_and_going()}{_by_method()}{PAGE_NOTES}"""


def _handshakes() -> str:
    """The table of ``bench/handshakes.py``."""
    rows = kept(HANDSHAKES_RESULTS, dict[str, dict[str, Any]])
    return _section(
        """## Many handshakes

By `python bench/handshakes.py`: new TLS 1.3 connections one after the other, and the server's lines of
them.""",
        ("how", "clients", "handshakes", "lines", "missed", "wrong"),
        [
            [way, "; ".join(each["clients"])]
            + [str(each[column]) for column in ("handshakes", "lines", "missed", "wrong")]
            for way, each in rows.items()
        ],
    )


def _coming_and_going() -> str:
    """The table of ``bench/attach.py``."""
    rows = kept(ATTACH_RESULTS, dict[str, list[str]])
    return _section(
        """## Coming and going

By `python bench/attach.py`: attached to and let go again, while the program makes requests on new connections
all the time; then `plainwire attach` killed at random moments (SIGKILL), and how often anything was left of
it after ten seconds. What it was stopped for has three waits in it in which one of its threads waits for
a processor, like any other program: on two processors, beside the load that is given, nearly all of it.""",
        (
            *("program", "attached", "requests", "failed", "wrong lines"),
            *("stopped, median", "at most", "load", "killed", "left"),
        ),
        [[client, *words] for client, words in rows.items()],
    )


def _all_had(cell: str) -> bool:
    had, _, of = cell.partition(" of ")
    return had == of != "0"


def _by_method() -> str:
    """The table of ``bench/by_method.py``."""
    costs = kept(BY_METHOD_RESULTS, dict[str, list[str]])
    return _section(
        """## What it costs

By `python bench/by_method.py`: CPU time of the program alone, with and without, in short turns, and the
median of the ratios of eight pairs of processes (of the starts: of 120). Packets are not captured
meanwhile.""",
        ("what", "program", "alone", "with plainwire", "ratio"),
        [[what, *words] for what, words in costs.items()],
    )


def _section(head: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A heading with what it is about, and a table; nothing without rows."""
    if not rows:
        return ""
    first, *others = (f"| {' | '.join(row)} |" for row in (columns, *rows))
    return "\n".join([head, "", first, f"|{'---|' * len(columns)}", *others, "", ""])


def _words(cell: Cell | None) -> str:
    if cell is None:
        return ABSENT
    wrong = f", {cell.wrong} wrong" if cell.wrong else ""
    alone = " as alone" if cell.status == cell.alone else ""
    failed = f", exit status {cell.status}{alone}" if cell.status else ""
    return f"{cell.had} of {cell.all}{wrong}{failed}"


if __name__ == "__main__":
    main()
