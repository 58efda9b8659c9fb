"""TCP segments to connections: who talks with whom, in which incarnation, and what each side sent.

A connection is one incarnation of a pair of sockets: a SYN with another initial sequence number begins
a new one (RFC 9293 section 3.6.1 lets port pairs be used again). Work is done a group at a time: the
segments of one connection in one batch.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from plainwire.model import ACK, FIN, RST, SYN, CloseEvent, Connection, SegmentBatch, Segments, Side
from plainwire.streams.direction import FARTHEST, Direction

if TYPE_CHECKING:
    from plainwire.model import Int64s

TAIL = 2048
"""How many of its last segments a connection keeps for the rules."""

LINGER_NS = 30_000_000_000
"""How long after its last packet a closed connection still waits for stragglers, in capture time."""

_MOST_CLOSES = 64
_MOST_OFFERED = 8
_MOST_LOOKED_AT = 64
_ASKS = re.compile(rb"(?:GET|HEAD|POST|PUT|DELETE|OPTIONS|PATCH|CONNECT) |\x16\x03.{3}\x01", re.DOTALL).match
_ANSWERS = re.compile(rb"HTTP/1\.\d|\x16\x03.{3}\x02", re.DOTALL).match
"""How requests and the two hellos of TLS begin (RFC 9112 sections 3 and 4, RFC 8446 section 4.1)."""


class TcpConnection:
    """A connection while it is open: the facts so far, both directions, the last segments."""

    __slots__ = ("_offered", "_syn_ns", "_tail", "client", "directions", "ended", "facts")

    def __init__(self, facts: Connection, client: int) -> None:
        self.facts = facts
        self.client = client  # number of the client's endpoint
        self.directions = (Direction(Side.CLIENT), Direction(Side.SERVER))
        self.ended = False
        self._syn_ns: list[int] = []  # when the client's SYNs were seen
        self._offered: list[int] = []  # where the stream begins by the SYN-ACKs of the server
        self._tail: list[Int64s] = []

    def feed(self, batch: SegmentBatch, columns: Int64s, rows: Int64s) -> None:
        """Take this connection's segments of one batch, in capture order."""
        facts = self.facts
        group = columns[:, rows]
        cut = self._cut(group)
        if cut:
            self.feed(batch, columns, rows[:cut])
            self.feed(batch, columns, rows[cut:])
            return
        number, time_ns, source, seq, ack, flags, length = group[:7]
        side = (source != self.client).astype(np.int64)
        facts.packets += len(rows)
        facts.last_packet, facts.last_ns = int(number[-1]), int(time_ns[-1])
        if (flags & SYN).any():
            self._handshake(time_ns, side, seq, ack, flags)
        if len(self._offered) > 1:
            self._choose_offer(side, ack, flags)
        self._find_bases(side, seq, ack, flags, length)
        for which in (Side.CLIENT, Side.SERVER):
            chosen = side == which
            if chosen.any():
                self._feed_side(which, batch, rows[chosen], group[:, chosen])
        if (flags & (FIN | RST)).any():
            self._close_events(group, side)
        now_ns = facts.last_ns
        for direction in self.directions:
            direction.settle(now_ns)
        self._remember(group, side)

    def _cut(self, group: Int64s) -> int:
        """Before which row to cut a group that cannot be judged in one; 0: it can."""
        source, flags, length = group[2], group[5], group[6]
        if len(length) > 1 and length.sum() > FARTHEST:  # little was captured of each
            return len(length) // 2
        if self._offered or not (flags & SYN).any():
            return 0
        by_server = source != self.client
        begins = int(np.argmax(by_server & (flags & SYN != 0)))
        ahead = (by_server | (flags & (FIN | RST) != 0))[:begins]
        overtaken = (by_server & (length > 0))[:begins]  # data that belong behind the SYN-ACK
        return begins if ahead.any() and not overtaken.any() else 0

    def _handshake(self, time_ns: Int64s, side: Int64s, seq: Int64s, ack: Int64s, flags: Int64s) -> None:
        """Initial sequence numbers, and the round trip from SYN to SYN-ACK (not from a repeated SYN)."""
        for row in np.flatnonzero(flags & SYN).tolist():
            client, server = self.directions
            base = (int(seq[row]) + 1) & 0xFFFFFFFF
            if side[row] == Side.CLIENT:
                self._syn_ns.append(int(time_ns[row]))
                client.base = base if client.base is None else client.base
                continue
            guessed = server.next == 0 and server.base not in self._offered
            if guessed:  # what the server sent before was of an older connection, and so was its end
                server.begin(base)
                client.acked, self.ended = min(client.acked, client.next), False
                self.facts.closes.clear()
            if base not in self._offered and len(self._offered) < _MOST_OFFERED:
                self._offered.append(base)
            if flags[row] & ACK and client.base is None:
                client.base = int(ack[row])  # of a SYN that the capture does not hold
            if flags[row] & ACK and self.facts.rtt_syn_ns is None and len(self._syn_ns) == 1:
                self.facts.rtt_syn_ns = int(time_ns[row]) - self._syn_ns[0]

    def _choose_offer(self, side: Int64s, ack: Int64s, flags: Int64s) -> None:
        """Of several SYN-ACKs (a server forgot a half-open connection) the one the client took counts."""
        server = self.directions[Side.SERVER]
        if server.next == 0:
            taken = ack[(side == Side.CLIENT) & (flags & (ACK | RST) == ACK) & np.isin(ack, self._offered)]
            if len(taken) and int(taken[0]) != server.base:
                server.begin(int(taken[0]))

    def _find_bases(self, side: Int64s, seq: Int64s, ack: Int64s, flags: Int64s, length: Int64s) -> None:
        """Without a SYN, offset 0 is the first byte that was seen or acknowledged.

        Where the other side's SYN was seen, the capture is there from the start: what that side had
        acknowledged before the first byte seen was sent, and is missing.
        """
        for which in (Side.CLIENT, Side.SERVER):
            direction = self.directions[which]
            if direction.base is not None:
                continue
            acks = np.flatnonzero((side != which) & (flags & (ACK | RST) == ACK))
            own = np.flatnonzero((side == which) & (flags & RST == 0))
            if len(own):
                direction.base = int(seq[own[0]])
                ahead = (int(ack[acks[0]]) - direction.base) & 0xFFFFFFFF if len(acks) else 0
                if ahead == 1:  # of a keep-alive probe, if nothing else was sent by then
                    sent = own[: max(int(np.searchsorted(own, acks[0])), 1)]
                    direction.base += int((length[sent] <= 1).all() and not (flags[sent] & FIN).any())
                elif ahead > 2**32 - FARTHEST and not self.facts.mid_stream:
                    direction.base = int(ack[acks[0]])
            elif len(acks):
                direction.base = int(ack[acks[0]])

    def _feed_side(self, which: Side, batch: SegmentBatch, rows: Int64s, group: Int64s) -> None:
        direction, other = self.directions[which], self.directions[which.peer]
        number, time_ns, _, raw_seq, raw_ack, flags, length = group[:7]
        seq = direction.offsets(raw_seq) + ((flags & SYN) != 0)
        carrying = (length > 0) & (flags & RST == 0)
        if carrying.any():
            every = bool(carrying.all())
            pick = slice(None) if every else carrying
            direction.feed(
                batch.data,
                seq[pick],
                batch.offset[rows[pick]],
                batch.captured[rows[pick]],
                length[pick],
                number[pick],
                time_ns[pick],
            )
        acks = raw_ack[flags & (ACK | RST) == ACK]
        if len(acks) and other.base is not None:
            highest = int(other.offsets(acks).max())
            if other.acked <= highest < other.next + FARTHEST:
                other.acked = highest
                if which == Side.CLIENT:
                    self.facts.established = True

    def _close_events(self, group: Int64s, side: Int64s) -> None:
        flags, length = group[5], group[6]
        for row in np.flatnonzero(flags & (FIN | RST)).tolist():
            if len(self.facts.closes) >= _MOST_CLOSES:
                return
            which = Side(int(side[row]))
            direction, other = self.directions[which], self.directions[which.peer]
            seq = int(direction.offsets(group[3][row : row + 1])[0])
            if seq < -1 and not self.facts.mid_stream:
                continue  # of an older connection between the same ports
            acked = bool(flags[row] & ACK)
            ack = int(other.offsets(group[4][row : row + 1])[0]) if acked else None
            repeated = False
            if not flags[row] & RST:
                seq += int(length[row]) + (1 if flags[row] & SYN else 0)
                repeated = direction.fin is not None
                if not direction.ends_at(seq):
                    continue
            self.facts.closes.append(
                CloseEvent(
                    kind="rst" if flags[row] & RST else "fin",
                    side=which,
                    time_ns=int(group[1][row]),
                    packet=int(group[0][row]),
                    seq=seq,
                    ack=ack,
                    flags=int(flags[row]),
                    ttl=int(group[8][row]),
                    ip_id=int(group[9][row]),
                    window=int(group[7][row]),
                    repeated=repeated,
                )
            )
            both = self.directions[0].fin is not None and self.directions[1].fin is not None
            self.ended = self.ended or bool(flags[row] & RST) or both

    def _remember(self, group: Int64s, side: Int64s) -> None:
        kept = group[:, -TAIL:].copy()
        kept[2] = side[-TAIL:]
        self._tail.append(kept)
        while len(self._tail) > 1 and sum(t.shape[1] for t in self._tail[1:]) >= TAIL:
            del self._tail[0]

    def finish(self) -> Connection:
        """No more segments will come: deliver what waits and complete the facts."""
        facts = self.facts
        for direction in self.directions:
            direction.finish(facts.last_packet)
            facts.snapped = facts.snapped or direction.snapped
        facts.sizes = [d.next for d in self.directions]
        facts.retransmissions = [d.retransmissions for d in self.directions]
        facts.segments = self._segments()
        return facts

    def _segments(self) -> Segments:
        tail = np.concatenate(self._tail, axis=1)[:, -TAIL:]
        number, time_ns, side, raw_seq, raw_ack, flags, length, window, ttl, ip_id = tail
        mine, theirs = self.directions
        by_client = side == Side.CLIENT
        seq = np.where(by_client, mine.offsets(raw_seq), theirs.offsets(raw_seq))
        ack = np.where(by_client, theirs.offsets(raw_ack), mine.offsets(raw_ack))
        ack = np.where(flags & ACK, ack, -1)
        return Segments(number, time_ns, side, seq, ack, length, flags, window, ttl, ip_id)


