from __future__ import annotations

import os
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from plainwire import folder as folders
from plainwire.model import UserError
from plainwire.recorder import control
from plainwire.recorder.control import Control, Question, Reply
from tests.users import become_user, home, open_folder
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from plainwire.folder import Folder

__all__ = ["home", "open_folder"]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Folder]:
    held = folders.made(tmp_path / ("d" * 120))
    yield held
    held.close()


def taken(listening: Control) -> tuple[int, Question]:
    found: list[tuple[int, Question] | None] = [None]

    def came() -> bool:
        found[0] = listening.take()
        return found[0] is not None

    wait_until(came)
    assert found[0] is not None
    return found[0]


def test_a_question_is_heard_and_answered(place: Folder) -> None:
    listening, answers = Control(place), []
    question = Question("why\x1b[2J" + "x" * 1000, 600.0)
    asking = threading.Thread(target=lambda: answers.append(control.ask(place.path, question, 30)))
    asking.start()
    asker, heard = taken(listening)
    assert (heard.because, heard.since) == (("why[2J" + "x" * 1000)[:200], 600.0)
    listening.answer(asker, Reply(case="there"))
    listening.answer(asker, Reply(case="elsewhere"))
    asking.join()
    listening.close()
    assert answers == [Reply(case="there")]


def test_who_waits_when_the_recorder_ends_is_told(place: Folder) -> None:
    listening, answers = Control(place), []
    asking = threading.Thread(target=lambda: answers.append(control.ask(place.path, Question(), 30)))
    asking.start()
    taken(listening)
    listening.close()
    asking.join()
    assert answers == [Reply(error="the recorder has ended")]
    assert control.ask(place.path, Question(), 1) is None


def test_nonsense_and_those_who_hang_up_are_no_trouble(place: Folder) -> None:
    listening = Control(place)
    for data in (b"", b"{", b"[]", b'{"since": "x"}', b"\xff" * 5000):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as asking:
            folder = os.open(place.path, os.O_RDONLY)
            asking.connect(f"/proc/self/fd/{folder}/control")
            os.close(folder)
            if data:
                asking.send(data)
        assert listening.take() is None
    assert listening.take() is None
    listening.close()


def test_where_no_recorder_is_there_is_no_answer(tmp_path: Path) -> None:
    assert control.ask(tmp_path, Question(), 1) is None
    with pytest.raises(UserError, match="No such file"):
        control.ask(tmp_path / "none", Question(), 1)


def test_another_user_is_not_heard(open_folder: Path) -> None:
    """Not even where the folder would let him in."""
    held = folders.made(open_folder / "flight")
    listening = Control(held)
    held.path.chmod(0o755)
    (held.path / "control").chmod(0o666)
    pid = os.fork()
    if pid == 0:
        become_user()
        try:
            control.ask(held.path, Question(), 30)
        except UserError as error:
            os._exit(7 if "belongs to another user" in str(error) else 1)
        os._exit(2)
    ended: list[int] = []

    def over() -> bool:
        assert listening.take() is None
        found, status = os.waitpid(pid, os.WNOHANG)
        ended.extend([os.waitstatus_to_exitcode(status)] if found else [])
        return bool(ended)

    wait_until(over)
    listening.close()
    held.close()
    assert ended == [7]
