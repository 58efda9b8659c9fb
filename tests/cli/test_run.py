"""``plainwire run`` around a program: the program must not notice, and neither must whoever started it."""

from __future__ import annotations

import errno
import json
import os
import pty
import random
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING

import pytest

from plainwire.case import Case
from tests.acquire.tls_server import tls_server
from tests.needs import needs, tool
from tests.waiting import PATIENCE, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.acquire.tls_server import TlsServer

CLIENT = Path(__file__).parent.parent / "acquire" / "clients" / "plain_http.py"


@pytest.fixture(autouse=True)
def _may_capture() -> None:
    needs("root", "tshark")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[TlsServer]:
    with tls_server(tmp_path) as running:
        yield running


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path / "case")


def plainwire(case: Case, *words: object, quiet: bool = True) -> list[str]:
    options = ["-q"] if quiet else []
    command = [sys.executable, "-m", "plainwire", "run", "-o", case.folder, *options, "--", *words]
    return [str(word) for word in command]


def python(script: str) -> tuple[str, str, str]:
    return sys.executable, "-c", script


def test_a_key_log_that_the_program_writes_by_itself(case: Case, tmp_path: Path) -> None:
    written, missing = tmp_path / "own.log", tmp_path / "missing.log"
    line = f"CLIENT_RANDOM {'ab' * 32} {'cd' * 48}"
    command = plainwire(case, "sh", "-c", f"echo {line} >{written}")
    options = ["--keys", str(written), "--keys", str(missing)]
    assert subprocess.run([*command[:4], *options, *command[4:]], check=False).returncode == 0
    log = subprocess.check_output(
        [sys.executable, "-m", "plainwire", "export", str(case.folder), "--keylog"], text=True
    )
    assert line in log.splitlines()
    report = json.loads(case.report_json.read_bytes())
    assert f"{missing}: no such key log" in report["coverage"]["notes"]


# --- the end ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [0, 1, 2, 77, 255])
def test_the_exit_status_is_the_programs(case: Case, status: int) -> None:
    assert subprocess.run(plainwire(case, "sh", "-c", f"exit {status}"), check=False).returncode == status


@pytest.mark.parametrize("name", ["SIGTERM", "SIGKILL", "SIGSEGV", "SIGPIPE", "SIGINT"])
def test_a_program_that_a_signal_ended_ends_us_by_the_same_signal(case: Case, name: str) -> None:
    script = f"import os, signal; signal.signal({signal.Signals[name]}, 0) if {name != 'SIGKILL'} else 0; "
    script += f"os.kill(os.getpid(), {signal.Signals[name]})"
    done = subprocess.run(plainwire(case, *python(script)), check=False)
    assert done.returncode == -signal.Signals[name]
    assert case.report_json.exists()
    ends = [json.loads(line) for line in case.program.read_text().splitlines() if '"exit"' in line]
    assert [event["status"] for event in ends] == [128 + signal.Signals[name]]


@pytest.mark.parametrize(("command", "status"), [("no-such-command-here", 127), ("/etc/passwd", 126)])
def test_a_program_that_cannot_be_started_is_one_line_and_leaves_nothing(
    case: Case, command: str, status: int
) -> None:
    done = subprocess.run(plainwire(case, command, quiet=False), capture_output=True, text=True, check=False)
    assert done.returncode == status
    assert done.stderr.startswith(f"plainwire: {command}: ")
    assert done.stderr.count("\n") == 1
    assert not case.folder.exists()


def test_an_interface_that_does_not_exist_is_one_line_and_starts_nothing(case: Case, tmp_path: Path) -> None:
    command = plainwire(case, "touch", tmp_path / "started")
    command.insert(4, "-inope0")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("plainwire: nope0: no such network interface")
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_something_in_it_is_refused_and_stays(case: Case, tmp_path: Path) -> None:
    case.folder.mkdir()
    (case.folder / "evidence").write_text("of yesterday")
    done = subprocess.run(plainwire(case, "touch", tmp_path / "started"), capture_output=True, check=False)
    assert done.returncode == 2
    assert (case.folder / "evidence").read_text() == "of yesterday"
    assert not (tmp_path / "started").exists()


def test_without_a_name_every_run_gets_a_folder_of_its_own(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "plainwire", "run", "-q", "--", "true"]
    running = [subprocess.Popen(command, cwd=tmp_path) for _ in range(3)]
    assert [process.wait(PATIENCE) for process in running] == [0, 0, 0]
    folders = list(tmp_path.glob("plainwire-case-*"))
    assert len(folders) == 3
    assert all(Case(folder).report_json.exists() for folder in folders)


