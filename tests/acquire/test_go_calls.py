"""The log of a Go program's calls on its sockets: what its instructions write there, of calls that
``tests/native/go_calls.c`` makes, and what anybody may.
"""

from __future__ import annotations

import errno
import json
import os
import random
import re
import struct
import subprocess
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from plainwire.acquire import go_calls, interposer, socket_trace, trace_records
from plainwire.acquire.go_calls import CallLog, Outlets
from tests.acquire.test_socket_trace import SERVER, record
from tests.native.test_library import SOURCES
from tests.needs import tool

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HARNESS = SOURCES.parents[1] / "tests" / "native" / "go_calls.c"
LOG = 4096 + (1 << 16)


class Shared(NamedTuple):
    memory: int
    outlets: Outlets

    def put(self, at: int, data: bytes) -> None:
        os.pwrite(self.memory, data, go_calls.AT + at)

    def read(self, at: int, size: int) -> bytes:
        return os.pread(self.memory, size, go_calls.AT + at)

    def log(self) -> CallLog:
        return CallLog("/usr/bin/client", self.memory, 7, self.outlets)

    def trace(self) -> trace_records.Trace:
        return trace_records.read(os.pread(self.outlets.sockets, 1 << 28, 0))

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in os.pread(self.outlets.journal, 1 << 28, 0).splitlines()]


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Shared]:
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
    outlets = Outlets(*(os.open(tmp_path / name, flags) for name in ("sockets", "journal")))
    memory = os.memfd_create("shared")
    os.truncate(memory, go_calls.SIZE)
    go_calls.allow(memory)
    yield Shared(memory, outlets)
    for descriptor in (memory, *outlets):
        os.close(descriptor)


def entry(data: bytes, size: int | None = None, *, whole: int = 1) -> bytes:
    made = struct.pack("<IIQ", len(data) + 16 if size is None else size, whole, 0) + data
    return made + bytes(-len(made) % 16)


def logged(shared: Shared, *entries: bytes) -> None:
    data = b"".join(entries)
    shared.put(LOG, data)
    shared.put(0, struct.pack("<Q", len(data)))


OPENED = entry(record("C", 0, state=trace_records.CLOSED, acked=0)) + entry(record("E", 80))


def called(
    shared: Shared, folder: Path, *, threads: int, rounds: int, limit: int = go_calls.WINDOW
) -> tuple[str, int, int]:
    """What was not as it should be; the server's port; how many records found no room."""
    program, memory, library = folder / "go_calls", folder / "memory", interposer.compiled()
    with memory.open("wb") as file:
        file.truncate(go_calls.SIZE - go_calls.AT)
    command = [tool("gcc"), "-O1", "-Wall", "-Werror", "-o", str(program), str(HARNESS), "-ldl", "-pthread"]
    subprocess.run(command, check=True, timeout=120)
    words = map(str, (program, library, memory, limit, threads, rounds))
    done = subprocess.run(list(words), capture_output=True, text=True, check=True, timeout=120)
    with memory.open("rb") as file:
        (claimed,) = struct.unpack("<Q", file.read(8))
        file.seek(128)
        shared.put(128, file.read(8))
        file.seek(LOG)
        logged(shared, file.read(claimed))
    port, _, lost = map(int, done.stderr.split())
    return done.stdout, port, lost


def test_instructions_refer_to_nothing_outside_of_them(tmp_path: Path) -> None:
    made = tmp_path / "go_calls.o"
    command = [tool("gcc"), "-O2", "-fPIC", "-fno-builtin", "-mgeneral-regs-only", "-c", "-o", str(made)]
    subprocess.run([*command, str(SOURCES.parent / "patch" / "go_calls.c")], check=True, timeout=120)
    listed = subprocess.check_output([tool("objdump"), "-r", "-j", "plainwire_go", made], text=True)
    assert "plainwire_go" not in listed
    code = subprocess.check_output([tool("objdump"), "-d", "-j", "plainwire_go", made], text=True)
    assert "<go_call>:" in code
    assert not re.search(r"%[xy]mm|%fs", code)


def sides(shared: Shared) -> tuple[set[str], set[str]]:
    """What clients and servers did, in words."""
    data = os.pread(shared.outlets.sockets, 1 << 28, 0)
    found = set[str](), set[str]()
    for connection in shared.trace().connections:
        moved = [each.kind + data[each.payload :][: each.size].decode() for each in connection.records]
        found[not connection.active].add(" ".join(moved))
    return found


def test_calls_are_what_they_are_alone_and_each_is_told_of(shared: Shared, tmp_path: Path) -> None:
    """By threads at once; registers, stack and results: by the harness."""
    wrong, port, lost = called(shared, tmp_path, threads=8, rounds=50)
    assert (wrong, lost) == ("", 0)
    shared.log().close()
    trace = shared.trace()
    assert trace.cut is None
    assert len(trace.connections) == 2 * 8 * 50
    assert {port in (each.local[1], each.peer[1]) for each in trace.connections} == {True}
    clients, servers = sides(shared)
    assert clients == {"C E E Srequest Ranswer R and R more Q"}
    assert servers == {"A Rrequest Sanswer and more H R Q"}


