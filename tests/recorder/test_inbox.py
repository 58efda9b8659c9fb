from __future__ import annotations

import os
from typing import TYPE_CHECKING

from plainwire.recorder.inbox import LONGEST_LINE, Tail, reopened

if TYPE_CHECKING:
    from pathlib import Path


def tail_of(path: Path) -> tuple[int, Tail]:
    writer = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    return writer, Tail(reopened(writer))


def test_lines_are_taken_once_whole_and_in_order(tmp_path: Path) -> None:
    writer, tail = tail_of(tmp_path / "keys")
    os.write(writer, b"one\ntwo\nthr")
    assert tail.take() == [b"one", b"two"]
    assert tail.take() == []
    os.write(writer, b"ee\n\nfour\n")
    assert tail.take() == [b"three", b"four"]
    os.close(writer)


def test_what_was_taken_is_gone_from_the_file_while_its_writer_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    writer, tail = tail_of(path)
    os.write(writer, b"secret\n" * 100_000 + b"begun ")
    assert len(tail.take()) == 100_000
    tail.blank()
    assert path.read_bytes() == bytes(700_000) + b"begun "
    assert path.stat().st_blocks * 512 < 100_000
    os.write(writer, b"and ended\n")
    assert tail.take() == [b"begun and ended"]
    tail.close()
    assert not path.read_bytes().strip(b"\0")
    os.close(writer)


def test_a_line_without_end_holds_nothing_up(tmp_path: Path) -> None:
    writer, tail = tail_of(tmp_path / "events")
    os.write(writer, b"x" * (3 * LONGEST_LINE))
    assert tail.take() == []
    os.write(writer, b"\nnext\n")
    assert tail.take() == [b"next"]
    os.close(writer)


def test_a_file_of_the_users_is_left_as_it_is_and_read_anew_where_it_was_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"old\nnew\n")
    tail = Tail(os.open(path, os.O_RDONLY), 4, erases=False)
    assert tail.take() == [b"new"]
    tail.blank()
    assert path.read_bytes() == b"old\nnew\n"
    path.write_bytes(b"n\n")
    assert tail.take() == [b"n"]
    tail.close()
