"""Compressed captures, whole, several in one, cut off and damaged. Written by the formats' own libraries."""

from __future__ import annotations

import bz2
import gzip
import lzma
import sys
from collections.abc import Callable

import lz4.frame  # type: ignore[import-untyped]
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from plainwire.capture.compression import Unpacked
from plainwire.capture.sources import Lookahead
from plainwire.model import CaptureNote, UserError
from tests.builders.captures import pcap
from tests.capture.reading import Dribble, notes, packets, read

Pack = Callable[[bytes], bytes]


def lz4_packed(data: bytes) -> bytes:
    packed: bytes = lz4.frame.compress(data)
    return packed


PACKERS: dict[str, Pack] = {
    "gzip": gzip.compress,
    "zstd": zstandard.ZstdCompressor(write_checksum=True).compress,
    "lz4": lz4_packed,
    "xz": lambda data: lzma.compress(data, preset=0),
    "bzip2": lambda data: bz2.compress(data, 1),
}
EACH = pytest.mark.parametrize("name", PACKERS)
MANY = [bytes(f"packet {n} {n * 7919}", "ascii") for n in range(3000)]
CAPTURE = pcap(MANY)
SKIPPABLE = bytes.fromhex("502a4d18 04000000 01020304")  # RFC 8878 section 3.1.2


@EACH
def test_a_compressed_capture_is_the_capture(name: str) -> None:
    assert packets(read(PACKERS[name](CAPTURE))) == packets(read(CAPTURE))
    assert notes(PACKERS[name](CAPTURE)) == []


@EACH
def test_several_members_follow_each_other_with_or_without_padding(name: str) -> None:
    pack = PACKERS[name]
    for between in (b"", bytes(4), bytes(2000)):
        data = pack(CAPTURE[:100]) + between + pack(b"") + pack(CAPTURE[100:]) + between
        assert packets(read(data)) == packets(read(CAPTURE))
        assert notes(data) == []


def test_where_nothing_reads_lz4_it_is_said_how_it_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lz4.frame", None)
    with pytest.raises(UserError, match=r"lz4 -dc FILE \| plainwire analyze -"):
        read(lz4_packed(CAPTURE))


def test_skippable_frames_of_zstd_are_skipped() -> None:
    pack = PACKERS["zstd"]
    data = SKIPPABLE + pack(CAPTURE[:99]) + SKIPPABLE + pack(CAPTURE[99:])
    assert packets(read(data)) == packets(read(CAPTURE))


@EACH
def test_what_is_cut_off_gives_what_lay_before(name: str) -> None:
    packed = PACKERS[name](pcap(MANY * 8))
    data = packed[: len(packed) * 3 // 4]
    found = [p[2] for p in packets(read(data))]
    assert len(found) > 6_000
    assert found == (MANY * 8)[: len(found)]
    assert f"x: the {name} data are cut off" in notes(data)


@EACH
def test_what_is_damaged_gives_what_lay_before(name: str) -> None:
    packed = bytearray(PACKERS[name](pcap(MANY * 8)))
    middle = len(packed) * 3 // 4
    packed[middle : middle + 64] = bytes(64)
    found = [p[2] for p in packets(read(bytes(packed)))]
    assert found[:6_000] == (MANY * 8)[:6_000]
    assert notes(bytes(packed))  # of the decompressor, or of the reader of what came out of it


@EACH
def test_what_follows_and_is_none_of_it_is_said(name: str) -> None:
    data = PACKERS[name](CAPTURE) + b"and a signature"
    assert packets(read(data)) == packets(read(CAPTURE))
    assert notes(data) == [f"x: what follows the {name} data is not {name}, and was not read"]


@EACH
def test_what_is_inside_and_no_capture_is_named(name: str) -> None:
    archive = bytes(257) + b"ustar" + bytes(300)
    with pytest.raises(UserError, match=f"^x: inside {name}: a tar archive"):
        read(PACKERS[name](archive))
    with pytest.raises(UserError, match=f"^x: the {name} data are cut off$"):
        read(PACKERS[name](CAPTURE)[:5])


@EACH
def test_what_unpacks_to_very_much_comes_in_pieces(name: str) -> None:
    size = (256 if name == "zstd" else 16) << 20
    unpacked = Unpacked(Lookahead(Dribble(PACKERS[name](bytes(size)), [1 << 30])))
    lengths = []
    while piece := unpacked.read(1 << 20):
        lengths.append(len(piece))
    assert sum(lengths) == size
    assert max(lengths) <= 33 << 20
    if name != "zstd":
        assert max(lengths) <= 1 << 20


@EACH
def test_nothing_waits_for_more_than_there_is(name: str) -> None:
    """A writer that flushes a member a packet is followed as it writes."""
    first, second = PACKERS[name](pcap(MANY[:5])), PACKERS[name](CAPTURE[len(pcap(MANY[:5])) :])

    class Paused:
        trouble = None
        begun = False

        def __init__(self) -> None:
            self.given = [first, second]

        def read(self, size: int, /) -> bytes:
            data = self.given[0][:size]
            self.given[0] = self.given[0][size:]
            if not data and len(self.given) > 1:
                self.given.pop(0)
                self.begun = True
                return self.read(size)
            return data

    paused = Paused()
    unpacked = Unpacked(Lookahead(paused))
    assert len(unpacked.read(1 << 20)) > 0
    assert not paused.begun


samples = st.sampled_from(sorted(PACKERS))


@given(samples, st.lists(st.integers(1, 5000), min_size=1, max_size=4), st.integers(0, 3000), st.data())
def test_cut_anywhere_in_pieces_of_any_size(
    name: str, sizes: list[int], count: int, draw: st.DataObject
) -> None:
    packed = PACKERS[name](pcap(MANY[:count]))
    cut = draw.draw(st.integers(0, len(packed)))
    try:
        items = read(packed[:cut], sizes)
    except UserError:
        return
    found = packets(items)
    assert [p[2] for p in found] == MANY[: len(found)]
    assert any(isinstance(item, CaptureNote) for item in items) or len(found) == count


@given(samples, st.binary(min_size=1, max_size=60), st.data())
def test_junk_anywhere_is_a_note_or_a_user_error(name: str, junk: bytes, draw: st.DataObject) -> None:
    packed = PACKERS[name](pcap(MANY[:500]))
    at = draw.draw(st.integers(0, len(packed)))
    keep = draw.draw(st.sampled_from([0, len(junk)]))  # put in, or written over what was there
    try:
        items = read(packed[:at] + junk + packed[at + keep :])
    except UserError:
        return
    assert all("\n" not in item.text for item in items if isinstance(item, CaptureNote))
