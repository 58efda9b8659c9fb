"""A TCP connection packet by packet, as raw IP: what both ends would have put on the wire."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.builders.packets import ACK, CLIENT, FIN, PSH, RST, SERVER, SYN, Address, packet

if TYPE_CHECKING:
    from plainwire.model import Side

FIRST = (1000, 0xFFFFFF00)  # initial sequence numbers; the server's wraps soon


@dataclass
class Conversation:
    """``packets`` in order. Acknowledgments are those of ends that see each other's bytes at once."""

    client: Address = CLIENT
    server: Address = SERVER
    packets: list[bytes] = field(default_factory=list)
    sent: list[int] = field(default_factory=lambda: [0, 0])
    segment_size: int = 1460

    def open(self) -> Conversation:
        self.packets += [
            packet(self.client, self.server, FIRST[0], flags=SYN),
            packet(self.server, self.client, FIRST[1], FIRST[0] + 1, SYN | ACK),
            packet(self.client, self.server, FIRST[0] + 1, FIRST[1] + 1),
        ]
        return self

    def send(self, side: Side, data: bytes) -> Conversation:
        for at in range(0, len(data), self.segment_size):
            self._segment(side, PSH | ACK, data[at : at + self.segment_size])
        return self

    def ack(self, side: Side) -> Conversation:
        """A segment that only acknowledges all that came."""
        self._segment(side, ACK)
        return self

    def fin(self, side: Side) -> Conversation:
        self._segment(side, FIN | ACK)
        self.sent[side] += 1
        return self

    def rst(self, side: Side) -> Conversation:
        self._segment(side, RST | ACK)
        return self

    def _segment(self, side: Side, flags: int, payload: bytes = b"") -> None:
        ends = (self.client, self.server)
        seq, ack = FIRST[side] + 1 + self.sent[side], FIRST[side.peer] + 1 + self.sent[side.peer]
        self.packets.append(packet(ends[side], ends[side.peer], seq, ack, flags, payload))
        self.sent[side] += len(payload)
