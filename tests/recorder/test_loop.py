"""A recorder as its user meets it: real server, real client, failures at known moments."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import signal
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plainwire.capture import reader
from plainwire.keys import lines_of
from plainwire.model import PacketBatch
from plainwire.packets.decode import Decoder
from tests.end_to_end.misbehaving import Misbehaving, serving
from tests.needs import needs, without
from tests.users import SUDO, USER, home, open_folder
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pytest

__all__ = ["home", "open_folder"]

PLAINWIRE = [sys.executable, "-m", "plainwire"]
STEADY = Path(__file__).with_name("steady.py")
QUICK = ["--segment", "1s", "--before", "3s", "--after", "0.5s", "--rest", "1h"]


class Running:
    """A recorder with the client under it. ``said`` are its own lines so far."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self.process, self.folder = process, folder
        self.said: list[str] = []
        assert process.stderr is not None
        self._reader = threading.Thread(target=lambda: self.said.extend(process.stderr or ()), daemon=True)
        self._reader.start()

    def ask(self, path: str) -> str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{path}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def cases(self) -> dict[str, dict[str, Any]]:
        """What was saved so far, by why."""
        log = self.folder / "cases.jsonl"
        rows = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        return {row["because"]: row for row in rows}

    def end(self) -> int:
        assert self.process.stdin is not None
        self.process.stdin.close()
        status = self.process.wait()
        self._reader.join()
        return status


@contextlib.contextmanager
def killed(process: subprocess.Popen[str]) -> Iterator[None]:
    """At the end of the block, where it has not ended by then: nobody is waited for."""
    try:
        yield
    finally:
        if process.poll() is None:
            process.kill()


@contextlib.contextmanager
def recorder(folder: Path, *words: str, client: Sequence[str]) -> Iterator[Running]:
    command = [*PLAINWIRE, "record", "-o", str(folder), *QUICK, *words, "--", *client]
    pipe = subprocess.PIPE
    with (
        subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process,
        killed(process),
    ):
        yield Running(process, folder)


def steady(server: Misbehaving) -> list[str]:
    return [sys.executable, str(STEADY), str(server.port), str(server.authority)]


def curl(server: Misbehaving) -> list[str]:
    """A client that any user may run; 000 is what curl says of no response."""
    ask = f"curl -s -o /dev/null -w '%{{http_code}}\\n' --cacert {server.authority} {server.url('')}$path"
    return ["sh", "-c", f"while read path; do {ask}; done; exit 3"]


def ports(capture: Path) -> set[int]:
    decoder = Decoder()
    batches = (item for item in reader.read([capture]) if isinstance(item, PacketBatch))
    return {end.port for batch in batches for end in decoder.decode(batch).segments.endpoints}