def test_what_the_kernel_told_the_program_becomes_events(shared: Shared, tmp_path: Path) -> None:
    wrong, _, lost = called(shared, tmp_path, threads=1, rounds=1)
    assert (wrong, lost) == ("", 0)
    shared.log().close()
    clients, servers = sides(shared)
    assert clients == {"C E E Srequest Ranswer R and Q more"}
    assert servers == {"A Rrequest Sanswer and more H X Q"}
    events = shared.events()
    assert [each["event"] for each in events] == ["process", "connect", "shutdown", "close", "error", "close"]
    assert events[0]["exe"] == "/usr/bin/client"
    assert [(each["unread"], each["acked"]) for each in events[2:4]] == [(0, 15), (5, 8)]
    assert (events[4]["call"], events[4]["errno"]) == ("read", errno.ECONNRESET)
    assert events[1]["peer"] == events[2]["local"]


def test_log_that_nobody_reads_ends(shared: Shared, tmp_path: Path) -> None:
    """First without what was moved, then at all; and it is said."""
    wrong, _, lost = called(shared, tmp_path, threads=1, rounds=1000, limit=4096)
    assert wrong == ""
    assert lost > 0
    log = shared.log()
    log.close()
    sizes = {len(each.records) for each in shared.trace().connections}
    assert sizes
    assert shared.events()[-1]["text"].endswith("were traced: there were too many")


def test_what_was_read_is_given_back_and_the_log_goes_on(shared: Shared) -> None:
    log, large = shared.log(), record("S", 100, bytes(1_500_000))
    logged(shared, OPENED, entry(large))
    log.drain()
    assert struct.unpack("<Q", shared.read(64, 8))[0] > go_calls.WINDOW
    assert os.fstat(shared.memory).st_blocks * 512 < 300_000
    at = len(OPENED) + len(entry(large))
    shared.put(LOG + at, entry(record("S", 101, b"more")))
    shared.put(0, struct.pack("<Q", at + len(entry(record("S", 101, b"more")))))
    log.close()
    (connection,) = shared.trace().connections
    assert [each.size for each in connection.records] == [0, 0, 1_500_000, 4]


def test_records_that_are_not_whole_are_waited_for(shared: Shared) -> None:
    log, begun = shared.log(), entry(record("S", 100, b"request"), whole=0)
    logged(shared, OPENED, begun, entry(record("S", 101, b"more")))
    log.drain()
    assert len(shared.trace().connections[0].records) == 2
    shared.put(LOG + len(OPENED) + 4, b"\1")
    log.drain()
    assert len(shared.trace().connections[0].records) == 4
    log.close()
    assert [each["event"] for each in shared.events()] == ["process", "connect"]


def test_record_of_another_process_is_this_one_s(shared: Shared) -> None:
    logged(shared, entry(record("S", 100, b"request", pid=1)))
    shared.log().close()
    assert shared.trace().connections[0].records[0].pid == 7


def test_error_of_a_connect_names_where_it_went(shared: Shared) -> None:
    refused = record("C", 0, state=trace_records.CLOSED, acked=0, error=errno.ENETUNREACH)
    logged(shared, entry(refused), entry(record("X", 1, error=errno.ENETUNREACH, unread=42)))
    shared.log().close()
    (event,) = [each for each in shared.events() if each["event"] == "error"]
    assert (event["call"], event["peer"]) == ("connect", f"{SERVER[0]}:{SERVER[1]}")


def test_what_is_no_record_does_not_count_and_is_said(shared: Shared) -> None:
    bad = [
        entry(b"x" * 104),
        entry(record("S", 100, b"more than there is room for")[:110]),
        entry(record("Z", 100)),
        entry(record("S", 100, b"last")),
        entry(record("S", 100), size=7),
        entry(record("S", 100, b"behind it")),
    ]
    logged(shared, OPENED, *bad)
    shared.log().close()
    (connection,) = shared.trace().connections
    assert [each.kind for each in connection.records] == ["C", "E", "S"]
    assert "is damaged" in shared.events()[-1]["text"]


def test_any_bytes_become_values(shared: Shared) -> None:
    chance = random.Random(14)
    good = OPENED + entry(record("S", 100, b"request")) + entry(record("X", 101, error=errno.EPIPE))
    good += entry(record("Q", 102, unread=3))
    for _ in range(300):
        bad = bytearray(good)
        for _ in range(chance.randrange(1, 6)):
            bad[chance.randrange(len(bad))] = chance.randrange(256)
        logged(shared, bytes(bad))
        shared.put(0, struct.pack("<Q", chance.choice((len(bad), chance.randrange(1 << 64)))))
        log = shared.log()
        log.drain()
        log.close()
    segments, _ = socket_trace.segments(shared.outlets.sockets)
    assert len(segments) > 300
    assert all(isinstance(each, dict) for each in shared.events())
