"""The facts that decide who hung up.

Everything here answers a question about one connection from its segments and closes; nothing judges.
Three kinds of facts, never mixed:

1. TLS-authenticated: what stood inside a decrypted record. Only a holder of the keys can have made it.
2. TCP-acknowledged: an acknowledgment number says what its sender's stack had received when it sent the
   segment. Every segment carries the newest one, so a delayed acknowledgment cannot make it lag.
3. Bare TCP: a FIN or RST could come from the endpoint, a load balancer, a NAT, or our own host.

Two kinds of RST (RFC 9293 sections 3.5.2 and 3.10.7): an *active* one bears the ACK bit, the sender's
next sequence number and what it had received; a *reactive* one answers a segment for a connection that
is gone, bears no ACK bit, and its sequence number repeats what the provoking segment acknowledged, which
tells what the client had seen when it sent that segment.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from plainwire.arrays import np
from plainwire.model import ACK, RST, SYN, Side

if TYPE_CHECKING:
    from plainwire.model import CloseEvent, Connection, Exchange, Gap, Int64s, Request, Segments, Syn

BLINDNESS_NS = 5_000_000
"""How long a program may be excused for not having noticed a close that its kernel had received."""

SLOWEST_PHYSICS = 0.7
"""An answer sooner than this share of the smallest round trip came from somewhere nearer."""

SMALLEST_TELLING_RTT_NS = 2_000_000
"""Below this round trip, clock noise drowns the comparison with physics."""

ERROR_STATUS, SERVER_ERROR_STATUS = 400, 500
"""The lowest of each kind (RFC 9110 sections 15.5 and 15.6)."""

_HARMLESS_ALERTS = ("user_canceled", "no_renegotiation")


def first_close(connection: Connection, side: Side) -> CloseEvent | None:
    """The first act of closing of ``side``: close_notify, fatal alert, FIN or RST."""
    for close in connection.closes:
        if close.side == side and not close.repeated and not _harmless(close):
            return close
    return None


def _harmless(close: CloseEvent) -> bool:
    return close.kind == "alert" and any(name in close.detail for name in _HARMLESS_ALERTS)


def client_first(connection: Connection) -> CloseEvent | None:
    """The client's first act of closing, where it came before any of the server's."""
    client, server = first_close(connection, Side.CLIENT), first_close(connection, Side.SERVER)
    if client is None or (server is not None and _when(server) < _when(client)):
        return None
    return client


def _when(close: CloseEvent) -> tuple[int, int]:
    return close.time_ns, close.packet


def is_reactive(close: CloseEvent) -> bool:
    """Whether this is a RST that answers a segment for a connection that is gone."""
    return close.kind == "rst" and close.ack is None


def reactive_reset(connection: Connection, after: CloseEvent) -> CloseEvent | None:
    """The server's RST that a client segment provoked after the server had closed."""
    for close in connection.closes:
        if close.side == Side.SERVER and is_reactive(close) and _when(close) > _when(after):
            return close
    return None


def reset_after(connection: Connection, close: CloseEvent) -> CloseEvent | None:
    """The first RST, of either kind, that the side of ``close`` sent after it."""
    for later in connection.closes:
        if later.side == close.side and later.kind == "rst" and _when(later) > _when(close):
            return later
    return None


def finished_ns(exchange: Exchange) -> int:
    """When the last byte of the exchange, in either direction, passed the point of capture."""
    request = exchange.request.last_ns if exchange.request else 0
    response = exchange.response.last_ns if exchange.response else 0
    return max(request, response)


def ack_at(connection: Connection, packet: int) -> int | None:
    """What the segment in ``packet`` acknowledges; None without it among the segments kept."""
    segments = connection.segments
    if segments is None:
        return None
    rows = np.flatnonzero(segments.number == packet)
    if not len(rows) or segments.ack[rows[0]] < 0:
        return None
    return int(segments.ack[rows[0]])


def first_ack(connection: Connection, side: Side, offset: int) -> tuple[int, int] | None:
    """(packet, time) of the first segment of ``side`` that acknowledges its peer's stream up to ``offset``.

    None where no segment kept does.
    """
    segments = connection.segments
    if segments is None:
        return None
    rows = np.flatnonzero((segments.side == side) & (segments.ack >= offset))
    return (int(segments.number[rows[0]]), int(segments.time_ns[rows[0]])) if len(rows) else None


