"""Many strings looked for at once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from plainwire.share.needles import Needles

STRINGS = st.binary(min_size=8, max_size=12)


@given(
    st.lists(STRINGS, max_size=5, unique=True), st.lists(st.binary(max_size=9), max_size=6), st.integers(0, 4)
)
def test_each_is_found_wherever_it_stands(strings: list[bytes], others: list[bytes], repeated: int) -> None:
    data = b"".join(b"".join([other, *strings[:repeated]]) for other in others)
    wanted = {(at, string) for string in strings for at in range(len(data)) if data.startswith(string, at)}
    found = Needles((string, string[:1]) for string in strings).found(data)
    assert {(at, string) for at, string, label in found if label == string[:1]} == wanted


def test_short_ones_are_not_looked_for() -> None:
    assert not list(Needles([(b"1234567", None)]).found(b"1234567" * 3))
