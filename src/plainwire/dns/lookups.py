"""Questions to name servers over UDP, each with its repetitions and its answer."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from plainwire.arrays import distinct, np
from plainwire.dns import messages
from plainwire.model import Lookup

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from plainwire.model import DatagramBatch, Endpoint, Int64s

PORT = 53
MOST_KEPT = 20_000
"""Lookups; of more only the first are kept."""
_MOST_OPEN = 2_000
_MOST_SENDINGS = 16
_SAME_NS = 30_000_000_000
"""A question that is asked again after this is another one."""
_TYPES = {messages.A: "A", messages.AAAA: "AAAA"}

_Key = tuple[str, str, str, int]


class Lookups:
    """Feeds on datagrams; ``found`` are the questions for addresses, by time."""

    def __init__(self) -> None:
        self.found: list[Lookup] = []
        self._open: OrderedDict[_Key, Lookup] = OrderedDict()

    def feed(self, batch: DatagramBatch) -> None:
        """Take one batch."""
        rows = np.flatnonzero(of_name_servers(batch))
        if not len(rows):
            return
        columns = (batch.number, batch.time_ns, batch.source, batch.target, batch.offset, batch.captured)
        for number, time_ns, source, target, offset, captured in zip(
            *(column[rows].tolist() for column in columns), strict=True
        ):
            message = messages.parse(batch.data[offset : offset + captured])
            if message is None or message.type not in _TYPES:
                continue
            ends = batch.endpoints[source], batch.endpoints[target]
            if message.response:
                self._answer(message, ends[1], ends[0], number, time_ns)
            else:
                self._ask(message, *ends, number, time_ns)

    def _ask(
        self, message: messages.Message, client: Endpoint, server: Endpoint, number: int, time_ns: int
    ) -> None:
        """A resolver asks again with another port or number, and may turn to another server."""
        key = client.address, server.address, message.name, message.type
        lookup = self._open.get(key)
        if lookup is not None and time_ns - lookup.sent[-1][1] <= _SAME_NS:
            if len(lookup.sent) < _MOST_SENDINGS:
                lookup.sent.append((number, time_ns))
            return
        if len(self.found) >= MOST_KEPT:
            return
        lookup = Lookup(
            message.name, _TYPES[message.type], client.address, server.address, [(number, time_ns)]
        )
        self.found.append(lookup)
        self._open[key] = lookup
        self._open.move_to_end(key)
        if len(self._open) > _MOST_OPEN:
            self._open.popitem(last=False)

    def _answer(
        self, message: messages.Message, client: Endpoint, server: Endpoint, number: int, time_ns: int
    ) -> None:
        key = client.address, server.address, message.name, message.type
        lookup = self._open.pop(key, None)
        if lookup is None:
            return
        lookup.answer, lookup.answered_ns = number, time_ns
        lookup.code, lookup.addresses = message.code, message.addresses
        lookup.cut = message.truncated


def of_name_servers(batch: DatagramBatch) -> NDArray[np.bool_]:
    """Of each datagram whether it goes to a name server or comes from one, and holds anything."""
    talks = _are_name_servers(batch.target, batch.endpoints) | _are_name_servers(
        batch.source, batch.endpoints
    )
    return talks & (batch.captured > 0)


def _are_name_servers(ends: Int64s, endpoints: Sequence[Endpoint]) -> NDArray[np.bool_]:
    """Of each endpoint whether it has the port of name servers."""
    each = distinct(ends)
    asked = np.array([endpoints[number].port == PORT for number in each.tolist()], dtype=np.bool_)
    found: NDArray[np.bool_] = asked[np.searchsorted(each, ends)]
    return found
