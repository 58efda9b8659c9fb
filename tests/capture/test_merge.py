"""Several files as one capture. ``mergecap`` on the same files is the second source."""

from __future__ import annotations

import os
import random
import subprocess
import threading
from typing import TYPE_CHECKING, Self

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plainwire.capture import reader
from plainwire.capture.merge import MergedFile, merge
from plainwire.capture.sources import Input
from plainwire.model import CaptureItem, CaptureNote, UserError
from tests.builders.captures import block, enhanced, interface, pcap, secrets, section, simple
from tests.capture import reading
from tests.capture.reading import Dribble, packets
from tests.needs import tool

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def notes(items: list[CaptureItem]) -> list[str]:
    return [item.text for item in items if isinstance(item, CaptureNote)]


def capture(*packets: tuple[int, bytes]) -> bytes:
    return section() + interface() + b"".join(enhanced(data, ticks) for ticks, data in packets)


def test_files_one_after_the_other_are_read_the_earliest_first_and_numbered_on(tmp_path: Path) -> None:
    late, early = tmp_path / "late", tmp_path / "early"
    late.write_bytes(capture((3_000_000, b"third")))
    early.write_bytes(capture((1_000_000, b"first"), (2_000_000, b"second")))
    items = list(reader.read([late, early]))
    assert [(p[0], p[2]) for p in packets(items)] == [(1, b"first"), (2, b"second"), (3, b"third")]
    assert notes(items) == [f"packets 1 to 2 in {early}, 3 to 3 in {late}"]


