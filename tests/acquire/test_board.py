"""Lines that the interposer leaves in memory: all of them get into the case's files, whoever is killed."""

from __future__ import annotations

import json
import mmap
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

import pytest

from plainwire import case as cases
from plainwire.acquire import board as boards
from plainwire.acquire.launch import launch
from plainwire.guard import guarded
from tests.needs import needs
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from plainwire.acquire.board import Board
    from plainwire.case import Case

CLAIMED, EMPTIED, CLOSED, FIRST, SLOT, SLOTS = 0, 64, 72, 4096, 256, 16384
CONNECTS = """
import os, socket, sys
listener = socket.create_server(("127.0.0.1", 0))
def connect():
    with socket.create_connection(listener.getsockname()):
        pass
for _ in range(int(sys.argv[1])):
    connect()
if sys.argv[2:]:
    if os.fork() == 0:
        connect()
        if sys.argv[2] == "setuid":
            os.setuid(65534)
            print("plainwire-board" in open("/proc/self/maps").read(), flush=True)
            connect()
        os._exit(0)
    os.wait()
"""


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    made = cases.create(tmp_path / "case")
    yield made
    made.close()


@pytest.fixture
def board(case: Case) -> Iterator[Board]:
    made = boards.made(case)
    assert made is not None
    yield made
    made.close()


def run(case: Case, board: Board, *arguments: str) -> None:
    program = launch([sys.executable, "-c", CONNECTS, *arguments], case, witnessed=False, board=board)
    assert program.wait(60) == 0
    program.finish()


def told(case: Case) -> list[dict[str, Any]]:
    return [json.loads(line) for line in case.program.read_text().splitlines()]


def kinds(case: Case) -> list[str]:
    return [
        event["event"] for event in told(case) if event["event"] in ("process", "connect", "close", "end")
    ]


def number_at(board: Board, at: int, value: int | None = None) -> int:
    with mmap.mmap(board.descriptor, FIRST) as memory:
        if value is not None:
            memory[at : at + 8] = value.to_bytes(8, sys.byteorder)
        return int.from_bytes(memory[at : at + 8], sys.byteorder)


def begun(board: Board, count: int) -> None:
    """So many processes were killed when they had claimed a slot."""
    number_at(board, CLAIMED, number_at(board, CLAIMED) + count)


def test_lines_stay_in_memory_until_it_is_emptied(case: Case, board: Board) -> None:
    run(case, board, "2", "fork")
    assert kinds(case) == []
    board.empty()
    of_one = ["connect", "close"]
    assert kinds(case) == ["process", *of_one, *of_one, "process", *of_one, "end"]
    board.empty()
    assert len(kinds(case)) == 9
    with mmap.mmap(board.descriptor, FIRST + SLOT * SLOTS) as memory:
        assert not any(memory[FIRST:])


def test_where_it_is_full_lines_go_into_the_files(case: Case, board: Board) -> None:
    begun(board, SLOTS)
    run(case, board, "1")
    assert kinds(case) == ["process", "connect", "close", "end"]


def test_who_becomes_another_user_has_it_no_longer(
    case: Case, board: Board, capfd: pytest.CaptureFixture[str]
) -> None:
    needs("root")
    run(case, board, "0", "setuid")
    assert capfd.readouterr().out == "False\n"
    assert kinds(case) == ["connect", "close"]
    board.empty()
    assert kinds(case)[2:] == ["process", "connect", "close"]


def test_it_goes_round(case: Case, board: Board) -> None:
    """A line whose slots are the last one and the first."""
    number_at(board, CLAIMED, 5 * SLOTS - 1)
    number_at(board, EMPTIED, 5 * SLOTS - 1)
    run(case, board, "1")
    board.empty()
    assert kinds(case) == ["process", "connect", "close", "end"]
    assert number_at(board, EMPTIED) == number_at(board, CLAIMED) > 5 * SLOTS


def test_what_a_killed_process_began_is_waited_for_until_there_is_little_room(
    case: Case, board: Board
) -> None:
    case.place.make(case.keys.name, os.O_RDWR | os.O_APPEND)
    case.place.make(case.program.name, os.O_RDWR | os.O_APPEND)
    begun(board, 1)
    board.empty()
    assert number_at(board, EMPTIED) == 0
    begun(board, SLOTS // 2)
    board.empty()
    assert number_at(board, EMPTIED) == 1
    board.empty(last=True)
    assert number_at(board, EMPTIED) == 1 + SLOTS // 2
    assert case.program.read_bytes() == case.keys.read_bytes() == b""


@pytest.mark.parametrize(
    "head", [b"\xff" * 8, b"\x09\x6c\x6b\xff\xff\xff\x6b\x01", b"\x09\x6c\x6b\xff\x01\0e\0"]
)
def test_what_a_program_may_have_written_does_no_harm(case: Case, board: Board, head: bytes) -> None:
    case.place.make(case.program.name, os.O_RDWR | os.O_APPEND)
    with mmap.mmap(board.descriptor, FIRST + SLOT) as memory:
        memory[FIRST : FIRST + len(head)] = head
    begun(board, 1)
    board.empty(last=True)
    number_at(board, CLAIMED, (1 << 64) - 1)
    board.empty(last=True)
    assert case.program.read_bytes() == b""


def test_another_file_at_its_place_is_not_written_to(case: Case, board: Board, tmp_path: Path) -> None:
    """As where plainwire is gone, and its number is another's."""
    other = tmp_path / "of somebody else"
    other.write_bytes(bytes(FIRST + SLOT * SLOTS))
    with other.open("r+b") as file:
        number, _, _ = board.path.partition("/")
        board.path = f"{number}/proc/{os.getpid()}/fd/{file.fileno()}"
        run(case, board, "1")
    assert kinds(case) == ["process", "connect", "close", "end"]
    assert not any(other.read_bytes())


def test_it_cannot_be_made_smaller(board: Board) -> None:
    with pytest.raises(PermissionError):
        os.ftruncate(board.descriptor, 0)


def test_where_plainwire_is_killed_it_is_emptied_and_later_lines_go_into_the_files(
    case: Case, board: Board
) -> None:
    pid = os.fork()
    if pid == 0:
        with guarded(case, board, keep_all=True):
            run(case, board, "1")
            os.kill(os.getpid(), signal.SIGKILL if kinds(case) == [] else signal.SIGTERM)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
    wait_until(lambda: kinds(case) == ["process", "connect", "close", "end"])
    assert number_at(board, CLOSED) != 0
