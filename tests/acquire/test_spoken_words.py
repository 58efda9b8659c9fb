"""Words in ``program.jsonl`` without the secrets in them."""

from __future__ import annotations

import os
from time import time_ns
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from plainwire.acquire import events
from plainwire.acquire.spoken_words import take_out_secrets

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "program.jsonl"


def write(path: Path, *items: dict[str, Any] | bytes) -> None:
    path.write_bytes(b"".join(i if isinstance(i, bytes) else orjson.dumps(i) + b"\n" for i in items))


def said(text: str, time: float = 1.0, pid: int = 7, **more: object) -> dict[str, Any]:
    return {"event": "stderr", "time": time, "pid": pid, "text": text.encode().decode("latin-1"), **more}


def hide(text: str) -> str:
    return text.replace("hunter2", "[redacted]")


def words(path: Path) -> list[tuple[int, float, str]]:
    return [(word.pid, word.time_ns / 1e9, word.text) for word in events.read(path).words]


def test_a_secret_in_two_pieces_is_taken_out_and_the_line_keeps_its_time(path: Path) -> None:
    write(path, said("é token hun", 1.0), said("other\n", 1.5, 8), said("ter2\nnext", 2.0), said("\n", 3.0))
    take_out_secrets(path, hide)
    assert words(path) == [(8, 1.5, "other\n"), (7, 1.0, "é token [redacted]\n"), (7, 2.0, "next\n")]
    assert b"ter2" not in path.read_bytes()


def test_what_is_left_open_and_what_was_read_afterwards_are_lines_of_their_own(path: Path) -> None:
    write(path, said("hun"), said("ter2", 2.0), said("hunter2", 9.0, afterwards=True))
    take_out_secrets(path, hide)
    assert [text for _, _, text in words(path)] == ["[redacted]", "[redacted]"]
    assert [word.afterwards for word in events.read(path).words] == [False, True]


def test_other_events_stay_as_they_are(path: Path) -> None:
    other = {"event": "exit", "time": 4.0, "status": 3}
    write(path, said("hunter2\n"), other, b"no json\n")
    take_out_secrets(path, hide)
    assert path.read_bytes().endswith(orjson.dumps(other) + b"\nno json\n")
    assert path.stat().st_mode & 0o777 == 0o600


def test_lines_that_were_cut_are_left_out_whole(path: Path) -> None:
    """A process may have died while it wrote: what is left may be the beginning of a secret."""
    write(path, said("fine\n"), b'{"event":"stderr","time":1,"pid":7,"text":"hunter2')
    take_out_secrets(path, hide)
    assert b"hunter2" not in path.read_bytes()
    assert [text for _, _, text in words(path)] == ["fine\n"]


def test_a_file_without_words_is_not_touched(path: Path) -> None:
    write(path, {"event": "exit", "time": 4.0, "status": 3})
    os.utime(path, ns=(time_ns(), 0))  # it has been read since: reading it once more is not noted (relatime)
    before = path.stat()
    take_out_secrets(path, hide)
    assert path.stat() == before


def test_a_very_long_line_goes_on_in_further_events(path: Path) -> None:
    write(path, *[said("x" * 500) for _ in range(100)], said("\n"))
    take_out_secrets(path, hide)
    assert "".join(text for _, _, text in words(path)) == "x" * 50_000 + "\n"
    assert not events.read(path).notes


def test_the_two_outputs_do_not_run_into_each_other(path: Path) -> None:
    printed = {**said("hun", 1.5), "event": "stdout"}
    write(path, said("token hun", 1.0), printed, said("ter2\n", 2.0), {**printed, "text": "ters\n"})
    take_out_secrets(path, hide)
    assert [(word.output, word.text) for word in events.read(path).words] == [
        ("stderr", "token [redacted]\n"),
        ("stdout", "hunters\n"),
    ]
