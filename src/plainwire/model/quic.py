"""What QUIC's transport said beside its streams."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

from msgspec import Struct, field

from plainwire.model.base import Discreet

if TYPE_CHECKING:
    from plainwire.model.base import Side
    from plainwire.model.transport import Endpoint


class QuicInfo(Discreet, Struct):
    """Facts of one QUIC connection (RFC 9000); lists of two are by side.

    ``acknowledged``: of each side's ACK frames that told something new, (time in ns, capture packet, lowest,
    largest): it has the peer's packets with these numbers, and between. ``numbers``: (capture packet, packet
    number) of what the side sent. Both are of 1-RTT and 0-RTT packets, and hold the newest few thousand.
    """

    unshown = ("acknowledged", "numbers")

    version: str = ""  # "QUIC v1", "QUIC v2", "QUIC draft-29", "0x1A2A3A4A"
    first_version: str = ""  # of the client's first packet, where another came into use
    answered: bool = False  # both ends sent something, or one what it can only send after an answer
    largest_initial: int = 0
    """Size in bytes of the largest datagram with an Initial packet of the client (RFC 9000 section 14.1)."""
    retried: bool = False  # the server asked for another Initial (RFC 9000 section 8.1.2)
    parameters: list[dict[str, int | str]] = field(default_factory=lambda: [{}, {}])
    """Transport parameters (RFC 9000 section 18.2) by name."""
    idle_timeout_ns: int | None = None  # the one in force (RFC 9000 section 10.1)
    early_packets: int = 0  # 0-RTT packets that were read; ``TlsInfo`` says whether the server took them
    missing_packets: list[int] = field(default_factory=lambda: [0, 0])
    """1-RTT packet numbers below the highest seen that no captured packet has. Some senders leave out
    a few on purpose (RFC 9000 section 21.4)."""
    acknowledged: list[list[tuple[int, int, int, int]]] = field(default_factory=lambda: [[], []])
    numbers: list[list[tuple[int, int]]] = field(default_factory=lambda: [[], []])
    datagrams: list[int] = field(default_factory=lambda: [0, 0])  # DATAGRAM frames (RFC 9221)
    paths: list[tuple[Endpoint, Endpoint]] = field(default_factory=list)
    """Client's and server's addresses, in the order in which they were used."""
    watched_until_ns: int = 0
    """The capture went on at least so long; compare with the idle timeout and the last packet."""

    def lost_by_capture(self, sender: Side) -> int:
        """How many 1-RTT packets of ``sender`` the other side acknowledged that the capture does not hold."""
        seen = sorted(number for _, number in self.numbers[sender])
        lowest, lost, at = (seen[0] if seen else 0), 0, -1
        for low, high in sorted((low, high) for _, _, low, high in self.acknowledged[1 - sender]):
            first = max(low, lowest, at + 1)
            if first <= high:
                lost += high - first + 1 - (bisect_right(seen, high) - bisect_left(seen, first))
                at = high
        return lost

    def unaccounted_for(self, sender: Side) -> int:
        """How many numbers above all that the other side acknowledged are missing."""
        acknowledged = max((high for _, _, _, high in self.acknowledged[1 - sender]), default=-1)
        late = sorted(number for _, number in self.numbers[sender] if number > acknowledged)
        return late[-1] - max(acknowledged, late[0] - 1) - len(late) if late else 0

    def receipt(self, sender: Side, packet: int) -> tuple[int, int] | None:
        """When the other side first said that it has what ``sender`` sent in a capture packet.

        Time in ns, and the packet that says so; None where no ACK frame that is kept does.
        """
        numbers = {number for carrier, number in self.numbers[sender] if carrier == packet}
        for time_ns, carrier, lowest, largest in self.acknowledged[sender.peer]:
            if any(lowest <= number <= largest for number in numbers):
                return time_ns, carrier
        return None
