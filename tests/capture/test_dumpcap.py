"""Capture without the right to capture: by a dumpcap that has it, or a line that says how to get it.

``setpriv`` takes away what root is allowed (``noroot``), a copy of dumpcap gets it by file capabilities.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from plainwire.case import Case
from tests.acquire.tls_server import tls_server
from tests.needs import needs, tool
from tests.users import WITHOUT_RIGHTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.acquire.tls_server import TlsServer

CLIENT = Path(__file__).parent.parent / "acquire" / "clients" / "plain_http.py"


@pytest.fixture(autouse=True)
def _tools() -> None:
    needs("root", "dumpcap", "tshark", "setpriv", "setcap")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[TlsServer]:
    with tls_server(tmp_path) as running:
        yield running


@pytest.fixture
def path_with_dumpcap(tmp_path: Path) -> str:
    """A PATH whose first dumpcap may capture."""
    folder = tmp_path / "bin"
    folder.mkdir()
    shutil.copy(tool("dumpcap"), folder / "dumpcap")
    subprocess.run([tool("setcap"), "cap_net_raw,cap_net_admin+eip", str(folder / "dumpcap")], check=True)
    return f"{folder}:{os.environ['PATH']}"


def plainwire(*words: object) -> list[str]:
    return [*WITHOUT_RIGHTS, sys.executable, "-m", "plainwire", "run", *(str(word) for word in words)]


def test_dumpcap_captures_where_we_may_not(tmp_path: Path, server: TlsServer, path_with_dumpcap: str) -> None:
    case = Case(tmp_path / "case")
    done = subprocess.run(
        plainwire("-v", "-o", case.folder, "--", sys.executable, CLIENT, server.port, server.certificate),
        env={**os.environ, "PATH": path_with_dumpcap},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "packets captured with dumpcap" in done.stderr
    command = [tool("tshark"), "-n", "-r", str(case.capture)]
    shown = subprocess.run([*command, "-Y", "http"], capture_output=True, text=True, check=True).stdout
    assert "GET / HTTP/1.1" in shown
    assert "200 OK" in shown


def name_of(pid: int) -> str:
    return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()


def test_dumpcap_ends_when_plainwire_is_killed(tmp_path: Path, path_with_dumpcap: str) -> None:
    case = Case(tmp_path / "case")
    process = subprocess.Popen(
        plainwire("-o", case.folder, "--", "sh", "-c", f"echo $PPID; : {tmp_path}; exec sleep 60"),
        env={**os.environ, "PATH": path_with_dumpcap},
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        parent = int(process.stdout.readline())
        mine = dumpcaps_of(parent)
        # plainwire's guard is another child of it
        program = [pid for pid in children_of(parent) if name_of(pid) in {"sh", "sleep"}]
        try:
            assert len(mine) == 1
            os.kill(parent, signal.SIGKILL)
            packets = subprocess.Popen([sys.executable, "-c", NOISE])
            deadline = time.monotonic() + 60
            while alive(mine[0]) and time.monotonic() < deadline:
                time.sleep(0.1)
            packets.kill()
            packets.wait()
            assert not alive(mine[0])
            assert alive(program[0])
        finally:
            for pid in program:
                os.kill(pid, signal.SIGKILL)
    subprocess.run([tool("tshark"), "-n", "-r", str(case.capture)], capture_output=True, check=True)


NOISE = """
import socket, time
with socket.socket(type=socket.SOCK_DGRAM) as noise:
    noise.bind(("127.0.0.1", 0))
    for _ in range(600):
        noise.sendto(b"noise", noise.getsockname())
        time.sleep(0.1)
"""


def children_of(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in listed.split()]


def dumpcaps_of(pid: int) -> list[int]:
    return [
        child for child in children_of(pid) if Path(f"/proc/{child}/comm").read_text().strip() == "dumpcap"
    ]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1][0] != "Z"
    except FileNotFoundError:
        return False


def test_a_filter_that_dumpcap_does_not_take_is_one_line(tmp_path: Path, path_with_dumpcap: str) -> None:
    done = subprocess.run(
        plainwire("-f", "tcp prot 80", "-o", tmp_path / "case", "--", "touch", tmp_path / "started"),
        env={**os.environ, "PATH": path_with_dumpcap},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == "plainwire: capture filter 'tcp prot 80': not accepted by dumpcap\n"
    assert {entry.name for entry in tmp_path.iterdir()} == {"bin"}


def test_with_no_right_at_all_one_line_says_which_command_grants_it(tmp_path: Path) -> None:
    done = subprocess.run(
        plainwire("-i", "lo", "-o", tmp_path / "case", "--", "touch", tmp_path / "started"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("plainwire: no right to capture packets: ")
    assert "`sudo setcap cap_net_raw,cap_net_admin+eip " in done.stderr
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
