"""The program's words and its sockets' errors, from a real program into ``ProgramEvents``."""

from __future__ import annotations

import errno
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import orjson

from plainwire.acquire import events
from plainwire.case import create

if TYPE_CHECKING:
    from pathlib import Path

    from plainwire.model import ProgramEvents

LAUNCH = """
import sys
from pathlib import Path
from plainwire.acquire.launch import launch
from plainwire.case import Case
program = launch(sys.argv[2:], Case(Path(sys.argv[1])))
program.wait()
program.finish()
"""


def launched(
    folder: Path, *command: str, stderr: int | None = None, stdout: int = subprocess.DEVNULL
) -> ProgramEvents:
    """What a program leaves whose standard output and error are these."""
    case = create(folder / "case")
    launcher = [sys.executable, "-c", LAUNCH, str(case.folder), *command]
    done = subprocess.run(launcher, stdout=stdout, stderr=stderr, check=True, timeout=120)
    assert done.returncode == 0
    return events.read(case.program)


def test_refused_connect_and_the_words_about_it_are_told(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        code = f"import socket; socket.create_connection(('127.0.0.1', {port}))"
        found = launched(tmp_path, sys.executable, "-c", code, stderr=subprocess.PIPE)
    (error,) = found.errors
    assert (error.call, error.error, error.peer) == ("connect", errno.ECONNREFUSED, f"127.0.0.1:{port}")
    said = "".join(words.text for words in found.words)
    assert said.endswith("ConnectionRefusedError: [Errno 111] Connection refused\n")
    process = found.processes[error.pid]
    assert (process.runtime, process.exit_status) == ("python", 1)
    assert process.version == sys.version.split()[0]


def test_words_that_the_c_library_writes_are_read_from_the_file(tmp_path: Path) -> None:
    """What stood in it before is not the program's."""
    log = tmp_path / "log"
    log.write_text("yesterday's words\n")
    with log.open("ab") as file:
        found = launched(tmp_path, "/bin/ls", "/no/such/file", stderr=file.fileno())
    (words,) = found.words
    assert words.afterwards
    assert "/no/such/file" in words.text
    assert "yesterday" not in words.text


def test_bytes_that_are_no_utf_8_cost_nothing(tmp_path: Path) -> None:
    code = "import os; os.write(2, b'caf\\xe9 \\xc3\\xa9\\n')"
    found = launched(tmp_path, sys.executable, "-c", code, stderr=subprocess.PIPE)
    assert "".join(words.text for words in found.words) == "caf\ufffd é\n"


def test_events_of_sockets_are_entered_and_nonsense_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "program.jsonl"
    socket_event = {"time": 1.5, "pid": 7, "tid": 7, "command": "c", "local": "127.0.0.1:5000"}
    lines = [
        {"event": "process", "exe": "/usr/bin/curl", **socket_event},
        {"event": "error", "peer": None, "call": "recv", "errno": 104, **socket_event},
        {"event": "close", "peer": "127.0.0.1:443", "unread": 12, **socket_event},
        {"event": "runtime", "exe": "/usr/bin/curl", "runtime": "curl", "version": "7.88.1"},
        {"event": "end", "status": 56, **socket_event},
        {"event": "error", "peer": None, "call": "recv", **socket_event},
        {"event": "stderr", "text": None},
    ]
    path.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))
    found = events.read(path)
    assert [(e.time_ns, e.local, e.peer, e.error) for e in found.errors] == [
        (1_500_000_000, "127.0.0.1:5000", None, 104)
    ]
    assert [(c.call, c.unread) for c in found.closes] == [("close", 12)]
    curl = found.processes[7]
    assert (curl.runtime, curl.version, curl.exit_status) == ("curl", "7.88.1", 56)
    assert found.notes == ["program.jsonl: 2 lines could not be understood"]


PRINTS = """
import os, sys
os.write(1, b"all is well\\n")
os.write(1, b"GET /a: TimeoutError: timed out\\n")
os.write(1, b"GET /b: Connection ")
os.write(1, b"refused\\n")
os.write(1, b"\\x00\\x01 no text: error\\n")
os.write(1, b"x" * 3000 + b" error\\n")
os.write(1, b"fine\\nGET /c: socket hang up\\nfine\\nGET /d: ECONNRESET\\n")
os.write(1, b"GET /e: Connection reset by")
os.write(1, b" peer\\nfine\\n")
os.write(1, b"ERR UNABLE_TO_VERIFY_LEAF_SIGNATURE\\n")
"""


def test_lines_of_standard_output_that_tell_of_errors_are_kept(tmp_path: Path) -> None:
    """Standard output may be anything: what is no text, or tells of no error, is nobody's business."""
    found = launched(tmp_path, sys.executable, "-c", PRINTS, stdout=subprocess.PIPE)
    assert {words.output for words in found.words} == {"stdout"}
    assert [(words.text, words.buffered) for words in found.words] == [
        ("GET /a: TimeoutError: timed out\n", False),
        ("refused\n", False),
        ("GET /c: socket hang up\n", True),
        ("GET /d: ECONNRESET\n", True),
        ("GET /e: Connection reset by", False),
        (" peer\n", True),
        ("ERR UNABLE_TO_VERIFY_LEAF_SIGNATURE\n", False),
    ]


def test_words_that_the_c_library_prints_are_read_from_the_file(tmp_path: Path) -> None:
    log = tmp_path / "log"
    script = "printf 'fine\\n%s\\n' 'curl: (7) Connection refused'"
    with log.open("ab") as file:
        found = launched(tmp_path, "/bin/sh", "-c", script, stdout=file.fileno(), stderr=subprocess.PIPE)
    texts = {(words.output, words.text) for words in found.words}
    assert texts == {("stdout", "curl: (7) Connection refused\n")}


def test_titles_and_errors_of_failed_tests_are_read_from_the_file(tmp_path: Path) -> None:
    log = tmp_path / "log"
    report = "=== RUN   TestA\nfine\n--- FAIL: TestA (0.01s)\n    a_test.go:6: too slow\nok\n"
    with log.open("ab") as file:
        found = launched(
            tmp_path, "/bin/sh", "-c", f"printf '{report}'", stdout=file.fileno(), stderr=subprocess.PIPE
        )
    assert "".join(words.text for words in found.words if words.afterwards) == report
