"""Relays in user space that stand in for the network: slirp (slirp4netns, QEMU) and pasta.

Such a program is the other end of the guest's TCP: what it acknowledges, and its FIN and RST, are its own,
and it asks the server by sockets of the host's. What it sends comes from a link-layer address that is always
the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plainwire.model import PacketBatch

_MOST_LOOKED_AT = 512
"""Packets: a relay's come with the first answer to an ARP request or a SYN."""

_PLACES = {1: 6, 113: 6, 276: 12}
"""By LINKTYPE_ (Ethernet, LINUX_SLL, LINUX_SLL2): where the sender's address stands."""

_PASTA = bytes.fromhex("9a559a559a55")
_SLIRP = b"\x52\x55"
"""Of libslirp: the IPv4 address of its gateway follows, a private one."""
_PRIVATE = (10, 172, 192)


class Relays:
    """Feeds on packets; ``found`` once one came from such an address."""

    def __init__(self) -> None:
        self.found = False
        self._left = _MOST_LOOKED_AT

    def feed(self, batch: PacketBatch) -> None:
        """Look at the first packets of a capture."""
        if self.found or not self._left:
            return
        rows = range(min(self._left, len(batch.number)))
        self._left -= len(rows)
        for row in rows:
            place = _PLACES.get(int(batch.link[row]) & 0xFFFF)
            if place is not None and int(batch.caplen[row]) >= place + 6:
                start = int(batch.offset[row]) + place
                self.found |= _is_a_relay(batch.data[start : start + 6])


def _is_a_relay(address: bytes) -> bool:
    return address == _PASTA or (address[:2] == _SLIRP and address[2] in _PRIVATE)
