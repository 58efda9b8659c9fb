"""How a connection began, from its first segments: what the rules of connecting and of TLS ask.

Only for connections that the capture shows from their SYN on, without holes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

from plainwire.model import ACK, FIN, RST, SYN, Side

if TYPE_CHECKING:
    from plainwire.model import Connection, Segments, TlsInfo


_SAME_HOP = 1
"""TTLs of one host may differ by so much."""


class Segment(Struct, frozen=True):
    """One row of ``Segments``."""

    packet: int
    time_ns: int
    side: int
    seq: int
    ack: int
    length: int
    flags: int
    window: int
    ttl: int

    @property
    def end(self) -> int:
        """The offset behind its last byte."""
        return self.seq + self.length


class Opening(Struct, frozen=True):
    """The segments of a connection, sorted by what they are for."""

    syns: list[Segment] = field(default_factory=list)  # of the client
    syn_acks: list[Segment] = field(default_factory=list)
    resets: list[Segment] = field(default_factory=list)  # of the server
    client: list[Segment] = field(default_factory=list)  # all others
    server: list[Segment] = field(default_factory=list)

    @property
    def client_data(self) -> list[Segment]:
        """The client's segments with data, transmissions that repeat included."""
        return [segment for segment in self.client if segment.length]

    @property
    def answers(self) -> list[Segment]:
        """The server's segments with data."""
        return [segment for segment in self.server if segment.length]

    @property
    def acknowledged(self) -> int:
        """The offset up to which the server had the client's bytes, as its segments say."""
        return max((segment.ack for segment in (*self.server, *self.resets)), default=0)

    def acknowledges(self, offset: int) -> Segment | None:
        """The server's first segment that acknowledges the client's bytes up to ``offset``."""
        return next((s for s in (*self.server, *self.resets) if s.ack >= offset), None)


def of(connection: Connection) -> Opening | None:
    """The beginning of a TCP connection; None where the capture does not show it well enough to judge."""
    segments = connection.segments
    unseen = connection.mid_stream or connection.roles_guessed or connection.snapped or connection.gaps
    if connection.transport != "tcp" or segments is None or unseen:
        return None
    found = Opening()
    for segment in rows(segments):
        if segment.side == Side.CLIENT:
            (found.syns if _opens(segment) else found.client).append(segment)
        elif segment.flags & SYN:
            found.syn_acks.append(segment)
        else:
            (found.resets if segment.flags & RST else found.server).append(segment)
    return found if found.syns else None


def handshake_session(connection: Connection) -> TlsInfo | None:
    """The TLS session that was begun last: that behind a proxy, where the proxy speaks TLS too."""
    return connection.inner_tls[-1] if connection.inner_tls else connection.tls


def of_handshake(connection: Connection) -> Opening | None:
    """As ``of``, without the bytes ahead of the TLS session that was begun last: those of a tunnel."""
    tls, begin = handshake_session(connection), of(connection)
    if tls is None or begin is None or tls.starts[Side.CLIENT] <= 0:
        return begin
    first_client, first_server = tls.starts
    return Opening(
        begin.syns,
        begin.syn_acks,
        begin.resets,
        [s for s in begin.client if not s.length or s.end > first_client],
        [s for s in begin.server if not s.length or s.end > first_server >= 0],
    )


def _opens(segment: Segment) -> bool:
    """Whether it is a SYN: with FIN or RST beside it, it is a scan's probe and wants no connection."""
    return segment.flags & (SYN | FIN | RST) == SYN


def rows(segments: Segments) -> list[Segment]:
    """All rows, in capture order."""
    columns = (
        segments.number,
        segments.time_ns,
        segments.side,
        segments.seq,
        segments.ack,
        segments.length,
        segments.flags,
        segments.window,
        segments.ttl,
    )
    return [Segment(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]


def is_challenge_ack(segment: Segment, beginning: Opening) -> bool:
    """Whether a server's segment has no SYN where only a SYN-ACK could come (RFC 5961 section 4)."""
    return (
        not segment.flags & (SYN | RST | FIN)
        and bool(segment.flags & ACK)
        and segment.time_ns >= beginning.syns[0].time_ns
        and (not beginning.syn_acks or segment.time_ns < beginning.syn_acks[0].time_ns)
    )


def another_hop(ttl: int, usual: int) -> bool:
    """Whether two TTLs are too different to be of one host."""
    return abs(ttl - usual) > _SAME_HOP
