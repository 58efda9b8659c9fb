from __future__ import annotations

import os
import resource
import signal
import time
from typing import TYPE_CHECKING

import pytest

from plainwire import folder as folders
from plainwire.capture import reader
from plainwire.capture.pcapng import file_header, packet_blocks, statistics
from plainwire.model import CaptureDrops, PacketBatch
from plainwire.recorder import ring
from plainwire.recorder.ring import SegmentRing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from plainwire.folder import Folder

HEADER = file_header("any", 276, 65535)
LINE = b"CLIENT_RANDOM " + b"ab" * 32 + b" " + b"cd" * 48
EVENT = b'{"event":"note","text":"x"}'


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Folder]:
    held = folders.made(tmp_path / "ring")
    yield held
    held.close()


def packets(count: int, size: int = 1000) -> bytes:
    pieces: list[bytes] = []
    add = packet_blocks(pieces)
    for number in range(count):
        add(1.0 + number, size, bytes(size))
    return b"".join(pieces)


def filled(place: Folder, keep: int = 10**8, longest: float = 1e6) -> SegmentRing:
    made = SegmentRing(place, keep, longest)
    made.begin(HEADER)
    return made


def names(place: Folder) -> set[str]:
    return {path.name for path in place.path.iterdir()}


def test_each_segment_is_a_whole_capture_with_what_was_dropped_in_its_time(place: Folder) -> None:
    made = filled(place)
    made.write(packets(3))
    first = made.cut(3, 7)
    made.write(packets(2))
    made.write(statistics(5, 7, 1))  # the capture's own sum, which would count what the first has once more
    last = made.end(2, None)
    assert [(each.packets, each.dropped) for each in (first, last)] == [(3, 7), (2, None)]
    for segment, count, dropped in ((first, 3, [7]), (last, 2, [0])):
        items = list(reader.read([place.path / segment.name(ring.PACKETS)]))
        assert [len(each.number) for each in items if isinstance(each, PacketBatch)] == [count]
        assert [each.count for each in items if isinstance(each, CaptureDrops)] == dropped


def test_lines_go_to_the_segment_of_their_time_and_only_lines_of_a_key_log_do(place: Folder) -> None:
    made = filled(place)
    made.write(packets(1))
    made.add_keys([LINE, b"no line of a key log", EVENT])
    made.add_events([EVENT, LINE])
    segment = made.cut(1, 0)
    made.add_keys([LINE])
    assert (place.path / segment.name(ring.KEYS)).read_bytes() == LINE + b"\n"
    assert (place.path / segment.name(ring.EVENTS)).read_bytes() == EVENT + b"\n"
    assert (place.path / made.current.name(ring.KEYS)).read_bytes() == LINE + b"\n"
    assert {oct(path.stat().st_mode)[-3:] for path in place.path.iterdir()} == {"600"}


def test_the_oldest_make_room_with_all_their_files(place: Folder) -> None:
    made = filled(place, keep=1_000_000)
    for _ in range(30):
        made.write(packets(50))
        made.add_keys([LINE])
        made.note_examined(made.cut(50, 0), 0)
        made.evict()
        total = sum(path.stat().st_size for path in place.path.iterdir())
        assert total <= 1_000_000
    kept = [each.number for each in made.finished]
    assert kept == list(range(31 - len(kept), 31))
    assert 10 < len(kept) < 25
    assert {int(name.partition(".")[0]) for name in names(place) if name != "index.json"} == {*kept, 31}


