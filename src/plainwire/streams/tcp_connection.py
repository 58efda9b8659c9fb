"""One TCP connection: its segments in, what each side sent and how it ended out.

Theory of operation. What comes out is defined by taking the segments one by one, in capture order
(``_take_one``). Nearly all of them are plain: they carry on where their side's last one ended, or
carry nothing. A run of those is taken at once (``_Run``), with the same outcome. So the batches in which
a capture comes make no difference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from plainwire.model import ACK, FIN, RST, SYN, CloseEvent, Connection, Side, Syn
from plainwire.streams.direction import Direction
from plainwire.streams.duplicates import Duplicates
from plainwire.streams.last_segments import LastSegments
from plainwire.streams.located import located
from plainwire.streams.plain_run import plain_run
from plainwire.streams.segment_columns import (
    ACKNOWLEDGED,
    AT,
    CAPTURED,
    CLOCK,
    FLAGS,
    IP_ID,
    LENGTH,
    NUMBER,
    SEQ,
    SOURCE,
    TIME,
    TTL,
    WINDOW,
    Row,
)
from plainwire.streams.tcp_opening import TcpOpening, first_byte

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from plainwire._kernel import SegmentTable
    from plainwire.model import Endpoint, Int64s, SynOptions

LINGER_NS = 30_000_000_000
"""How long after its last packet a closed connection still waits for stragglers, in capture time."""

SETTLED_NS = 10_000_000_000
"""The same where each side has all of the other's, FIN included: neither has anything to send again."""

_MOST_CLOSES = 64
_MOST_OFFERED = 8
_MOST_SYNS = 8
_MANY_SUSPICIONS = 256
"""Segments that may be copies and are none, until what they are compared with is kept: it takes 20 KB."""
_SHORT_RUN = 16
_LONG_RUN = 1 << 16
_SOME_RUN = 1 << 10
"""Fewer segments than a short run are quicker taken one by one. After a run that was cut short, the
next ones are sought among fewer segments: time stays proportional to their number.
"""


