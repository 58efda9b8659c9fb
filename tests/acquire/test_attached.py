"""Programs that run already: every secret from the moment of attaching, and nothing of us left behind."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from plainwire import case as cases
from plainwire.acquire import running_patch
from plainwire.acquire.attached import AttachedProgram
from plainwire.acquire.patcher import Patcher
from plainwire.acquire.ptrace import Earlier
from plainwire.acquire.tracing import StoppedProcess
from plainwire.model import UserError
from tests.acquire.conftest import openssl_1_0
from tests.acquire.driven import KINDS, Driven, driven
from tests.acquire.tls_server import key_lines, tls_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainwire.acquire.ptrace import Call
    from plainwire.case import Case
    from tests.acquire.tls_server import TlsServer


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("built")


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return cases.create(tmp_path / "case")


@contextlib.contextmanager
def attached(client: Driven, case: Case) -> Iterator[AttachedProgram]:
    patcher = Patcher()
    try:
        program = AttachedProgram([client.pid], case, patcher)
        program.begin()
        try:
            yield program
        finally:
            program.finish()
    finally:
        patcher.close()


def code_that_differs(pid: int) -> dict[str, list[int]]:
    """Where the code in a process's memory is not what its files say."""
    found = {}
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        ends, rights, offset, _, _, *path = line.split(maxsplit=5)
        if "x" not in rights or not path or not path[0].startswith("/"):
            continue
        start, end = (int(word, 16) for word in ends.split("-"))
        file = Path(path[0]).read_bytes()[int(offset, 16) :][: end - start]
        with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
            memory.seek(start)
            if (data := memory.read(len(file))) != file:
                found[path[0]] = [at for at in range(len(data)) if data[at] != file[at]]
    return found


def traces_of_us(pid: int) -> list[str]:
    """What is mapped under our name; not files of a folder that has it."""
    maps = Path(f"/proc/{pid}/maps").read_text().splitlines()
    return [line for line in maps if "plainwire" in line.rpartition("/")[2]]


@pytest.mark.parametrize("kind", KINDS)
def test_all_secrets_from_now_on(kind: str, server: TlsServer, built: Path, case: Case) -> None:
    with driven(kind, server.port, built) as client:
        assert client.do("new") == "200"
        before, differed = server.secrets(), code_that_differs(client.pid)
        with attached(client, case) as program:
            assert [client.do("new") for _ in range(5)] == ["200"] * 5
            program.look()
            assert [client.do("new") for _ in range(5)] == ["200"] * 5
        here = server.secrets() - before
        assert key_lines(case.keys) == here, case.program.read_text()
        assert '"unreached"' not in case.program.read_text()
        assert len({line.split()[1] for line in here}) == 10
        assert traces_of_us(client.pid) == []
        assert code_that_differs(client.pid) == differed
        assert client.do("new") == "200"
        assert client.do("again") == "200"
        assert key_lines(case.keys) == here, case.program.read_text()


def test_master_secrets_of_openssl_1_0(built: Path, case: Case, tmp_path: Path) -> None:
    """It has no key log: they are taken where the keys begin to count."""
    library = str(openssl_1_0(tmp_path))
    with (
        tls_server(tmp_path, ssl.TLSVersion.TLSv1_2) as server,
        driven(library, server.port, built) as client,
    ):
        assert client.do("new") == "200"
        before, differed = server.secrets(), code_that_differs(client.pid)
        with attached(client, case) as program:
            assert [client.do("new") for _ in range(5)] == ["200"] * 5
            program.look()
        here = server.secrets() - before
        assert len(here) == 5
        assert key_lines(case.keys) == here, case.program.read_text()
        assert (traces_of_us(client.pid), code_that_differs(client.pid)) == ([], differed)
        assert client.do("new") == "200"


def test_a_stopped_process_makes_several_system_calls_and_goes_on(server13: TlsServer, built: Path) -> None:
    with driven("python", server13.port, built) as client:
        differed = code_that_differs(client.pid)
        code = next(each for each in running_patch.mappings(client.pid) if each.executable)
        answers, results = os.pipe()
        if (fork := os.fork()) == 0:  # as where it is used: what it traces is let go at its end
            with StoppedProcess(client.pid, 5) as process:
                several: list[Call] = [(39,), (8, -1, 0, 0), (319, code.start, 1), (77, Earlier(2), 4096)]
                made = process.hand.calls(
                    code.start, [*several, (3, Earlier(2)), (3, Earlier(2)), (39,)], b"it\0"
                )
                os.write(results, repr(made).encode())
            os._exit(0)
        os.waitpid(fork, 0)
        made = [int(each) for each in os.read(answers, 1000).decode().strip("[]").split(", ")]
        os.close(answers)
        os.close(results)
        memory = made[2]
        assert made == [client.pid, -errno.EBADF, memory, 0, 0, -errno.EBADF, client.pid]
        assert memory > 2
        assert code_that_differs(client.pid) == differed
        assert client.do("new") == "200"