# --- what goes in and out -------------------------------------------------------------------------------


def test_input_output_and_errors_are_the_programs_byte_for_byte(case: Case) -> None:
    data = random.Random(1).randbytes(1_000_000)
    script = """
import sys
data = sys.stdin.buffer.read()
sys.stdout.buffer.write(data)
sys.stderr.buffer.write(data[::-1])
"""
    done = subprocess.run(plainwire(case, *python(script)), input=data, capture_output=True, check=False)
    assert done.stdout == data
    assert done.stderr == data[::-1]


def test_our_words_come_after_the_programs_and_only_on_standard_error(case: Case) -> None:
    done = subprocess.run(
        plainwire(case, "sh", "-c", "echo out; echo err >&2", quiet=False), capture_output=True, check=False
    )
    assert done.stdout == b"out\n"
    assert done.stderr.startswith(b"err\n")
    assert len(done.stderr) > len(b"err\n")


def test_nothing_of_ours_is_on_standard_output_with_a_filter(case: Case) -> None:
    command = plainwire(case, "echo", "out")
    command.insert(4, "-ftcp port 443")
    assert subprocess.run(command, capture_output=True, check=True).stdout == b"out\n"


def test_options_of_the_program_are_the_programs(case: Case) -> None:
    words = ["-o", "x", "-q", "--help", "--", "-i", "a  b", ""]
    done = subprocess.run(
        plainwire(case, *python("import sys; print(sys.argv[1:])"), *words),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"{words}\n"


def test_the_program_inherits_the_descriptors_it_was_given_and_no_others(case: Case) -> None:
    listing = ["ls", "-l", "/proc/self/fd"]
    with Path("/dev/zero").open("rb") as given:
        words = ["sh", "-c", 'exec "$@" 5<&0', "sh", *plainwire(case, *listing)]
        seen = subprocess.run(words, stdin=given, stdout=subprocess.PIPE, check=True).stdout.decode()
    assert seen.count("-> /dev/zero") == 2
    for ours in ("socket:", "eventfd", "capture.pcapng"):
        assert ours not in seen


def test_on_a_terminal_the_program_has_the_terminal(case: Case) -> None:
    script = "import os, sys; print([os.isatty(n) for n in range(3)], os.tcgetpgrp(0) == os.getpgrp())"
    output, status = on_terminal(plainwire(case, *python(script)), lambda _fd, _seen: None)
    assert output.splitlines() == [b"[True, True, True] True"]
    assert status == 0


def on_terminal(command: list[str], talk: Callable[[int, bytes], None]) -> tuple[bytes, int]:
    """Run ``command`` on a terminal of its own; ``talk`` gets the terminal and all output so far."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(command[0], command)
    seen = b""
    try:
        while piece := read_terminal(terminal):
            seen += piece
            talk(terminal, seen)
    finally:
        os.close(terminal)
        _, status = os.waitpid(pid, 0)
    return seen, os.waitstatus_to_exitcode(status)


def read_terminal(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 16)
    except OSError as error:
        if error.errno != errno.EIO:  # the other side is closed
            raise
        return b""


def test_a_name_with_a_slash_is_that_file_and_not_what_path_has(case: Case, tmp_path: Path) -> None:
    (tmp_path / "ls").write_text('#!/bin/sh\necho "$0 here"\n')
    (tmp_path / "ls").chmod(0o755)
    done = subprocess.run(plainwire(case, "./ls"), cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "./ls here\n"


@pytest.mark.parametrize("lost", [">&-", "2>&-", ">/dev/full", "2>/dev/full", "<&- >&- 2>&-"])
@pytest.mark.parametrize("quiet", [False, True])
def test_where_output_has_nowhere_to_go_the_program_runs_as_alone(
    case: Case, tmp_path: Path, lost: str, *, quiet: bool
) -> None:
    """The program sees the same descriptors, and its status counts."""
    seen = tmp_path / "seen"
    program = ["sh", "-c", f"ls /proc/self/fd >{seen}; exit 9"]
    statuses, descriptors = [], []
    for command in (program, plainwire(case, *program, quiet=quiet)):
        words = ["sh", "-c", f'"$@" {lost}', "sh", *command]
        statuses.append(subprocess.run(words, capture_output=True, check=False).returncode)
        descriptors.append(seen.read_text())
    assert statuses == [9, 9]
    assert descriptors[0] == descriptors[1]
    assert case.report_json.exists()


# --- signals ----------------------------------------------------------------------------------------------

COUNTS = r"""
import os, signal, sys, time
seen = []
for name in sys.argv[1:]:
    signal.signal(signal.Signals[name], lambda n, _: (seen.append(n), os.write(1, b"%d\n" % n)))
os.write(1, b"ready\n")
while len(seen) < len(sys.argv) - 1:
    time.sleep(0.02)  # not pause(): the last signal may come just before it
time.sleep(0.5)
sys.exit(len(seen))
"""


def started(command: list[str]) -> tuple[subprocess.Popen[str], IO[str]]:
    """A process whose output is read line by line."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, process_group=0)
    assert process.stdout is not None
    return process, process.stdout


def test_signals_sent_to_us_reach_the_program_once_each(case: Case) -> None:
    names = ["SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGWINCH"]
    process, output = started(plainwire(case, *python(COUNTS), *names))
    with process:
        assert output.readline() == "ready\n"
        for name in names:
            process.send_signal(signal.Signals[name])
            assert output.readline() == f"{signal.Signals[name].value}\n"
        assert process.wait(PATIENCE) == len(names)
    assert case.report_json.exists()


def test_ctrl_c_reaches_the_program_once_and_leaves_us_to_finish(case: Case) -> None:
    sent: list[int] = []

    def press(terminal: int, seen: bytes) -> None:
        if b"ready\r\n" in seen and not sent:
            sent.append(os.write(terminal, b"\x03"))

    script = COUNTS.replace("sys.argv[1:]", "['SIGINT']").replace("len(sys.argv) - 1", "1")
    output, status = on_terminal(plainwire(case, *python(script)), press)
    assert output.split() == [b"ready", b"^C2"]
    assert status == 1
    assert case.report_json.exists()


def test_a_signal_to_the_whole_group_ends_the_program_and_not_our_work(case: Case) -> None:
    """As ``timeout`` and a shell's ``kill %1`` do it."""
    script = "import os, signal; signal.signal(signal.SIGTERM, 0); os.killpg(0, signal.SIGTERM)"
    process = subprocess.Popen(plainwire(case, *python(script)), process_group=0)
    assert process.wait(PATIENCE) == -signal.SIGTERM
    assert case.report_json.exists()


def test_a_stop_stops_the_program_and_us_and_both_go_on(case: Case) -> None:
    script = "import os, sys, time; print(os.getpid(), flush=True); sys.exit(len(sys.stdin.readline()))"
    process = subprocess.Popen(
        plainwire(case, *python(script)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        process_group=0,
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        program = int(process.stdout.readline())
        process.send_signal(signal.SIGTSTP)
        wait_until(lambda: state(program) == "T" and state(process.pid) == "T")
        process.send_signal(signal.SIGCONT)
        wait_until(lambda: state(program) != "T" and state(process.pid) != "T")
        process.stdin.write("four\n")
        process.stdin.close()
        assert process.wait(PATIENCE) == 5


def state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1][0]


def test_what_nohup_ignores_stays_ignored(case: Case) -> None:
    script = "import signal as s; print(s.getsignal(s.SIGHUP) == s.SIG_IGN, s.getsignal(s.SIGTERM))"
    words = ["sh", "-c", 'trap "" HUP; exec "$@"', "sh", *plainwire(case, *python(script))]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout == f"True {signal.Handlers.SIG_DFL}\n"


# --- the case -----------------------------------------------------------------------------------------------


def http_seen_by_tshark(capture: Path, home: Path) -> list[str]:
    """Requests and status codes, by a tshark without any settings."""
    command = [tool("tshark"), "-n", "-r", str(capture), "-Y", "http", "-T", "fields"]
    command += ["-e", "http.request.uri", "-e", "http.response.code"]
    environment = {"PATH": os.environ["PATH"], "HOME": str(home)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return [line.strip() for line in done.stdout.splitlines()]


def test_wireshark_shows_plain_http_with_no_settings(case: Case, server: TlsServer, tmp_path: Path) -> None:
    done = subprocess.run(
        plainwire(case, sys.executable, CLIENT, server.port, server.certificate),
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, b"200\n" * 3)
    # Of two connections packets may come out of the kernel in another order.
    assert sorted(http_seen_by_tshark(case.capture, tmp_path)) == ["/"] * 3 + ["200"] * 3
    report = json.loads(case.report_json.read_bytes())
    assert len(report["exchanges"]) == 3
    assert report["coverage"]["packets_dropped"] == 0


def test_a_case_is_for_its_owner_only_and_keeps_no_loose_keys(case: Case, server: TlsServer) -> None:
    subprocess.run(plainwire(case, sys.executable, CLIENT, server.port, server.certificate), check=True)
    assert stat.S_IMODE(case.folder.stat().st_mode) == 0o700
    modes = {entry.name: stat.S_IMODE(entry.stat().st_mode) for entry in case.folder.iterdir()}
    reports = ["report.html", "report.index", "report.json"]
    assert modes == dict.fromkeys(["capture.pcapng", "program.jsonl", *reports], 0o600)


def test_kill_9_leaves_the_program_running_and_a_capture_that_tshark_reads(
    case: Case, server: TlsServer, tmp_path: Path
) -> None:
    script = f"""
import http.client, os, ssl, sys
context = ssl.create_default_context(cafile={str(server.certificate)!r})
connection = http.client.HTTPSConnection("localhost", {server.port}, context=context)
for target in ("/one", "/two"):
    connection.request("GET", target)
    connection.getresponse().read()
    print(os.getppid(), flush=True)
    sys.stdin.readline()
with open({str(tmp_path / "done")!r}, "w") as file:
    file.write("well")
"""
    process = subprocess.Popen(
        plainwire(case, *python(script)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert int(process.stdout.readline()) == process.pid
        wait_until(lambda: "GET /one" in http_with_loose_keys(case))
        process.kill()
        process.wait()
        process.stdin.write("go on\n")
        process.stdin.flush()
        assert process.stdout.readline() != ""  # the second request was answered after our death
        process.stdin.write("end\n")
        process.stdin.flush()
        wait_until((tmp_path / "done").exists)
    assert "GET /one" in http_with_loose_keys(case)
    for command in ("analyze", "show"):
        words = [sys.executable, "-m", "plainwire", command, "--json", str(case.folder)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert '"/one"' in done.stdout, done.stderr


def http_with_loose_keys(case: Case) -> str:
    """What tshark sees in a case that was not finished."""
    command = [tool("tshark"), "-n", "-r", str(case.capture), "-o", f"tls.keylog_file:{case.keys}"]
    return subprocess.run([*command, "-Y", "http"], capture_output=True, text=True, check=False).stdout


def test_a_full_disk_costs_the_rest_of_the_capture_and_nothing_else(
    server: TlsServer, tmp_path: Path
) -> None:
    """In a mount namespace of its own, the case lies on a file system of 64 kB."""
    needs("unshare", "mount")
    script = f"""
import http.client, ssl, sys, time
context = ssl.create_default_context(cafile={str(server.certificate)!r})
connection = http.client.HTTPSConnection("localhost", {server.port}, context=context)
for number in range(400):
    connection.request("GET", f"/{{number}}?" + "x" * 500)
    connection.getresponse().read()
    number % 40 or time.sleep(0.1)
print("all answered")
sys.exit(7)
"""
    small, kept = tmp_path / "small", tmp_path / "kept.pcapng"
    small.mkdir()
    inner = Case(small / "case")
    shell = f'mount -t tmpfs -o size=64k none "{small}" && "$@"; status=$?; cp "{inner.capture}" "{kept}"; '
    words = [
        "unshare",
        "-m",
        "sh",
        "-c",
        shell + "exit $status",
        "sh",
        *plainwire(inner, *python(script), quiet=False),
    ]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 7
    assert done.stdout == "all answered\n"
    assert "the capture ended too early: No space left on device; what came before is kept" in done.stderr
    assert "Traceback" not in done.stderr
    listed = subprocess.run(
        [tool("tshark"), "-n", "-r", str(kept)], capture_output=True, text=True, check=True
    )
    assert len(listed.stdout.splitlines()) > 20
    assert "cut short" not in listed.stderr


@pytest.mark.parametrize(
    ("method", "had"), [("environment", None), ("preload", "callback"), ("patch", "patch"), ("agent", "")]
)
def test_secrets_are_had_by_the_method_that_is_forced(method: str, had: str | None, tmp_path: Path) -> None:
    """``agent`` has none: curl is no Java."""
    needs("root", "curl")
    with tls_server(tmp_path) as server:
        command = [sys.executable, "-m", "plainwire", "run", "--via", method, "-o", str(tmp_path / "case")]
        command += ["--", tool("curl"), "-sk", server.url]
        subprocess.run(command, capture_output=True, check=True)
    report = json.loads((tmp_path / "case" / "report.json").read_text())
    (connection,) = report["connections"]
    assert bool(report["exchanges"]) == (had != "")
    assert connection["program"]["secrets"] == (had or None)
    assert f"Asked for by --via: {method}, and nothing else was tried." in report["coverage"]["notes"]