def test_its_size_is_known_without_looking_at_every_file_again(
    place: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []
    scandir = os.scandir

    def looked(folder: int) -> object:
        looks.append(folder)
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", looked)

    def is_right() -> bool:
        return made.size == sum(path.stat().st_size for path in place.path.iterdir())

    made = filled(place)
    for _ in range(3):
        made.write(packets(3))
        made.add_keys([LINE])
        made.evict()
        assert is_right()
        segment = made.cut(3, 0)
        assert is_right()
        part = place.path / f"{segment.name(ring.PACKETS)}.part"
        part.write_bytes(b"what an examination is just writing")
        made.evict(frozenset({segment.number}))
        assert is_right()
        part.unlink()
        made.note_examined(segment, 0)
        assert is_right()
    looks.clear()
    for _ in range(5):
        made.write(packets(3))
        made.add_events([EVENT])
        made.evict()
    assert looks == []
    assert is_right()


def test_what_nobody_examined_goes_before_what_is_known_where_it_takes_half_of_the_room(
    place: Folder,
) -> None:
    """A burst of what other programs send must not push out what the program did."""
    made = filled(place, keep=1_000_000)
    for number in range(20):
        made.write(packets(60))
        segment = made.cut(60, 0)
        if number < 4:
            made.note_examined(segment, 0)
        made.evict()
    assert [each.number for each in made.finished][:4] == [1, 2, 3, 4]
    assert sum(path.stat().st_size for path in place.path.iterdir()) <= 1_000_000
    assert made.evicted_unexamined == 20 - len(made.finished)


def test_more_than_the_ring_has_room_for_between_two_looks_is_counted(place: Folder) -> None:
    made = filled(place, keep=1_000_000)
    for _ in range(100):
        made.write(packets(100))
    assert made.unwritten > 9_000_000
    assert sum(path.stat().st_size for path in place.path.iterdir()) <= 1_000_000


def test_secrets_of_what_made_room_are_overwritten(place: Folder) -> None:
    made = filled(place, longest=0.0)
    made.write(packets(1))
    made.add_keys([LINE])
    segment = made.cut(1, 0)
    ring.put(place, segment.name(ring.BEFORE_KEYS), LINE)
    made.note_examined(segment, 0)
    opened = [(place.path / segment.name(kind)).open("rb") for kind in (ring.KEYS, ring.BEFORE_KEYS)]
    time.sleep(0.01)
    assert made.evict() == 1
    for file in opened:
        assert not file.read().strip(b"\0")
        file.close()
    assert {name for name in names(place) if name.startswith("00000001")} == set()


def test_what_is_in_use_stays(place: Folder) -> None:
    made = filled(place, longest=0.0)
    made.write(packets(1))
    segment = made.cut(1, 0)
    time.sleep(0.01)
    assert made.evict(frozenset({segment.number})) == 0
    assert made.evict() == 1


def test_of_one_that_nobody_examined_the_open_connections_are_passed_on(place: Folder) -> None:
    made = filled(place, longest=0.0)
    made.write(packets(1))
    ring.put(place, made.current.name(ring.BEFORE_KEYS), LINE)
    made.cut(1, 0)
    time.sleep(0.01)
    made.evict()
    assert made.evicted_unexamined == 1
    assert (place.path / made.current.name(ring.BEFORE_KEYS)).read_bytes() == LINE


def test_a_later_recorder_goes_on_and_what_a_killed_one_was_writing_is_gone(place: Folder) -> None:
    made = filled(place)
    made.write(packets(2))
    made.add_keys([LINE])
    made.cut(2, 0)
    made.write(packets(1))
    made.add_keys([LINE])
    killed = names(place)
    assert "00000002.keys" in killed
    again = filled(place)
    assert [(each.number, each.packets) for each in again.finished] == [(1, 2)]
    assert again.current.number == 2
    assert "00000002.keys" not in names(place)


def test_an_index_that_is_none_begins_anew(place: Folder) -> None:
    (place.path / "index.json").write_bytes(b'[{"number": "x"}]')
    made = filled(place)
    assert made.finished == []


def test_a_full_disk_is_counted_and_the_recording_goes_on(place: Folder) -> None:
    """As a file may be no larger here, so may the disk have no room (RLIMIT_FSIZE, EFBIG)."""
    made = filled(place)
    made.write(packets(1))
    made.note_examined(made.cut(1, 0), 0)
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, old[1]))
    try:
        made.write(packets(100))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
        signal.signal(signal.SIGXFSZ, handler)
    assert made.unwritten > 0
    assert made.full
    assert made.evict() == 1
    segment = made.cut(100, 0)
    made.write(packets(1))
    items = list(reader.read([place.path / segment.name(ring.PACKETS)]))
    assert not [each for each in items if not isinstance(each, PacketBatch | CaptureDrops)]
    assert (place.path / made.current.name(ring.PACKETS)).stat().st_size == len(HEADER) + len(packets(1))
