"""One table of endpoints for a whole capture: columns hold numbers, not addresses."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

from plainwire.arrays import distinct, np
from plainwire.model import Endpoint

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from plainwire.model import Int64s
    from plainwire.packets.layers import Rows


class Endpoints:
    """Numbers addresses with ports; ``table`` only grows."""

    def __init__(self) -> None:
        self.table: list[Endpoint] = []
        self._ids: dict[bytes | int, int] = {}

    def ipv4(self, rows: Rows, address: Int64s, port: Int64s) -> Int64s:
        """Those of which address and port lie at these positions."""
        keys = (rows.be32(address) << 16) | rows.be16(port)
        return self._number(keys, lambda key: Endpoint(str(ipaddress.IPv4Address(key >> 16)), key & 0xFFFF))

    def ipv6(self, rows: Rows, address: Int64s, port: Int64s) -> Int64s:
        """Those of which address and port lie at these positions."""
        if not len(address):
            return address
        table = np.empty((len(address), 19), dtype=np.uint8)
        table[:, :16] = rows.take(address, 16)
        table[:, 16:18] = rows.take(port, 2)
        table[:, 18] = 1  # so that no key ends in a zero byte, which NumPy's S type would strip
        keys = np.ascontiguousarray(table).view("S19")[:, 0]
        return self._number(keys, _endpoint6)

    def _number(self, keys: NDArray[Any], endpoint: Callable[[Any], Endpoint]) -> Int64s:
        """Give each distinct key its number in the table."""
        each = distinct(keys)
        numbers = np.empty(len(each), dtype=np.int64)
        for index, key in enumerate(each.tolist()):
            known = self._ids.get(key)
            if known is None:
                known = self._ids[key] = len(self.table)
                self.table.append(endpoint(key))
            numbers[index] = known
        return numbers[np.searchsorted(each, keys)]


def _endpoint6(key: bytes) -> Endpoint:
    return Endpoint(ipv6_text(key[:16]), int.from_bytes(key[16:18], "big"))


def ipv6_text(address: bytes) -> str:
    """As RFC 5952 section 5 and the kernel write it: ``::ffff:192.0.2.1`` for addresses of IPv4."""
    read = ipaddress.IPv6Address(address)
    return f"::ffff:{read.ipv4_mapped}" if read.ipv4_mapped else str(read)