def test_processes_that_come_of_it_tell_their_secrets_too(
    server13: TlsServer, case: Case, tmp_path: Path
) -> None:
    script = tmp_path / "forks.py"
    script.write_text(
        "import os, sys, ssl, socket\n"
        "context = ssl._create_unverified_context()\n"
        "print('ready', flush=True)\n"
        "for _ in sys.stdin:\n"
        "    if os.fork() == 0:\n"
        "        with context.wrap_socket(socket.create_connection(('127.0.0.1', int(sys.argv[1])))) as s:\n"
        "            s.sendall(b'GET / HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n')\n"
        "            print(s.recv(100).split()[1].decode(), flush=True)\n"
        "        os._exit(0)\n"
        "    os.wait()\n"
    )
    process = subprocess.Popen(
        [sys.executable, str(script), str(server13.port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        client = Driven(process)
        with attached(client, case):
            assert [client.do("fork") for _ in range(4)] == ["200"] * 4
        assert key_lines(case.keys) == server13.secrets()
        assert len({line.split()[1] for line in server13.secrets()}) == 4
    finally:
        process.kill()
        process.communicate()


def test_comes_and_goes_while_the_program_is_busy(server13: TlsServer, tmp_path: Path) -> None:
    """``bench/attach.py`` does so 200 times."""
    times, answers, over = 8, [], threading.Event()
    with driven("python", server13.port, tmp_path) as client:

        def ask() -> None:
            while not over.is_set():
                answers.append(client.do("new"))

        asking = threading.Thread(target=ask)
        asking.start()
        told = set()
        for number in range(times):
            with attached(client, made := cases.create(tmp_path / f"case{number}")):
                pass
            told |= key_lines(made.keys)
        over.set()
        asking.join(60)
        assert set(answers) == {"200"}
        assert told - server13.secrets() == set()
        assert traces_of_us(client.pid) == []


def killed(client: Driven, folder: Path, *, with_patcher: bool) -> None:
    """A plainwire that attaches, and is killed; ``with_patcher``: and so is what patches for it."""
    pid = os.fork()
    if pid == 0:
        patcher = Patcher()
        AttachedProgram([client.pid], cases.create(folder / "killed"), patcher).begin()
        (folder / "attached").write_text(str(patcher._pid))
        (folder / "attached").rename(folder / "told")
        time.sleep(60)
        os._exit(1)
    while not (folder / "told").exists():
        time.sleep(0.01)
    assert client.do("new") == "200"
    assert traces_of_us(client.pid) != []
    if with_patcher:
        os.kill(int((folder / "told").read_text()), signal.SIGKILL)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def test_program_lives_on_when_plainwire_is_killed(server13: TlsServer, tmp_path: Path) -> None:
    """What patches for it sees that, and puts it back."""
    with driven("python", server13.port, tmp_path) as client:
        differed = code_that_differs(client.pid)
        killed(client, tmp_path, with_patcher=False)
        while traces_of_us(client.pid):
            time.sleep(0.01)
        assert code_that_differs(client.pid) == differed
        assert client.do("new") == "200"


def test_what_a_killed_one_left_is_put_back_by_the_next(
    server13: TlsServer, tmp_path: Path, case: Case
) -> None:
    """Another test that attaches meanwhile may be the next: then once more."""
    port, told = server13.port, False
    with driven("python", port, tmp_path) as client, driven("python", port, tmp_path) as other:
        differed = code_that_differs(client.pid)
        for attempt in range(20):
            (folder := tmp_path / str(attempt)).mkdir()
            killed(client, folder, with_patcher=True)
            assert client.do("new") == "200"
            with attached(other, case):
                assert traces_of_us(client.pid) == []
                assert code_that_differs(client.pid) == differed
                assert client.do("new") == "200"
            told = "1 process that a killed plainwire had left patched, put back" in case.program.read_text()
            if told:
                break
    assert told


def test_stopped_program_is_left_alone(server13: TlsServer, tmp_path: Path, case: Case) -> None:
    with driven("python", server13.port, tmp_path) as client:
        client.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, client.pid, os.WSTOPPED)
        with attached(client, case):
            pass
        client.process.send_signal(signal.SIGCONT)
        assert client.do("new") == "200"
    assert '"why":"it is stopped"' in case.program.read_text()


def test_process_that_is_not_there(case: Case) -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    patcher = Patcher()
    with pytest.raises(UserError, match="no such process"):
        AttachedProgram([process.pid], case, patcher)
    patcher.close()
