"""Which records a capture has of connections that were open before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from plainwire import opened_before
from plainwire.opened_before import OpenedBefore

if TYPE_CHECKING:
    from pathlib import Path


def record(size: int) -> bytes:
    return b"\x17\x03\x03" + size.to_bytes(2, "big") + bytes(size)


@pytest.mark.parametrize(
    ("run", "sizes"),
    [
        (record(40), [40]),
        (record(40) + record(20), [40, 20]),
        (b"the rest of one" + record(40) + record(20), [40, 20]),
        (b"the rest of one" + record(40) + record(20)[:9], []),
        (record(40)[:20], []),
        (b"GET / HTTP/1.1\r\n\r\n", []),
        (record(5), []),
        (b"", []),
    ],
)
def test_records_of_a_stream_that_is_seen_from_its_middle(run: bytes, sizes: list[int]) -> None:
    assert [len(each) - 5 for each in opened_before._records(run)] == sizes


def test_the_last_is_taken_and_pieces_may_overlap_or_be_out_of_order() -> None:
    """The shortest may be the Finished of the handshake, which has other secrets."""
    stream = record(300) + record(30) + record(60)
    pieces = {1200: stream[200:], 1000: stream[:250]}
    assert opened_before._to_try(pieces) == record(60)
    assert opened_before._to_try({1000: stream[:250], 1310: stream[310:]}) == record(60)


def test_of_long_records_the_shortest_is_taken() -> None:
    stream = record(30) + record(9000) + record(5000)
    assert opened_before._to_try({0: stream}) == record(30)


def test_nothing_is_looked_for_where_nothing_was_open(tmp_path: Path) -> None:
    before = OpenedBefore(tmp_path / "no-capture", [])
    assert before.look(at_once=True) == []
    assert (before.busy, before.found) == (False, 0)
