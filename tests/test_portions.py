"""A batch in parts: the same segments, in the same order."""

from __future__ import annotations

from plainwire.portions import portions
from tests.streams.test_direction import server_sends
from tests.streams.wire import segments

COLUMNS = ("number", "time_ns", "source", "target", "seq", "ack", "flags", "window", "offset", "length")


def test_the_parts_are_the_whole() -> None:
    whole = segments(server_sends(*((at, at + 10) for at in range(0, 200, 10))))
    parts = list(portions(whole, 7))
    assert [len(part.number) for part in parts[:-1]] == [7] * (len(parts) - 1)
    for column in COLUMNS:
        joined = [value for part in parts for value in getattr(part, column).tolist()]
        assert joined == getattr(whole, column).tolist()


def test_a_batch_of_usual_size_stays_as_it_is() -> None:
    whole = segments(server_sends((0, 10)))
    (part,) = portions(whole, len(whole.number))
    assert part is whole