def last_ack(connection: Connection, side: Side, until: CloseEvent | None = None) -> int | None:
    """The largest acknowledgment ``side`` sent, up to and including the segment of ``until``."""
    segments = connection.segments
    known = [until.ack] if until is not None and until.side == side and until.ack is not None else []
    if segments is not None:
        rows = (segments.side == side) & (segments.ack >= 0)
        if until is not None:
            rows &= segments.time_ns <= until.time_ns
        if rows.any():
            known.append(int(segments.ack[rows].max()))
    return max(known, default=None)


def unseen_bytes(connection: Connection, side: Side) -> int:
    """How many bytes of ``side`` the other one acknowledged that the capture does not hold."""
    acknowledged = last_ack(connection, side.peer)
    if acknowledged is None:
        return 0
    seen = max(connection.sizes[side], _highest(connection.segments, side))
    return max(0, acknowledged - seen - 1)  # a FIN takes one number of its own


def missing_before(connection: Connection, close: CloseEvent) -> int:
    """How many bytes its sender had sent before ``close`` that the capture does not hold."""
    seen = max(connection.sizes[close.side], _highest(connection.segments, close.side))
    fin = any(c.kind == "fin" and c.side == close.side for c in connection.closes)
    return max(0, close.seq - seen - (1 if fin else 0))


def _highest(segments: Segments | None, side: Side) -> int:
    if segments is None:
        return 0
    rows = (segments.side == side) & (segments.length > 0)
    return int((segments.seq[rows] + segments.length[rows]).max()) if rows.any() else 0


def sent_ns(connection: Connection, side: Side, offset: int) -> int | None:
    """When the byte before ``offset`` left ``side`` for the first time; None where no segment kept says."""
    segments = connection.segments
    if segments is None:
        return None
    rows = np.flatnonzero(
        (segments.side == side) & (segments.seq < offset) & (segments.seq + segments.length >= offset),
    )
    return int(segments.time_ns[rows[0]]) if len(rows) else None


def packet_at(connection: Connection, side: Side, offset: int) -> int | None:
    """The packet that first brought the byte at ``offset``; None where no segment kept did."""
    segments = connection.segments
    if segments is None:
        return None
    rows = np.flatnonzero(
        (segments.side == side) & (segments.seq <= offset) & (segments.seq + segments.length > offset),
    )
    return int(segments.number[rows[0]]) if len(rows) else None


def shortest_rtt(connection: Connection) -> int | None:
    """The smallest round trip seen, in ns: SYN to SYN-ACK, or data to its acknowledgment.

    Retransmitted segments are left out: nobody knows which copy an acknowledgment answers.
    """
    samples = [] if connection.rtt_syn_ns is None else [connection.rtt_syn_ns]
    segments = connection.segments
    if segments is not None and len(segments):
        delays = _ack_delays(segments)
        samples += [int(delays.min())] if len(delays) else []
    return min(samples, default=None)


def _ack_delays(segments: Segments) -> Int64s:
    sent = np.flatnonzero((segments.side == Side.CLIENT) & (segments.length > 0))
    trusted = segments.flags & (SYN | RST) == 0  # a forged RST must not vouch for its own timing
    acks = np.flatnonzero((segments.side == Side.SERVER) & (segments.ack >= 0) & trusted)
    if not len(sent) or not len(acks):
        return np.empty(0, dtype=np.int64)
    ends = segments.seq[sent] + segments.length[sent]
    before = np.concatenate(([np.iinfo(np.int64).min], np.maximum.accumulate(ends)[:-1]))
    fresh = segments.seq[sent] >= before
    again = np.zeros(len(sent), dtype=bool)
    again[:-1] = np.minimum.accumulate(segments.seq[sent][::-1])[::-1][1:] < ends[:-1]
    sent, ends = sent[fresh & ~again], ends[fresh & ~again]
    heights = np.maximum.accumulate(segments.ack[acks])
    where = np.searchsorted(heights, ends, side="left")
    answered = where < len(acks)
    delays = segments.time_ns[acks[where[answered]]] - segments.time_ns[sent[answered]]
    shortest: Int64s = delays[delays > 0]
    return shortest


def ttl_jump(connection: Connection, close: CloseEvent) -> tuple[int, int] | None:
    """(TTL of the closing packet, usual TTL of that side) where they differ by more than one.

    Equal ones prove nothing; different ones say that another stack, or one elsewhere, sent the packet.
    """
    segments = connection.segments
    if segments is None or close.ttl <= 0:
        return None
    rows = (segments.side == close.side) & (segments.number != close.packet) & (segments.ttl > 0)
    if not rows.any():
        return None
    usual = int(np.median(segments.ttl[rows]))
    return (close.ttl, usual) if abs(close.ttl - usual) > 1 else None


