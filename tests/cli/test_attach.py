"""``plainwire attach``, as its user meets it."""

from __future__ import annotations

import json
import os
import signal
import ssl
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from plainwire import case as cases
from plainwire import recording
from plainwire.acquire import processes
from plainwire.acquire.attached import AttachedProgram
from plainwire.acquire.patcher import Patcher
from plainwire.acquire.via import Via
from plainwire.keys import lines_of
from plainwire.lab.namespaces import obstacle
from plainwire.model import UserError
from plainwire.tls.keylog import WRITE_KEYS
from tests.acquire.driven import driven
from tests.acquire.tls_server import tls_server
from tests.needs import needs, tool, without
from tests.users import become_user, home, open_folder

__all__ = ["home", "open_folder"]

ATTACH = [sys.executable, "-m", "plainwire", "attach"]


@pytest.mark.parametrize("kind", ["python", "node", "go"])
def test_what_a_running_program_does_from_now_on_is_read(kind: str, tmp_path: Path) -> None:
    needs("root")
    case = tmp_path / "case"
    with tls_server(tmp_path) as server, driven(kind, server.port, tmp_path) as client:
        command = [*ATTACH, "-o", str(case), str(client.pid)]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as plainwire:
            assert plainwire.stderr is not None
            begun = plainwire.stderr.readline()
            assert begun.startswith(f"plainwire: attached to process {client.pid} (")
            assert [client.do(word) for word in ("new", "again", "new")] == ["200"] * 3
            plainwire.send_signal(signal.SIGINT)
            _, said = plainwire.communicate()
        assert client.do("again") == "200"
    report = json.loads((case / "report.json").read_text())
    assert [each["response"]["status"] for each in report["exchanges"]] == [200, 200, 200]
    assert {each["program"]["pid"] for each in report["connections"]} == {client.pid}
    assert report["coverage"]["undecrypted"] == []
    assert "3 requests on 2 connections, all answered completely; nothing wrong" in said
    assert plainwire.returncode == 0


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("kind", ["python", "go"])
def test_connection_that_was_open_before_is_read_from_now_on(kind: str, version: str, tmp_path: Path) -> None:
    """Its secrets are in the program's memory, of TLS 1.2 its keys; how far its sides have counted, nobody
    says.
    """
    needs("root")
    case = tmp_path / "case"
    spoken = ssl.TLSVersion.TLSv1_2 if version == "1.2" else ssl.TLSVersion.TLSv1_3
    with tls_server(tmp_path, spoken) as server, driven(kind, server.port, tmp_path) as client:
        assert [client.do(word) for word in ("new", "again", "again")] == ["200"] * 3
        truth = {tuple(line.split()[::2]) for line in server.secrets() if "TRAFFIC_SECRET_0" in line}
        command = [*ATTACH, "-o", str(case), str(client.pid)]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as plainwire:
            assert plainwire.stderr is not None
            assert plainwire.stderr.readline().startswith("plainwire: attached to process")
            assert [client.do("again") for _ in range(3)] == ["200"] * 3
            plainwire.send_signal(signal.SIGINT)
            _, said = plainwire.communicate()
        assert client.do("again") == "200"
    report = json.loads((case / "report.json").read_text())
    assert [each["response"]["status"] for each in report["exchanges"]] == [200, 200, 200], said
    assert {each["outcome"] for each in report["exchanges"]} == {"complete"}
    assert report["coverage"]["mid_stream"] == [1]
    assert report["findings"] == []
    assert {each["program"]["secrets"] for each in report["connections"]} == {"memory"}
    found = {tuple(line.decode().split()[::2]) for line in lines_of([case / "capture.pcapng"])}
    if version == "1.3":
        assert found == truth
    else:
        assert {label for label, _ in found} == set(WRITE_KEYS)
    assert {each["tls"]["version"] for each in report["connections"]} == {f"TLS {version}"}


