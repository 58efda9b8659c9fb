"""What is done with a case whose plainwire was killed; and that nothing is done where it was not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from plainwire import case as cases
from plainwire.capture import reader
from plainwire.guard import guarded
from plainwire.model import PacketBatch
from tests.needs import needs

if TYPE_CHECKING:
    from pathlib import Path

    from plainwire.case import Case

PATIENCE = 60
BYSTANDER = """
import socket, sys
one, other = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
other.bind(("127.0.0.1", 0))
while True:
    one.sendto(b"of somebody else", other.getsockname())
    other.recv(100)
    print(flush=True)
    sys.stdin.readline()
"""


def packets(case: Case) -> int:
    return sum(len(i.number) for i in reader.read([case.capture]) if isinstance(i, PacketBatch))


def events_of(case: Case) -> list[dict[str, object]]:
    return [json.loads(line) for line in case.program.read_text().splitlines()]


def test_what_others_sent_does_not_stay_where_plainwire_is_killed(tmp_path: Path) -> None:
    needs("root")
    case = cases.Case(tmp_path / "case")
    piped = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", BYSTANDER], **piped) as other:  # type: ignore[call-overload]
        command = [sys.executable, "-m", "plainwire", "run", "-o", str(case.folder), "--", "sleep", "600"]
        deadline = time.monotonic() + PATIENCE
        with subprocess.Popen(command) as running:
            while not (case.program.exists() and "start" in case.program.read_text()):
                assert time.monotonic() < deadline
                time.sleep(0.02)
            while not packets(case):
                assert time.monotonic() < deadline
                other.stdin.write("\n")
                other.stdin.flush()
                other.stdout.readline()
            running.kill()
        other.kill()
    started = next(event for event in events_of(case) if event["event"] == "start")
    os.kill(int(str(started["pid"])), signal.SIGKILL)
    while packets(case):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    (left_out,) = [event["packets"] for event in events_of(case) if event["event"] == "left out"]
    assert isinstance(left_out, int)
    assert left_out > 0


def test_while_plainwire_lives_and_after_it_has_finished_nothing_is_done(tmp_path: Path) -> None:
    case = cases.create(tmp_path / "case")
    with guarded(case):
        case.place.write(case.capture.name, b"as it was")
        case.place.write(case.keys.name, b"")
        case.place.write(case.program.name, b"")
    assert case.capture.read_bytes() == b"as it was"
    assert {path.name for path in case.folder.iterdir()} == {"capture.pcapng", "keys.log", "program.jsonl"}
    case.close()


def test_what_cannot_be_read_stays_and_nothing_waits_for_it(tmp_path: Path) -> None:
    """The program goes on where its case cannot be sifted: the fork ends by itself."""
    case = cases.create(tmp_path / "case")
    for path in (case.capture, case.keys, case.program):
        case.place.write(path.name, b"")
    pid = os.fork()
    if pid == 0:
        with guarded(case):
            os._exit(0)  # as where plainwire is killed
    os.waitpid(pid, 0)
    assert case.capture.read_bytes() == b""
    case.close()
