"""Where bytes come from: looking ahead, putting pieces together, a disk that fails."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plainwire.capture.reader import read_source
from plainwire.capture.sources import Input, Lookahead
from plainwire.model import CaptureNote, UserError
from tests.builders.captures import pcap
from tests.capture.reading import Dribble, packets

if TYPE_CHECKING:
    from pathlib import Path

sizes = st.lists(st.integers(1, 40), min_size=1, max_size=4)


@given(st.binary(max_size=200), sizes, st.lists(st.integers(0, 60), max_size=12))
def test_looking_ahead_loses_and_doubles_nothing(data: bytes, pieces: list[int], looks: list[int]) -> None:
    source = Lookahead(Dribble(data, pieces))
    got = b""
    for look in looks:
        assert source.peek(look) == data[len(got) :][:look]
        piece = source.read(look or 1)
        source.give_back(piece[1:])
        got += piece[:1]
    while piece := source.read(7):
        got += piece
    assert got == data


@given(st.binary(max_size=200), sizes, st.integers(0, 100), st.integers(1, 30))
def test_a_large_record_is_put_together_from_small_pieces(
    data: bytes, pieces: list[int], need: int, piece: int
) -> None:
    source = Lookahead(Dribble(data[3:], pieces))
    found = source.refill(data[:3], need, piece)
    assert data.startswith(found)
    assert len(found) >= min(need, len(data)) or not data[3:]
    assert bool(found) == bool(data[3:])


class FailingFile:
    """Gives its pieces, and then what a broken disk gives."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = list(pieces)

    def read(self, size: int) -> bytes:
        assert size >= 4
        if not self._pieces:
            raise OSError(errno.EIO, "Input/output error")
        return self._pieces.pop(0)

    def close(self) -> None:
        pass


def failing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *pieces: bytes) -> Input:
    path = tmp_path / "file"
    path.touch()
    source = Input(str(path))
    source.__exit__(None, None, None)
    monkeypatch.setattr(source, "_file", FailingFile(*pieces))
    return source


def test_a_disk_that_fails_later_costs_nothing_that_was_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = pcap([b"one", b"two", b"three"])
    source = failing(tmp_path, monkeypatch, data[:4], data[4:-9])
    items = list(read_source("x", source))
    assert [p[2] for p in packets(items)] == [b"one", b"two"]
    notes = [item.text for item in items if isinstance(item, CaptureNote)]
    assert notes == ["x: cut off in packet 3", "x: Input/output error"]


def test_a_disk_that_fails_at_once_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match=r"file: Input/output error$"):
        list(read_source("x", failing(tmp_path, monkeypatch)))
