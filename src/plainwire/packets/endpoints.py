"""One table of endpoints for a whole capture: columns hold numbers, not addresses.

A flood may have an address for each packet, so an endpoint costs a few bytes here until it is asked for.
"""

from __future__ import annotations

import ipaddress
from array import array
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, overload

from plainwire.arrays import distinct, np
from plainwire.model import Endpoint

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from plainwire.model import Int64s
    from plainwire.packets.layers import Rows

_MOST_MADE = 1 << 14
_SIX = 18
"""Bytes of an IPv6 address and a port."""


class EndpointTable(Sequence[Endpoint]):
    """Endpoints by number; each is made when it is asked for."""

    def __init__(self) -> None:
        self._keys = array("q")  # address and port of IPv4; below 0: where IPv6's stand
        self._six = bytearray()
        self._made: dict[int, Endpoint] = {}

    def __len__(self) -> int:
        return len(self._keys)

    @overload
    def __getitem__(self, number: int) -> Endpoint: ...
    @overload
    def __getitem__(self, number: slice) -> list[Endpoint]: ...
    def __getitem__(self, number: int | slice) -> Endpoint | list[Endpoint]:
        if isinstance(number, slice):
            return [self[each] for each in range(*number.indices(len(self)))]
        made = self._made.get(number)
        if made is None:
            if len(self._made) >= _MOST_MADE:
                self._made.clear()
            made = self._made[number] = self._make(self._keys[number])
        return made

    def _make(self, key: int) -> Endpoint:
        if key >= 0:
            address = f"{key >> 40}.{key >> 32 & 255}.{key >> 24 & 255}.{key >> 16 & 255}"
            return Endpoint(address, key & 0xFFFF)
        at = -1 - key
        six = bytes(self._six[at : at + _SIX])
        return Endpoint(ipv6_text(six[:16]), int.from_bytes(six[16:]))

    def add4(self, keys: NDArray[Any]) -> None:
        """Take more endpoints of IPv4."""
        self._keys.frombytes(keys.astype(np.int64).tobytes())

    def add6(self, keys: NDArray[Any]) -> None:
        """Take more endpoints of IPv6."""
        for key in keys.tolist():
            self._keys.append(-1 - len(self._six))
            self._six += key[:_SIX]


class _Known:
    """The numbers of known keys, in the order of the keys."""

    def __init__(self, keys: NDArray[Any]) -> None:
        self._keys = keys
        self._numbers = np.empty(0, dtype=np.int64)

    def number(self, each: NDArray[Any], first_free: int) -> tuple[Int64s, NDArray[Any]]:
        """Return the numbers of keys, which are distinct and sorted, and which of them are new."""
        at = np.searchsorted(self._keys, each)
        found = at < len(self._keys)
        found[found] = self._keys[at[found]] == each[found]
        numbers = np.empty(len(each), dtype=np.int64)
        numbers[found] = self._numbers[at[found]]
        fresh = each[~found]
        if len(fresh):
            numbers[~found] = given = np.arange(first_free, first_free + len(fresh))
            self._keys = np.insert(self._keys, at[~found], fresh)
            self._numbers = np.insert(self._numbers, at[~found], given)
        return numbers, fresh


class Endpoints:
    """Numbers addresses with ports; ``table`` only grows."""

    def __init__(self) -> None:
        self.table = EndpointTable()
        self._four = _Known(np.empty(0, dtype=np.int64))
        self._six = _Known(np.empty(0, dtype="S19"))

    def ipv4(self, rows: Rows, address: Int64s, port: Int64s) -> Int64s:
        """Number those whose address and port are at these positions."""
        keys = (rows.be32(address) << 16) | rows.be16(port)
        each = distinct(keys)
        numbers, fresh = self._four.number(each, len(self.table))
        self.table.add4(fresh)
        return numbers[np.searchsorted(each, keys)]

    def ipv6(self, rows: Rows, address: Int64s, port: Int64s) -> Int64s:
        """Number those whose address and port are at these positions."""
        if not len(address):
            return address
        table = np.empty((len(address), _SIX + 1), dtype=np.uint8)
        table[:, :16] = rows.take(address, 16)
        table[:, 16:_SIX] = rows.take(port, 2)
        table[:, _SIX] = 1  # so that no key ends in a zero byte, which NumPy's S type would strip
        keys = np.ascontiguousarray(table).view("S19")[:, 0]
        each = distinct(keys)
        numbers, fresh = self._six.number(each, len(self.table))
        self.table.add6(fresh)
        return numbers[np.searchsorted(each, keys)]


def ipv6_text(address: bytes) -> str:
    """As RFC 5952 section 5 and the kernel write it: ``::ffff:192.0.2.1`` for addresses of IPv4."""
    read = ipaddress.IPv6Address(address)
    return f"::ffff:{read.ipv4_mapped}" if read.ipv4_mapped else str(read)