class Assembler:
    """Sorts segments into connections. ``opened`` counts them; ids are 1, 2, ... in order of first packet."""

    def __init__(self) -> None:
        self.opened = 0
        self._open: dict[int, TcpConnection] = {}
        self._isn: dict[int, int] = {}  # the initial sequence number of the newest SYN of each pair

    def feed(self, batch: SegmentBatch) -> tuple[list[TcpConnection], list[TcpConnection]]:
        """Take one batch. Returns the connections that got something, and those that are over.

        One that is over may be in both lists, and is finished by whoever receives it.
        """
        if not len(batch.number):
            return [], []
        columns = _columns(batch)
        touched: list[TcpConnection] = []
        over: list[TcpConnection] = []
        groups = [(p, part) for p, rows in _groups(batch) for part in self._incarnations(p, batch, rows)]
        groups.sort(key=lambda group: int(group[1][0]))
        for pair, part in groups:
            connection = self._open.get(pair)
            if connection is None or self._is_new(pair, batch, part):
                if connection is not None:
                    over.append(connection)
                connection = self._open_one(pair, batch, part)
            connection.feed(batch, columns, part)
            touched.append(connection)
        over.extend(self._sweep(int(batch.time_ns[-1])))
        return touched, over

    def close(self) -> list[TcpConnection]:
        """The capture is over: all that is still open."""
        left = list(self._open.values())
        self._open.clear()
        return left

    def _incarnations(self, pair: int, batch: SegmentBatch, rows: Int64s) -> list[Int64s]:
        """Cut a group before each SYN (without ACK) that has an initial sequence number of its own."""
        syns = np.flatnonzero(batch.flags[rows] & (SYN | ACK | RST) == SYN)
        if not len(syns):
            return [rows]
        cuts = []
        isn = self._isn.get(pair)
        for at in syns.tolist():
            seq = int(batch.seq[rows[at]])
            if seq != isn and at > 0:
                cuts.append(at)
            isn = seq
        return [part for part in np.split(rows, cuts) if len(part)]

    def _is_new(self, pair: int, batch: SegmentBatch, rows: Int64s) -> bool:
        first = rows[0]
        if batch.flags[first] & (SYN | ACK | RST) != SYN:
            return False
        return int(batch.seq[first]) != self._isn.get(pair)

    def _open_one(self, pair: int, batch: SegmentBatch, rows: Int64s) -> TcpConnection:
        first = int(rows[0])
        flags = int(batch.flags[first])
        source, target = int(batch.source[first]), int(batch.target[first])
        guessed = False
        if flags & SYN:
            client = target if flags & ACK else source
        else:
            client, guessed = _guess_client(batch, rows), True
        server = target if client == source else source
        self._isn.pop(pair, None)
        if flags & (SYN | ACK) == SYN:
            self._isn[pair] = int(batch.seq[first])
        elif flags & SYN:  # captured ahead of the SYN that it answers
            self._isn[pair] = (int(batch.ack[first]) - 1) & 0xFFFFFFFF
        self.opened += 1
        facts = Connection(
            id=self.opened,
            client=batch.endpoints[client],
            server=batch.endpoints[server],
            first_packet=int(batch.number[first]),
            opened_ns=int(batch.time_ns[first]),
            mid_stream=not flags & SYN,
            roles_guessed=guessed,
        )
        connection = self._open[pair] = TcpConnection(facts, client)
        return connection

    def _sweep(self, now_ns: int) -> list[TcpConnection]:
        """Let go of connections that closed a while ago."""
        gone = [pair for pair, c in self._open.items() if c.ended and now_ns - c.facts.last_ns > LINGER_NS]
        return [self._open.pop(pair) for pair in gone]


