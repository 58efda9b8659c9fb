"""``plainwire hunt`` on programs that fail now and then, against a server that knows what it did."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from flaky_server import flaky_server

from tests.acquire.tls_server import certificate
from tests.end_to_end.silences import MICROSECONDS, unanswered_after
from tests.needs import needs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flaky_server import Asked, Flaky

PATIENCE = 240.0
PAUSE = 1.0
CLIENT = """
import http.client, pathlib, ssl, sys, time
trusted, counter = sys.argv[2:4]
port, every, status = (int(sys.argv[place]) for place in (1, 4, 5))
tally = pathlib.Path(counter)
run = len(tally.read_bytes()) + 1 if tally.exists() else 1
with tally.open("ab") as file:
    file.write(b".")
context = ssl.create_default_context(cafile=trusted)
connection = http.client.HTTPSConnection("localhost", port, context=context)
print("run", run, flush=True)
failed = False
for number in range(8):
    time.sleep(0.03)
    if every and run % every == 0 and number == 5:
        time.sleep(1.2)
    try:
        connection.request("GET", f"/item/{number}")
        connection.getresponse().read()
    except (OSError, http.client.HTTPException) as error:
        print(type(error).__name__, file=sys.stderr)
        failed = True
        connection.close()
sys.exit(status if failed else 0)
"""
"""Eight requests on one connection; in every so many runs it dawdles before the sixth."""


@pytest.fixture(autouse=True)
def _may_capture() -> None:
    needs("root")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Flaky]:
    """Resets connections that bring a request after a pause."""

    def spoils(asked: Asked) -> bool:
        return asked.idle > PAUSE

    with flaky_server(*certificate(tmp_path), spoils) as running:
        yield running


def hunt(
    tmp_path: Path, server: Flaky, *options: object, every: int = 2, status: int = 1, folder: str = "hunt"
) -> tuple[int, dict[str, Any]]:
    program = [CLIENT, server.port, tmp_path / "server.pem", tmp_path / f"{folder}-tally", every, status]
    command = [sys.executable, "-m", "plainwire", "hunt", "--json", "-o", tmp_path / folder, *options]
    command += ["--", sys.executable, "-c", *program]
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    assert done.stderr == ""
    return done.returncode, json.loads(done.stdout)


def test_a_program_that_fails_now_and_then_is_explained_without_a_hint(tmp_path: Path, server: Flaky) -> None:
    status, found = hunt(tmp_path, server, "-n", 20)
    assert status == 1
    assert found["end"] == "established"
    assert found["failed"] == len(server.spoiled) >= 3
    assert [m["requests"] for m in found["mechanisms"]] == [len(server.spoiled)]
    assert found["mechanisms"][0]["told"]["fault"] == "server"
    (idle,) = [c for c in found["comparison"] if c["feature"] == "idle_before"]
    assert idle["failing"] == [len(server.spoiled), len(server.spoiled)]
    answered = [asked for asked in server.asked if asked not in server.spoiled]
    assert idle["succeeding"] == [0, len(answered)]
    captures = [tmp_path / "hunt" / name / "capture.pcapng" for name in found["cases"]]
    pauses = [pause for capture in captures for pause in unanswered_after(capture, server.port)]
    assert len(pauses) == len(server.spoiled)
    assert idle["low"] == pytest.approx(min(pauses), abs=MICROSECONDS)


def test_failing_runs_are_kept_whole_and_private_others_as_rows(tmp_path: Path, server: Flaky) -> None:
    _, found = hunt(tmp_path, server, "-n", 4)
    folder = tmp_path / "hunt"
    assert found["cases"] == ["run-0002", "run-0004"]
    assert sorted(path.name for path in folder.iterdir()) == ["run-0002", "run-0004", "runs.jsonl"]
    case = folder / "run-0002"
    assert {"capture.pcapng", "report.json", "report.html", "program.jsonl"} < {
        p.name for p in case.iterdir()
    }
    assert (case / "stdout.txt").read_text() == "run 2\n"
    assert (case / "stderr.txt").read_text() in {"ConnectionResetError\n", "RemoteDisconnected\n"}
    for path in (folder, case):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    for path in (folder / "runs.jsonl", *case.iterdir()):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len((folder / "runs.jsonl").read_text().splitlines()) == 4


def test_a_program_that_never_fails_gets_a_number(tmp_path: Path, server: Flaky) -> None:
    status, found = hunt(tmp_path, server, "-n", 6, "--jobs", 2, every=0)
    assert (status, found["runs"], found["failed"]) == (0, 6, 0)
    assert found["runs_below"] == pytest.approx(1 - 0.05 ** (1 / 6))
    assert found["requests_below"] == pytest.approx(1 - 0.05 ** (1 / len(server.asked)))
    assert found["cases"] == []


def test_a_failure_that_the_program_hides_counts_unless_only_its_status_is_to(
    tmp_path: Path, server: Flaky
) -> None:
    status, found = hunt(tmp_path, server, "-n", 2, status=0)
    assert (status, found["failed"], found["hidden"], found["by_exit"]) == (1, 1, 1, 0)
    status, found = hunt(tmp_path, server, "-n", 2, "--fail-on", "exit", status=0, folder="by-exit")
    assert (status, found["failed"], found["hidden"]) == (0, 0, 1)


def test_what_a_hunt_left_and_single_cases_are_compared_again(tmp_path: Path, server: Flaky) -> None:
    _, found = hunt(tmp_path, server, "-n", 20)
    cases = [tmp_path / "hunt" / name for name in found["cases"]]
    again, chosen, one = (
        subprocess.run(
            [sys.executable, "-m", "plainwire", "analyze", "--json", *folders],
            capture_output=True,
            check=False,
            timeout=PATIENCE,
        )
        for folders in ([tmp_path / "hunt"], cases, cases[:1])
    )
    assert [done.returncode for done in (again, chosen, one)] == [1, 1, 1]
    for name in ("comparison", "mechanisms", "runs", "again"):
        assert json.loads(again.stdout)[name] == found[name]
    assert json.loads(chosen.stdout)["end"] == "chosen"
    assert json.loads(chosen.stdout)["mechanisms"][0]["requests"] == len(cases)
    assert len(json.loads(one.stdout)["findings"]) == 1


def test_until_failure_stops_at_the_first(tmp_path: Path, server: Flaky) -> None:
    status, found = hunt(tmp_path, server, "-n", 20, "--until-failure", every=3)
    assert (status, found["runs"], found["failed"], found["end"]) == (1, 3, 1, "first failure")


def test_a_cause_by_its_code_is_what_fails_a_run(tmp_path: Path, server: Flaky) -> None:
    status, found = hunt(tmp_path, server, "-n", 2, "--fail-on", "response-truncated")
    assert (status, found["failed"], found["by_exit"]) == (0, 0, 1)


def test_after_a_fix_the_old_hunt_says_how_sure_it_is(tmp_path: Path, server: Flaky) -> None:
    hunt(tmp_path, server, "-n", 20)
    before = len(server.asked)
    status, found = hunt(tmp_path, server, "--after", tmp_path / "hunt", every=0, folder="fixed")
    assert (status, found["failed"]) == (0, 0)
    assert found["fix"]["before"][0] == 3
    assert found["fix"]["weighed"]["p"] <= 0.05
    (trial,) = [t for t in found["fix"]["trials"] if t["trigger"]["feature"] == "idle_before"]
    assert trial["before"] == [3, 3]
    assert trial["after"] == [0, 0]
    assert trial["largest"] < PAUSE
    assert len(server.asked) - before == 8 * found["runs"]

    status, found = hunt(tmp_path, server, "--after", tmp_path / "hunt", folder="not-fixed")
    assert (status, found["end"], found["runs"]) == (1, "not cured", 2)


def test_a_program_that_never_pauses_is_made_to(tmp_path: Path, server: Flaky) -> None:
    hunt(tmp_path, server, "-n", 20)
    options = "-n", 20, "--aim", "--after", tmp_path / "hunt"
    status, found = hunt(tmp_path, server, *options, every=0, folder="aimed")
    assert (status, found["end"]) == (1, "not cured")
    assert found["aimed"] == found["runs"]


def test_what_was_learnt_before_ctrl_c_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "hunt"
    heeding = ["env", "--default-signal=INT"]  # whoever started the tests in the background ignores it
    command = [
        *heeding,
        sys.executable,
        "-m",
        "plainwire",
        "hunt",
        "--json",
        "-n",
        "50",
        "-o",
        str(folder),
        "--",
    ]
    second, sleeps = tmp_path / "second", tmp_path / "sleeps"
    command += ["sh", "-c", f"test -e {second} && touch {sleeps} && exec sleep 600; touch {second}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, process_group=0) as hunting:
        deadline = time.monotonic() + PATIENCE
        while not sleeps.exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        os.killpg(hunting.pid, signal.SIGINT)
        out, _ = hunting.communicate(timeout=PATIENCE)
    found = json.loads(out)
    assert (found["end"], found["runs"], found["interrupted"]) == ("interrupted", 1, 1)
    assert [path.name for path in folder.iterdir()] == ["runs.jsonl"]


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("--", "no-such-command-here"), 127, "no-such-command-here: "),
        (("--fail-on", "bad-luck", "--", "true"), 2, "--fail-on bad-luck: "),
        (("--after", "/nowhere", "--", "true"), 2, "/nowhere/runs.jsonl: "),
    ],
)
def test_misuse_is_one_line_and_leaves_nothing(
    tmp_path: Path, words: tuple[str, ...], status: int, said: str
) -> None:
    command = [sys.executable, "-m", "plainwire", "hunt", "-o", str(tmp_path / "hunt"), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert done.returncode == status
    assert done.stderr.startswith(f"plainwire: {said}")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "hunt").exists()


def test_runs_at_a_time_are_not_mistaken_for_each_other(tmp_path: Path) -> None:
    """Without the right to ask the kernel about a program that is out of the interposer's reach."""
    needs("gcc", "setpriv")
    source, program = tmp_path / "nothing.c", tmp_path / "nothing"
    source.write_text("int main(void) { return 0; }")
    subprocess.run(["gcc", "-static", "-o", program, source], check=True)
    command = ["setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin", sys.executable, "-m"]
    command += ["plainwire", "hunt", "-n", "2", "-o", str(tmp_path / "hunt")]
    done = subprocess.run(
        [*command, "--jobs", "2", "--", str(program)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "cannot be watched" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "hunt").exists()
    assert subprocess.run([*command, "--", str(program)], capture_output=True, check=False).returncode == 3


def test_runs_that_cannot_be_recorded_end_it_and_are_no_success(tmp_path: Path) -> None:
    folder = tmp_path / "hunt"
    spoil = f"touch {folder}/run-000{{1,2,3,4}}/report.json; rm {folder}/run-*/capture.pcapng"
    command = [
        sys.executable,
        "-m",
        "plainwire",
        "hunt",
        "-n",
        "9",
        "-o",
        str(folder),
        "--",
        "bash",
        "-c",
        spoil,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert done.returncode == 3
    assert "no run ended; stopped" in done.stdout
    assert "3 runs could not be recorded" in done.stdout
    assert "run 1: " in done.stdout


def test_runs_without_traffic_are_not_called_healthy(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "plainwire",
        "hunt",
        "-n",
        "1",
        "-o",
        str(tmp_path / "hunt"),
        "--",
        "true",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert done.returncode == 3
    assert "not everything could be seen" in done.stdout
    assert "no HTTP request could be seen" in done.stdout
