"""The last segments that are kept."""

from __future__ import annotations

from plainwire.streams.last_segments import TAIL
from tests.streams.wire import Wire


def test_of_a_long_connection_captured_one_by_one_only_the_last_segments_are_kept() -> None:
    wire = Wire().opened()
    for number in range(TAIL + 300):
        wire.client(number, b"x", at=number)
    kept = wire.stream(range(TAIL + 300)).facts.segments
    assert kept is not None
    assert kept.seq.tolist() == list(range(300, TAIL + 300))