def report(folder: Path, row: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = json.loads((folder / row["case"] / "report.json").read_text())
    return made


def test_failures_signals_questions_and_the_end_become_cases_and_the_recording_goes_on(
    tmp_path: Path,
) -> None:
    needs("root")
    folder = tmp_path / "flight"
    with (
        serving(tmp_path, as_service=True) as server,
        recorder(folder, "--metrics", "0", client=steady(server)) as running,
    ):
        assert running.ask("ok") == "200"
        assert running.ask("reset") == "RemoteDisconnected"
        wait_until(lambda: "reset-mid-request" in running.cases())
        assert running.ask("ok") == "200"
        snapshot = [*PLAINWIRE, "snapshot", str(folder), "--since", "2s"]
        looked_back = subprocess.run(snapshot, capture_output=True, text=True, check=True).stdout.strip()
        running.process.send_signal(signal.SIGUSR1)
        asked = [*PLAINWIRE, "trigger", str(folder), "--because", "the \x1b[2Jpage"]
        subprocess.run(asked, check=True, capture_output=True)
        wait_until(lambda: any("the [2Jpage" in row for row in running.cases()))
        url = re.search(r"http://127\.0\.0\.1:\d+/metrics", "".join(running.said))
        assert url is not None
        with urllib.request.urlopen(url[0]) as answer:
            metrics = answer.read().decode()
        assert running.end() == 3
    rows = running.cases()
    found = report(folder, rows["reset-mid-request"])
    (finding,) = found["findings"]
    assert (finding["code"], finding["certainty"]) == ("reset-mid-request", "proved")
    assert found["coverage"]["undecrypted"] == []
    assert found["coverage"]["packets_dropped"] == 0
    assert any("Saved by the flight recorder (reset-mid-request)" in n for n in found["coverage"]["notes"])
    assert report(folder, {"case": looked_back})["coverage"]["decrypted"] >= 1
    assert {reason for row in rows for reason in row.split(", ")} == {
        "reset-mid-request",
        "snapshot",
        "signal SIGUSR1",
        "the [2Jpage",
        "exit status 3",
    }
    assert {row["trouble"] for row in rows.values()} == {None}
    for row in rows.values():  # the steady connection is cut by each of them, and accuses nobody
        codes = {each["code"] for each in report(folder, row)["findings"]}
        assert codes <= {"reset-mid-request"} or row["because"] == "exit status 3"
    assert 'plainwire_findings_total{code="reset-mid-request"} 1\n' in metrics
    assert metrics.count("plainwire_findings_total{") == 1
    assert "\nplainwire_packets_dropped_total 0\n" in metrics
    shown = subprocess.run([*PLAINWIRE, "show", looked_back], capture_output=True, text=True, check=True)
    assert re.search(r"GET +/ok +200", shown.stdout)
    assert "recorded" in running.said[-1]
    assert f"0 dropped by the kernel; {len(rows)} cases saved" in running.said[-1]
    assert not (folder / "inbox").exists()
    ended = subprocess.run([*snapshot[:-1], "1h"], capture_output=True, text=True, check=True).stdout.strip()
    assert {each["code"] for each in report(folder, {"case": ended})["findings"]} == {"reset-mid-request"}


def test_under_sudo_the_ring_is_roots_and_cases_are_the_callers_with_only_the_programs_packets(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**SUDO, "SUDO_COMMAND": "/usr/bin/plainwire record"}.items():
        monkeypatch.setenv(name, value)
    folder = home / "flight"
    with serving(home, as_service=True) as server, recorder(folder, client=curl(server)) as running:
        assert running.ask("ok") == "200", running.said
        noise = subprocess.run(
            ["curl", "-sk", "--local-port", "23456", server.url("busy")], capture_output=True, check=False
        )
        assert noise.returncode == 0
        assert running.ask("reset") == "000"
        wait_until(lambda: "reset-mid-request" in running.cases())
        assert running.end() == 3
    rows = running.cases()
    made = [folder / row["case"] for row in rows.values()]
    his = [
        folder,
        folder / "cases",
        folder / "cases.jsonl",
        *made,
        *(f for each in made for f in each.iterdir()),
    ]
    assert {path.stat().st_uid for path in his} == {USER}
    assert {oct(path.stat().st_mode)[-2:] for path in his} == {"00"}
    ring = folder / "ring"
    assert {path.stat().st_uid for path in (ring, *ring.iterdir())} == {0}
    assert oct(ring.stat().st_mode)[-3:] == "700"
    found = report(folder, rows["reset-mid-request"])
    assert [each["code"] for each in found["findings"]] == ["reset-mid-request"]
    assert {each["program"]["command"] for each in found["connections"]} == {"curl"}
    for path in (*ring.glob("*.pcapng"), *(each / "capture.pcapng" for each in made)):
        assert 23456 not in ports(path)
    assert list(lines_of([made[0] / "capture.pcapng"]))


def test_a_program_that_runs_is_recorded_and_a_status_is_a_trigger(tmp_path: Path) -> None:
    needs("root")
    folder, pipe = tmp_path / "flight", subprocess.PIPE
    with (
        serving(tmp_path, as_service=True) as server,
        subprocess.Popen(steady(server), stdin=pipe, stdout=pipe, text=True) as client,
        killed(client),
    ):
        assert client.stdin is not None
        assert client.stdout is not None
        client.stdin.write("ok\n")
        client.stdin.flush()
        assert client.stdout.readline() == "200\n"
        words = ["--on", "none", "--status", "5xx", "--pid", str(client.pid)]
        command = [*PLAINWIRE, "record", "-o", str(folder), *QUICK, *words]
        with subprocess.Popen(command, stderr=pipe, text=True) as process, killed(process):
            running = Running(process, folder)
            wait_until(lambda: "recording into" in "".join(running.said))
            for path in ("reset", "busy"):
                client.stdin.write(f"{path}\n")
                client.stdin.flush()
                client.stdout.readline()
            wait_until(lambda: bool(running.cases()))
            process.send_signal(signal.SIGTERM)
            assert process.wait() == 0
        client.stdin.close()
        client.wait()
    (row,) = running.cases().values()
    assert row["because"] == "status-503"
    found = report(folder, row)
    assert 503 in [each["response"]["status"] for each in found["exchanges"] if each["response"]]
    assert {each["program"]["pid"] for each in found["connections"]} == {client.pid}


def test_systemd_takes_the_unit() -> None:
    if shutil.which("systemd-analyze") is None:
        without("not on this machine: systemd-analyze", part_of_the_judgement=False)
    unit = Path(__file__).resolve().parents[2] / "docs" / "plainwire-record.service"
    done = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, [line for line in done.stderr.splitlines() if unit.name in line]) == (0, [])