def _columns(batch: SegmentBatch) -> Int64s:
    """The batch's columns as one table, so that a group is one look-up. The order is ``feed``'s."""
    return np.stack(
        (
            batch.number,
            batch.time_ns,
            batch.source,
            batch.seq,
            batch.ack,
            batch.flags,
            batch.length,
            batch.window,
            batch.ttl,
            batch.ip_id,
        )
    )


def _groups(batch: SegmentBatch) -> list[tuple[int, Int64s]]:
    """The rows of each pair of endpoints, in file order."""
    low, high = np.minimum(batch.source, batch.target), np.maximum(batch.source, batch.target)
    pairs = (low << 32) | high
    order = np.argsort(pairs, kind="stable")
    ordered = pairs[order]
    cuts = np.flatnonzero(np.diff(ordered)) + 1
    return [(int(pairs[rows[0]]), rows) for rows in np.split(order, cuts)]


def _guess_client(batch: SegmentBatch, rows: Int64s) -> int:
    """Without a SYN: by what the first segments begin with, else the side with the higher port is the
    client, as services have the low ones.
    """
    for row in rows[:_MOST_LOOKED_AT].tolist():
        at = int(batch.offset[row])
        start = batch.data[at : at + min(int(batch.captured[row]), 10)]
        if _ASKS(start):
            return int(batch.source[row])
        if _ANSWERS(start):
            return int(batch.target[row])
    source, target = int(batch.source[rows[0]]), int(batch.target[rows[0]])
    return source if batch.endpoints[source].port >= batch.endpoints[target].port else target