def test_files_of_the_same_time_are_merged_and_that_is_said(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_bytes(capture((1, b"a"), (3, b"c"), (5, b"e")))
    two.write_bytes(capture((2, b"b"), (3, b"d"), (9, b"f")))
    items = list(reader.read([one, two]))
    found = [(p[0], p[2]) for p in packets(items)]
    assert found == [(1, b"a"), (2, b"b"), (3, b"d"), (4, b"c"), (5, b"e"), (6, b"f")]
    (note,) = notes(items)
    assert "merged by time" in note


@pytest.mark.parametrize("seed", range(4))
def test_the_order_is_that_of_mergecap(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    paths = []
    for name in "abc":
        ticks, content = 1_000_000, section() + interface(1)
        for number in range(rng.randrange(1, 30)):
            ticks = max(0, ticks + rng.randrange(-20, 60))  # times go back now and then
            frame = bytes(12) + b"\x08\x00" + name.encode() + bytes([number]) * 20
            content += simple(frame) if rng.random() < 0.05 else enhanced(frame, ticks)
        paths.append(tmp_path / name)
        paths[-1].write_bytes(content)
    merged = tmp_path / "merged"
    subprocess.run([tool("mergecap"), "-w", merged, *paths], check=True, capture_output=True)
    ours = packets(reader.read(paths))
    theirs = packets(reader.read([merged]))
    assert [(p[0], p[2]) for p in ours] == [(p[0], p[2]) for p in theirs]


def test_blocks_that_only_have_a_number_keep_it(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_bytes(section() + interface() + block(0x0BAD, b"1234") + enhanced(b"b", 2))
    two.write_bytes(capture((1, b"a"), (3, b"c")))
    assert [(p[0], p[2]) for p in packets(reader.read([one, two]))] == [(1, b"a"), (3, b"b"), (4, b"c")]


def in_order(files: list[list[int]]) -> list[tuple[int, int]]:
    """Of the packets that come next in each file take the earliest, of equals that of the last file."""
    at = [0] * len(files)
    order: list[tuple[int, int]] = []
    while True:
        heads = [(file[at[i]], -i) for i, file in enumerate(files) if at[i] < len(file)]
        if not heads:
            return order
        index = -min(heads)[1]
        order.append((index, at[index]))
        at[index] += 1


times = st.lists(st.lists(st.integers(0, 12), max_size=12), min_size=2, max_size=5)


@given(times, st.integers(1, 200), st.data())
def test_any_files_in_pieces_of_any_size_come_in_order(
    files: list[list[int]], size: int, draw: st.DataObject
) -> None:
    def items(index: int) -> Iterator[CaptureItem]:
        data = capture(*((tick, bytes([index, row])) for row, tick in enumerate(files[index])))
        return reader.read_source("x", Dribble(data, [size]))

    known = draw.draw(st.lists(st.booleans(), min_size=len(files), max_size=len(files)))
    parts = [
        MergedFile("x", lambda index=index: items(index), 1000 * file[0] if file and known[index] else None)  # type: ignore[misc]
        for index, file in enumerate(files)
    ]
    found = packets(merge(parts))
    assert [tuple(p[2]) for p in found] == in_order(files)
    assert [p[0] for p in found] == list(range(1, len(found) + 1))
    assert [p[1] for p in found] == [1000 * files[index][row] for index, row in in_order(files)]


def test_secrets_that_only_the_last_file_has_come_first_and_once(tmp_path: Path) -> None:
    early, late = tmp_path / "early", tmp_path / "late"
    early.write_bytes(capture((1, b"a")))
    late.write_bytes(
        section()
        + interface()
        + secrets(b"ahead")
        + enhanced(b"b", 2)
        + secrets(b"behind")
        + enhanced(b"c", 3)
    )
    items = list(reader.read([early, late]))
    assert reading.secrets(items) == [b"ahead", b"behind"]
    assert reading.secrets(items[:1]) == [b"ahead"]
    assert [p[2] for p in packets(items)] == [b"a", b"b", b"c"]


def test_a_ring_of_a_hundred_files_is_never_open_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = []
    for number in range(100):
        paths.append(tmp_path / f"ring_{number}")
        paths[-1].write_bytes(capture((10 * number, b"first"), (10 * number + 5, b"last")))
    now_open, most = 0, 0

    class Counted(Input):
        def __enter__(self) -> Self:
            nonlocal now_open, most
            now_open += 1
            most = max(most, now_open)
            return self

        def __exit__(self, *error: object) -> None:
            nonlocal now_open
            now_open -= 1
            super().__exit__(None, None, None)

    monkeypatch.setattr(reader, "Input", Counted)
    random.Random(1).shuffle(paths)
    found = packets(reader.read(paths))
    assert [p[1] for p in found] == sorted(1000 * (10 * n + more) for n in range(100) for more in (0, 5))
    assert most <= 2


def test_a_pipe_is_read_once_and_takes_its_place_by_its_times(tmp_path: Path) -> None:
    pipe, file = tmp_path / "pipe", tmp_path / "file"
    os.mkfifo(pipe)
    file.write_bytes(pcap([b"earlier"], step=0))
    late = section() + interface() + enhanced(b"late", 1_800_000_000_000_000)
    writer = threading.Thread(target=pipe.write_bytes, args=(late,), daemon=True)
    writer.start()
    assert [p[2] for p in packets(reader.read([pipe, file]))] == [b"earlier", b"late"]
    writer.join(60)
    assert not writer.is_alive()


def test_files_without_packets_cost_nothing(tmp_path: Path) -> None:
    empty, cut, good = tmp_path / "empty", tmp_path / "cut", tmp_path / "good"
    empty.write_bytes(pcap([]))
    cut.write_bytes(pcap([b"only"])[:-1])
    good.write_bytes(pcap([b"good"]))
    items = list(reader.read([empty, cut, good]))
    assert [(p[0], p[2]) for p in packets(items)] == [(1, b"good")]
    assert notes(items) == [f"{cut}: cut off in packet 1", f"packets 1 to 1 in {good}"]


def test_one_file_that_is_none_is_named(tmp_path: Path) -> None:
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_bytes(pcap([b"good"]))
    bad.write_bytes(b"nothing of the kind")
    with pytest.raises(UserError, match=r"bad: not a capture file"):
        list(reader.read([good, bad]))