def test_new_connections_of_tls_that_is_not_patched_are_read_by_memory(tmp_path: Path) -> None:
    """Only what came behind the handshake: its own secrets are gone by then."""
    needs("root")
    with tls_server(tmp_path) as server, driven("python", server.port, tmp_path) as client:

        def ask() -> None:
            client.do("new")
            client.do("again")
            os.kill(os.getpid(), signal.SIGINT)

        asking = threading.Thread(target=ask)
        done = recording.attach(
            [client.pid],
            folder=tmp_path / "case",
            via=Via(secrets="memory"),
            attached=lambda _: asking.start(),
        )
        asking.join()
    assert done.report is not None
    assert [(each.response.status, each.outcome) for each in done.report.exchanges if each.response] == [
        (200, "complete"),
        (200, "complete"),
    ]
    (connection,) = done.report.connections
    assert connection.tls is not None
    assert connection.tls.client_random.hex() in server.key_log.read_text()
    assert connection.program is not None
    assert connection.program.secrets_by == "memory"
    assert "Asked for by --via: memory, and nothing else was tried." in done.report.coverage.notes


IN_A_CONTAINER = """
import pathlib, sys, time
from tests.acquire.driven import driven
from tests.acquire.tls_server import tls_server
folder = pathlib.Path(sys.argv[1])
with tls_server(folder) as server, driven("python", server.port, folder) as client:
    client.do("new")
    (folder / "ready").touch()
    for _ in range(600):
        client.do("new")
        time.sleep(0.1)
"""


def test_program_in_a_container(tmp_path: Path) -> None:
    """One made by hand: with processes, mounts and a network of its own."""
    needs("root", "unshare", "ip", "mount")
    if (reason := obstacle(tun=False)) is not None:
        without(reason)
    case = tmp_path / "case"
    inside = 'ip link set lo up && exec "$@"'
    command = [tool("unshare"), "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    command += ["sh", "-c", inside, "sh", sys.executable, "-c", IN_A_CONTAINER, str(tmp_path)]
    with subprocess.Popen(command, cwd=Path(__file__).parents[2]) as container:
        while not (tmp_path / "ready").exists():
            assert container.poll() is None
        client = next(
            pid
            for pid in processes.descendants([container.pid])
            if any("driven.py" in word for word in processes.command_line(pid))
        )
        done = subprocess.run(
            [*ATTACH, "--duration", "1.5", "-o", str(case), str(client)],
            capture_output=True,
            text=True,
            check=False,
        )
        container.kill()
    report = json.loads((case / "report.json").read_text())
    statuses = {each["response"]["status"] for each in report["exchanges"] if each["response"]}
    assert statuses == {200}, done.stderr
    assert "127.0.0.1" in report["connections"][0]["client"]


def test_end_of_the_program_ends_it(tmp_path: Path) -> None:
    needs("root")
    case = tmp_path / "case"
    with tls_server(tmp_path) as server, driven("python", server.port, tmp_path) as client:
        command = [*ATTACH, "-q", "-o", str(case), str(client.pid)]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as plainwire:
            while not (case / "program.jsonl").exists():
                pass
            client.process.kill()
            _, said = plainwire.communicate()
    assert said == ""
    assert (case / "report.json").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "name a process, or a command"),
        (["--command", "no-such-command"], "no-such-command: no such process"),
    ],
)
def test_nothing_to_attach_to(arguments: list[str], words: str, tmp_path: Path) -> None:
    done = subprocess.run([*ATTACH, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"plainwire: {words}\n")
    assert list(tmp_path.iterdir()) == []


def test_process_of_another_user(home: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as sleeping:
        pid = os.fork()
        if pid == 0:
            become_user()
            os.chdir(home)
            try:
                AttachedProgram([sleeping.pid], cases.create(home / "case"), Patcher())
            except UserError as error:
                os._exit(23 if "belongs to another user" in str(error) else 1)
            os._exit(2)
        _, status = os.waitpid(pid, 0)
        sleeping.kill()
    assert os.waitstatus_to_exitcode(status) == 23
