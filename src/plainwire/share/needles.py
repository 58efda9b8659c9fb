"""Looks for many strings in bytes at once: by the first eight bytes of each, eight at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from plainwire.arrays import np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_KEY = 8
"""Bytes of a word. Shorter strings are not looked for."""

Label = TypeVar("Label")


class Needles(Generic[Label]):
    """``items``: strings, and what is to be told of each that is found. Of equal ones the first counts."""

    def __init__(self, items: Iterable[tuple[bytes, Label]]) -> None:
        self._by_key: dict[bytes, dict[bytes, Label]] = {}
        for string, label in items:
            if len(string) >= _KEY:
                self._by_key.setdefault(string[:_KEY], {}).setdefault(string, label)
        self._keys = np.sort(np.frombuffer(b"".join(self._by_key), dtype="<u8"))

    def found(self, data: bytes) -> Iterator[tuple[int, bytes, Label]]:
        """Where a string begins, the string, and what is to be told of it; in no order."""
        for at in self._candidates(data):
            for string, label in self._by_key.get(data[at : at + _KEY], {}).items():
                if data.startswith(string, at):
                    yield at, string, label

    def _candidates(self, data: bytes) -> Iterator[int]:
        """Where the bytes are those that a string begins with: words from each of eight starts."""
        keys = self._keys
        for shift in range(min(_KEY, len(data) - _KEY + 1) if len(keys) else 0):
            words = np.frombuffer(data, dtype="<u8", offset=shift, count=(len(data) - shift) // _KEY)
            places = np.minimum(np.searchsorted(keys, words), len(keys) - 1)
            yield from (np.flatnonzero(keys[places] == words) * _KEY + shift).tolist()