def syns_of(connection: Connection) -> tuple[list[Syn], list[Syn]]:
    """The client's SYNs, and the server's SYN-ACKs, by time."""
    mine = [syn for syn in connection.syns if syn.side is Side.CLIENT and not syn.flags & ACK]
    theirs = [syn for syn in connection.syns if syn.side is Side.SERVER and syn.flags & ACK]
    return mine, theirs


def addresses(connection: Connection) -> tuple[str, str]:
    """Of client and server: connections between them share a path."""
    return connection.client.address, connection.server.address


def usual_ttl(connection: Connection) -> int | None:
    """The TTL of most of the server's segments, without its SYN-ACK and RSTs, which others may have made."""
    segments = connection.segments
    if segments is None:
        return None
    ttl = segments.ttl
    rows = (segments.side == Side.SERVER) & (segments.flags & (SYN | RST) == 0) & (ttl > 0)
    return int(np.bincount(ttl[rows]).argmax()) if rows.any() else None


def too_early(connection: Connection, reset: CloseEvent) -> tuple[int, int] | None:
    """(delay, smallest round trip) where ``reset`` follows its cause sooner than the server could answer."""
    rtt, cause_ns = shortest_rtt(connection), _cause_ns(connection, reset)
    if rtt is None or cause_ns is None:
        return None
    delay = reset.time_ns - cause_ns
    if rtt < SMALLEST_TELLING_RTT_NS or delay < 0 or delay >= SLOWEST_PHYSICS * rtt:
        return None
    return delay, rtt


def _cause_ns(connection: Connection, reset: CloseEvent) -> int | None:
    """When the client first sent what ``reset`` answers; None where no segment kept says.

    An active one acknowledges the newest data that its sender had; a reactive one repeats, as its
    sequence number, what the provoking data acknowledged.
    """
    if reset.ack is not None:
        return sent_ns(connection, reset.side.peer, reset.ack)
    segments = connection.segments
    if segments is None:
        return None
    rows = np.flatnonzero(
        (segments.side == reset.side.peer) & (segments.length > 0) & (segments.ack == reset.seq),
    )
    return int(segments.time_ns[rows[0]]) if len(rows) else None


def life_after(connection: Connection, reset: CloseEvent) -> int | None:
    """The packet of new data from the supposed sender after its RST: then that one did not send the RST."""
    segments = connection.segments
    if segments is None:
        return None
    rows = np.flatnonzero(
        (segments.side == reset.side)
        & (segments.length > 0)
        & (segments.time_ns > reset.time_ns)
        & (segments.seq >= reset.seq)
        & (segments.flags & ACK != 0),
    )
    return int(segments.number[rows[0]]) if len(rows) else None


def on_one_host(connection: Connection) -> bool:
    """Whether both ends are on one machine, so that nothing can sit between them."""
    client, server = connection.client.address, connection.server.address
    return client == server or (_loopback(client) and _loopback(server))


def _loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address.split("%", 1)[0]).is_loopback
    except ValueError:
        return False


def quiet_before(connection: Connection, close: CloseEvent, request: Request) -> int | None:
    """How long nothing had passed in either direction when an unasked ``close`` came.

    A request that crossed it, of which its sender knew nothing, does not count as having passed.
    """
    segments = connection.segments
    if segments is None:
        return None
    counts = segments.number < close.packet
    if close.ack is not None and close.ack <= request.start:
        counts &= (segments.side != close.side.peer) | (segments.seq < request.start)
    times = segments.time_ns[counts]
    return close.time_ns - int(times.max()) if len(times) else None


def wait_before_abort(connection: Connection, exchange: Exchange) -> int | None:
    """How long the client had heard nothing of the answer when it ended the connection, in ns.

    None where it did not end it while the exchange was open.
    """
    close, request, response = client_first(connection), exchange.request, exchange.response
    if close is None or request is None or not request.complete or close.time_ns < request.last_ns:
        return None
    if response is None or response.last_ns > close.time_ns:
        return close.time_ns - request.last_ns
    return None if response.complete else close.time_ns - response.last_ns


def never_arrived(connection: Connection, gap: Gap) -> bool:
    """Whether the receiver did not get the bytes of ``gap`` either: then the capture did not lose them.

    It goes on acknowledging and never gets beyond the hole, although more came behind it.
    """
    segments = connection.segments
    if segments is None:
        return False
    behind = (segments.side == gap.side.peer) & (segments.number > gap.packet) & (segments.ack >= 0)
    return bool(behind.any()) and last_ack(connection, gap.side.peer) == gap.offset