class TcpConnection:
    """A connection while it is open: the facts so far, both directions, the last segments."""

    __slots__ = (
        "_clock_ns",
        "_copies",
        "_endpoints",
        "_ends",
        "_isn",
        "_offered",
        "_opening",
        "_options",
        "_suspected",
        "_suspicions",
        "_syn_ns",
        "_tail",
        "client",
        "directions",
        "ended",
        "facts",
    )

    def __init__(self, identity: int, first: Row, target: int, endpoints: Sequence[Endpoint]) -> None:
        source = first[SOURCE]
        self.client = source  # number of the client's endpoint; provisional while the opening is held back
        self.facts = Connection(
            id=identity,
            client=endpoints[source],
            server=endpoints[target],
            first_packet=first[NUMBER],
            opened_ns=first[TIME],
        )
        self.directions = (Direction(Side.CLIENT), Direction(Side.SERVER))
        self.ended = False
        self._ends = source, target
        self._opening: TcpOpening | None = TcpOpening(source, target)
        self._endpoints = endpoints
        self._options: dict[int, SynOptions | None] = {}  # of SYNs that are held back, by packet number
        self._isn: dict[int, int] = {}  # initial sequence numbers, by the number of the endpoint
        self._syn_ns: list[int] = []  # when the client's SYNs were seen
        self._offered: list[int] = []  # where the stream begins by the SYN-ACKs of the server
        self._tail = LastSegments()
        self._copies: Duplicates | None = None  # once there is one, every packet may have been captured twice
        self._suspected: Duplicates | None = None  # kept where what may be a copy comes again and again
        self._suspicions = 0
        self._clock_ns = first[CLOCK]

    def take(self, data: bytes, columns: Int64s, rows: Int64s, options: Mapping[int, SynOptions]) -> int:
        """Take this connection's segments of one batch, in capture order, up to the first that begins
        another connection. Returns how many that were. ``options`` are those of the batch's SYNs.
        """
        taken, pause, longest = 0, _SHORT_RUN, _LONG_RUN
        while taken < len(rows):
            if len(rows) - taken > _SHORT_RUN and self._calm():
                group = columns[:, rows[taken : taken + longest]]
                count, acknowledged = plain_run(self.directions, self.client, data, group)
                self.facts.established = self.facts.established or acknowledged
                if count:
                    self._note(group[:, :count])
                taken += count
                whole = count == group.shape[1]
                pause = _SHORT_RUN if count > pause else min(2 * pause, _LONG_RUN)
                longest = min(4 * longest, _LONG_RUN) if whole else _SOME_RUN
                if whole:
                    continue
            calm = False
            for row in columns[:, rows[taken : taken + pause]].T.tolist():
                calm = calm or self._calm()
                if not (calm and self._take_plain(data, row)):
                    calm = False
                    if self._is_of_another(row):
                        return taken
                    if row[FLAGS] & SYN:
                        self._options[row[NUMBER]] = options.get(row[NUMBER])
                    self._take_one(data, row)
                taken += 1
        return taken

    def begin(self, table: SegmentTable, rows: Int64s, options: Mapping[int, SynOptions]) -> int:
        """Let the kernel take the first segments, as ``take`` would, while plain. Returns how many."""
        opening = table.opening(rows)
        if opening is None:
            return 0
        facts = self.facts
        facts.packets, facts.established, last, syns, closes, flown, kept = opening
        facts.last_packet, facts.last_ns, self._clock_ns = last
        self._opening = None
        self._isn[self.client] = syns[0][5]
        self._syn_ns, self._offered = [syns[0][1]], [flown[Side.SERVER][0]]
        facts.rtt_syn_ns = syns[1][1] - syns[0][1]
        for direction, (number, time_ns, flags, window, ttl, _) in zip(self.directions, syns, strict=True):
            facts.syns.append(Syn(number, time_ns, direction.side, flags, window, ttl, options.get(number)))
            direction.begin_with(flown[direction.side])
        for side, time_ns, number, seq, ack, flags, ttl, ip_id, window in closes:
            facts.closes.append(
                CloseEvent(
                    kind="fin",
                    side=Side(side),
                    time_ns=time_ns,
                    packet=number,
                    seq=seq,
                    ack=ack,
                    flags=flags,
                    ttl=ttl,
                    from_sockets=ttl == 0,
                    ip_id=ip_id,
                    window=window,
                )
            )
        self.ended = len(closes) > 1
        self._tail.begin(kept)
        return facts.packets

    def is_over(self, clock_ns: int) -> bool:
        """Whether the connection ended, and no straggler came for long."""
        silent = clock_ns - self._clock_ns
        return self.ended and silent > SETTLED_NS and (silent > LINGER_NS or self._settled())

    def _settled(self) -> bool:
        """Whether both sides sent FIN, and acknowledged the other's (RFC 9293 section 3.6)."""
        return all(one.fin is not None and one.acked > one.fin <= one.next for one in self.directions)

    @property
    def delivers(self) -> bool:
        """Whether there is something to be read in either direction."""
        client, server = self.directions
        return bool(client.pieces or server.pieces)

    @property
    def fruitless(self) -> bool:
        """Whether it is an attempt that came to nothing so far: SYNs, and at best an answer to them."""
        said = any(payload for _, payload in self._opening.held) if self._opening is not None else False
        said = said or any(d.next or d.waits for d in self.directions)
        return bool(self._isn) and not said and not self.facts.established

    @property
    def server(self) -> int:
        """The number of the server's endpoint, as far as is known."""
        first, second = self._ends
        return second if self.client == first else first

    @property
    def rank(self) -> tuple[int, int]:
        """What to give up first where too many are open: the lowest."""
        return 0 if self.ended else 1 if self.fruitless else 2, self._clock_ns

    # --- many at once -------------------------------------------------------------------------------

    def _calm(self) -> bool:
        """Whether plain segments can be taken at once now."""
        return (
            self._opening is None
            and not self.ended
            and self._copies is None
            and self.directions[0].goes_on
            and self.directions[1].goes_on
            and (len(self._offered) < 2 or self.directions[1].next > 0)
        )

    def _note(self, group: Int64s) -> None:
        facts = self.facts
        facts.packets += group.shape[1]
        facts.last_packet, facts.last_ns = int(group[NUMBER, -1]), int(group[TIME, -1])
        self._clock_ns = int(group[CLOCK, -1])
        self._tail.extend(group)
        self._suspected = None

    # --- one by one ---------------------------------------------------------------------------------

    def _take_plain(self, data: bytes, row: Row) -> bool:
        """Take a plain segment (see ``plain_run``) while it is calm; False where it is none."""
        number, time_ns, source, seq, acknowledged, flags, length, *_, at, captured, clock = row
        mine, theirs = self.directions
        by_client = source == self.client
        if not by_client:
            mine, theirs = theirs, mine
        if flags & (SYN | FIN | RST) or mine.assumed:
            return False
        if length:
            if captured != length or mine.offset(seq) != mine.next:
                return False
            mine.append(data[at : at + length], number, time_ns, acknowledged if flags & ACK else -1)
        facts = self.facts
        if flags & ACK:
            theirs.acked_number = acknowledged
            if theirs.acknowledge(theirs.offset(acknowledged)) and by_client:
                facts.established = True
        facts.packets += 1
        facts.last_packet, facts.last_ns, self._clock_ns = number, time_ns, clock
        self._tail.add(row)
        self._suspected = None
        return True

    def _is_of_another(self, row: Row) -> bool:
        """Whether a segment belongs to another connection between the same ports (RFC 9293 section 3.6.1)."""
        if self.is_over(row[CLOCK]):
            return True
        flags, seq = row[FLAGS], row[SEQ]
        if flags & (SYN | RST) != SYN:
            return False
        known = self._isn.get(row[SOURCE])
        if flags & ACK:  # of a SYN that the capture does not hold
            answers = (row[ACKNOWLEDGED] - 1) & 0xFFFFFFFF in self._isn.values()
            return self.ended and self._opening is None and not answers and _begin(row) not in self._offered
        if known is not None:
            return known != seq
        if not self._isn:  # the first SYN of all: captured late, or of a new connection
            return not self._precedes(row)
        # Both sides may send a SYN (RFC 9293 section 3.5), but not once they are connected.
        return self.facts.established or any(d.next for d in self.directions)

    def _precedes(self, row: Row) -> bool:
        """Whether the SYN in ``row`` began the connection whose first segments were captured ahead of it."""
        if self._opening is not None:
            return self._opening.precedes(row)
        return row[SOURCE] == self.client and self.directions[Side.CLIENT].base == _begin(row)

    def _take_one(self, data: bytes, row: Row) -> None:
        facts = self.facts
        facts.packets += 1
        facts.last_packet, facts.last_ns, self._clock_ns = row[NUMBER], row[TIME], row[CLOCK]
        flags, at = row[FLAGS], row[AT]
        if flags & (SYN | RST) == SYN:
            self._know_isn(row)
        payload = data[at : at + row[CAPTURED]] if row[LENGTH] else b""
        opening = self._opening
        if opening is None:
            self._process(row, payload)
            return
        self.ended = self.ended or bool(flags & RST)
        if opening.add(row, payload):
            self._open()

    def _know_isn(self, row: Row) -> None:
        if not row[FLAGS] & ACK:
            self._isn[row[SOURCE]] = row[SEQ]
        elif not self._isn:
            first, second = self._ends
            other = second if row[SOURCE] == first else first
            self._isn[other] = (row[ACKNOWLEDGED] - 1) & 0xFFFFFFFF

    def _open(self) -> None:
        """Decide on what was held back, and take it."""
        opening, facts = self._opening, self.facts
        if opening is None:
            return
        self._opening = None
        self.client, facts.roles_guessed = opening.client(self._endpoints)
        server = opening.other(self.client)
        facts.client, facts.server = self._endpoints[self.client], self._endpoints[server]
        facts.mid_stream = opening.mid_stream()
        for direction, end in zip(self.directions, (self.client, server), strict=True):
            base = opening.base(end)
            if base is not None:
                direction.begin(base)
        self.ended = False
        for row, payload in opening.held:
            self._process(row, payload)

    def _process(self, row: Row, payload: bytes) -> None:
        which = Side.CLIENT if row[SOURCE] == self.client else Side.SERVER
        direction = self.directions[which]
        flags, length = row[FLAGS], row[LENGTH]
        options = self._options.pop(row[NUMBER], None) if flags & SYN else None
        if self._is_copy(row, direction):
            self.facts.duplicates += 1
            return
        if flags & SYN:
            self._keep_syn(row, which, options)
            self._handshake(row, which)
        if len(self._offered) > 1:
            self._choose_offer(row, which)
        if direction.assumed and not flags & RST:
            self._find_base(row, which)
        if length and not flags & RST:
            direction.rejoin(row[SEQ], row[NUMBER])
            seq = direction.offset(row[SEQ]) + (1 if flags & SYN else 0)
            acked = row[ACKNOWLEDGED] if flags & ACK else -1
            direction.add(payload, seq, length, row[NUMBER], row[TIME], acked)
        if flags & (ACK | RST) == ACK:
            self._acknowledge(row[ACKNOWLEDGED], which)
        if flags & (FIN | RST):
            self._close_event(row, which)
        client, server = self.directions
        if client.waits or server.waits:
            client.settle(row[TIME])
            server.settle(row[TIME])
        self._tail.add(row)
        compared = self._copies or self._suspected
        if compared is not None:
            compared.remember(row)

    def _acknowledge(self, number: int, which: Side) -> None:
        acknowledged = self.directions[1 - which]
        acknowledged.acked_number = number
        if acknowledged.base is None:
            acknowledged.assume(number)
        if acknowledged.acknowledge(acknowledged.offset(number)) and which is Side.CLIENT:
            self.facts.established = True

    def _is_copy(self, row: Row, direction: Direction) -> bool:
        """Whether the same packet was captured before, on another interface say."""
        flags, length = row[FLAGS], row[LENGTH]
        if self._copies is None:
            came = self._came_before(direction.side, flags) or bool(
                length and direction.base is not None and direction.holds(direction.offset(row[SEQ]), length)
            )
            if not came:
                return False
        copies = self._copies or self._suspected
        if copies is None:
            copies = Duplicates(self._tail.latest())
            self._suspicions += 1
            if self._suspicions > _MANY_SUSPICIONS:
                self._suspected = copies
        copy = copies.holds(row)
        if copy:
            self._copies = copies
        return copy

    def _came_before(self, side: Side, flags: int) -> bool:
        if flags & SYN:
            return bool(self._syn_ns) if side is Side.CLIENT else bool(self._offered)
        if flags & (FIN | RST):
            kind = "rst" if flags & RST else "fin"
            return any(close.kind == kind and close.side is side for close in self.facts.closes)
        return False

    def _keep_syn(self, row: Row, which: Side, options: SynOptions | None) -> None:
        syns = self.facts.syns
        if sum(syn.side is which for syn in syns) < _MOST_SYNS:
            kept = (row[NUMBER], row[TIME], which, row[FLAGS], row[WINDOW], row[TTL])
            syns.append(Syn(*kept, options))

    def _handshake(self, row: Row, which: Side) -> None:
        """Initial sequence numbers, and the round trip from SYN to SYN-ACK (not from a repeated SYN)."""
        client, server = self.directions
        base, flags = _begin(row), row[FLAGS]
        if base == self.directions[which].base:
            self.facts.mid_stream = self.facts.roles_guessed = False
        if which is Side.CLIENT:
            self._syn_ns.append(row[TIME])
            if client.base is None:
                client.begin(base)
            return
        if server.next == 0 and base not in self._offered:
            # What the server sent before was of an older connection, and so was its end.
            server.begin(base)
            client.acked, self.ended = min(client.acked, client.next), False
            self.facts.closes.clear()
        if base not in self._offered and len(self._offered) < _MOST_OFFERED:
            self._offered.append(base)
        if flags & ACK and client.base is None:
            client.begin(row[ACKNOWLEDGED])  # of a SYN that the capture does not hold
        if flags & ACK and self.facts.rtt_syn_ns is None and len(self._syn_ns) == 1:
            self.facts.rtt_syn_ns = row[TIME] - self._syn_ns[0]

    def _choose_offer(self, row: Row, which: Side) -> None:
        """Of several SYN-ACKs (a server forgot a half-open connection) the one the client took counts."""
        server, taken = self.directions[Side.SERVER], row[ACKNOWLEDGED]
        if server.next or which is Side.SERVER or row[FLAGS] & (ACK | RST) != ACK:
            return
        if taken in self._offered and taken != server.base:
            server.begin(taken)

    def _find_base(self, row: Row, which: Side) -> None:
        """The first segment of a side whose SYN was not seen says where its stream begins."""
        direction, before = self.directions[which], self.directions[which].base
        seq, acked = row[SEQ], direction.acked
        base = seq if before is None else first_byte([row], seq, before, opened=not self.facts.mid_stream)
        direction.begin(base)
        if before is None:
            return
        moved = ((before - base + 0x80000000) & 0xFFFFFFFF) - 0x80000000
        direction.acked = max(0, acked + moved)
        self.facts.closes = [_moved(close, which, moved) for close in self.facts.closes]

    def _close_event(self, row: Row, which: Side) -> None:
        facts, flags = self.facts, row[FLAGS]
        direction, other = self.directions[which], self.directions[1 - which]
        seq = direction.offset(row[SEQ])
        if len(facts.closes) >= _MOST_CLOSES or (seq < -1 and not facts.mid_stream):
            return  # the latter: of an older connection between the same ports
        repeated = False
        if not flags & RST:
            seq += row[LENGTH] + (1 if flags & SYN else 0)
            repeated = direction.fin is not None
            if not direction.ends_at(seq):
                return
        facts.closes.append(
            CloseEvent(
                kind="rst" if flags & RST else "fin",
                side=which,
                time_ns=row[TIME],
                packet=row[NUMBER],
                seq=seq,
                ack=other.offset(row[ACKNOWLEDGED]) if flags & ACK else None,
                flags=flags,
                ttl=row[TTL],
                from_sockets=row[TTL] == 0,
                ip_id=row[IP_ID],
                window=row[WINDOW],
                repeated=repeated,
            )
        )
        both = all(one.fin is not None for one in self.directions)
        self.ended = self.ended or bool(flags & RST) or both

    # --- the end ------------------------------------------------------------------------------------

    def finish(self) -> Connection:
        """No more segments will come: deliver what waits and complete the facts."""
        self._open()
        facts = self.facts
        client, server = self.directions
        closers = {close.side for close in facts.closes}
        client.finish(facts.last_packet, closing=Side.SERVER in closers)
        server.finish(facts.last_packet, closing=Side.CLIENT in closers)
        facts.snapped = facts.snapped or client.snapped or server.snapped
        facts.sizes = [client.next, server.next]
        facts.unseen_fins = [client.unseen_fin, server.unseen_fin]
        facts.retransmissions = [client.retransmissions, server.retransmissions]
        facts.conflicting = sorted([*client.conflicting, *server.conflicting])
        facts.segments = located(self._tail, self.client, self.directions)
        return facts


def _begin(row: Row) -> int:
    """The sequence number of the first byte behind a SYN."""
    return (row[SEQ] + 1) & 0xFFFFFFFF


def _moved(close: CloseEvent, which: Side, by: int) -> CloseEvent:
    """A close when offset 0 of one side turns out to be another one."""
    if close.side is which:
        return replace(close, seq=close.seq + by)
    return close if close.ack is None else replace(close, ack=close.ack + by)
