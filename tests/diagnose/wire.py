"""Builds the facts of one connection, act by act, as a capture at the client would hold them.

Times are given in milliseconds. Acknowledgment numbers follow from ``rtt``: the server's segments
acknowledge what had left the client one round trip before (what had time to reach the server and come
back), the client's acknowledge all that has passed. An act may say otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from plainwire.diagnose import CAUSES
from plainwire.model import (
    ACK,
    FIN,
    PSH,
    RST,
    CloseEvent,
    CloseKind,
    Connection,
    Endpoint,
    Exchange,
    Finding,
    Framing,
    Outcome,
    Request,
    Response,
    Segments,
    Side,
    TlsInfo,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

CLIENT, SERVER = Side.CLIENT, Side.SERVER
EPOCH_NS = 1_700_000_000_000_000_000
MS = 1_000_000
CLIENT_END = Endpoint("192.0.2.7", 40000)
SERVER_END = Endpoint("203.0.113.7", 443)


@dataclass
class _Row:
    packet: int
    time_ns: int
    side: Side
    seq: int
    ack: int
    length: int
    flags: int
    ttl: int
    window: int = 500
    ip_id: int = 7


@dataclass
class Wire:
    """One connection in the making."""

    id: int = 1
    rtt: float = 80.0
    client: Endpoint = CLIENT_END
    server: Endpoint = SERVER_END
    first_exchange: int = 1
    first_packet: int = 1
    tls: bool = True
    ttl: int = 57
    start: float = 0.0
    rows: list[_Row] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)
    closes: list[CloseEvent] = field(default_factory=list)
    sent: list[int] = field(default_factory=lambda: [0, 0])

    def segment(
        self,
        side: Side,
        at: float,
        *,
        length: int = 0,
        flags: int = ACK,
        seq: int | None = None,
        ack: int | None = None,
        ttl: int | None = None,
    ) -> _Row:
        """One segment; ``ack`` -1 for one without the ACK bit."""
        row = _Row(
            packet=self.first_packet + len(self.rows),
            time_ns=self._ns(at),
            side=side,
            seq=self.sent[side] if seq is None else seq,
            ack=self._known(side, at) if ack is None else ack,
            length=length,
            flags=flags,
            ttl=ttl or (64 if side == CLIENT else self.ttl),
        )
        self.rows.append(row)
        self.sent[side] = max(self.sent[side], row.seq + length + (1 if flags & FIN else 0))
        return row

    def ask(
        self,
        at: float,
        target: str = "/object",
        *,
        method: str = "GET",
        size: int = 99,
        close: bool = False,
        digest: int | None = None,
        complete: bool = True,
    ) -> Exchange:
        """A request of one segment."""
        start = self.sent[CLIENT]
        row = self.segment(CLIENT, at, length=size, flags=ACK | PSH)
        previous = self.exchanges[-1] if self.exchanges else None
        idle = row.time_ns - _end(previous) if previous else None
        request = Request(
            method, target, "HTTP/1.1", [("Host", "storage.example")], start, start + size,
            packet=row.packet, last_packet=row.packet, time_ns=row.time_ns, last_ns=row.time_ns,
            complete=complete, close_announced=close, body_digest=digest,
        )  # fmt: skip
        exchange = Exchange(
            id=self.first_exchange + len(self.exchanges), connection=self.id, ordinal=len(self.exchanges) + 1,
            request=request, response=None, outcome="unseen", idle_before_ns=idle,
        )  # fmt: skip
        self.exchanges.append(exchange)
        return exchange

    def answer(
        self,
        at: float,
        *,
        status: int = 200,
        size: int = 200,
        body: int = 100,
        declared: int | None = 100,
        framing: Framing = "content-length",
        complete: bool = True,
        close: bool = False,
        ack: int | None = None,
        version: str = "HTTP/1.1",
    ) -> Exchange:
        """A response to the latest request."""
        start = self.sent[SERVER]
        row = self.segment(SERVER, at, length=size, flags=ACK | PSH, ack=ack)
        exchange = self.exchanges[-1]
        exchange.response = Response(
            status, "", version, [], start, start + size,
            packet=row.packet, last_packet=row.packet, time_ns=row.time_ns, last_ns=row.time_ns,
            body_size=body, complete=complete, framing=framing, declared_size=declared, close_announced=close,
        )  # fmt: skip
        exchange.outcome = "complete" if complete else "truncated"
        return exchange

    def unasked(self, at: float, status: int = 408) -> Exchange:
        """A response before any request."""
        start = self.sent[SERVER]
        row = self.segment(SERVER, at, length=150, flags=ACK | PSH)
        response = Response(
            status, "", "HTTP/1.0", [], start, start + 150, packet=row.packet, last_packet=row.packet,
            time_ns=row.time_ns, last_ns=row.time_ns, complete=True, close_announced=True,
        )  # fmt: skip
        exchange = Exchange(
            self.first_exchange + len(self.exchanges),
            self.id,
            len(self.exchanges) + 1,
            None,
            response,
            "complete",
        )
        self.exchanges.append(exchange)
        return exchange

    def ok(self, at: float, target: str = "/object", *, close: bool = False) -> Exchange:
        """A healthy exchange that begins at ``at`` and takes one round trip."""
        self.ask(at, target)
        return self.answer(at + self.rtt, close=close)

    def ack(self, side: Side, at: float, ack: int | None = None) -> int:
        """A segment that only acknowledges; its packet number."""
        return self.segment(side, at, ack=ack).packet

    def close(
        self,
        side: Side,
        kind: CloseKind,
        at: float,
        *,
        ack: int | None = None,
        seq: int | None = None,
        ttl: int | None = None,
        detail: str = "",
        bare: bool = False,
    ) -> CloseEvent:
        """An act of closing. ``bare``: a RST without the ACK bit."""
        length = 24 if kind in ("close_notify", "alert") else 0
        flags = {"fin": FIN | ACK, "rst": RST if bare else RST | ACK}.get(kind, ACK | PSH)
        row = self.segment(side, at, length=length, flags=flags, seq=seq, ack=-1 if bare else ack, ttl=ttl)
        event = CloseEvent(
            kind, side, row.time_ns, row.packet, row.seq, None if bare else row.ack,
            flags=flags, ttl=row.ttl, detail=detail,
        )  # fmt: skip
        self.closes.append(event)
        return event

    def done(self, outcome: Outcome | None = None) -> Connection:
        """The connection; ``outcome`` is that of its last exchange."""
        if outcome and self.exchanges:
            self.exchanges[-1].outcome = outcome
        return Connection(
            id=self.id, client=self.client, server=self.server, first_packet=self.first_packet,
            opened_ns=self._ns(0), last_packet=self.first_packet + len(self.rows) - 1,
            last_ns=self.rows[-1].time_ns if self.rows else self._ns(0), packets=len(self.rows),
            sizes=[self._size(CLIENT), self._size(SERVER)],
            rtt_syn_ns=int(self.rtt * MS), established=True,
            tls=TlsInfo("TLS 1.3", handshake_complete=True) if self.tls else None,
            decrypted=self.tls, closes=sorted(self.closes, key=lambda c: c.time_ns),
            segments=self._segments(), exchanges=self.exchanges, application="http/1.1",
        )  # fmt: skip

    def _size(self, side: Side) -> int:
        return max((row.seq + row.length for row in self.rows if row.side == side and row.length), default=0)

    def _ns(self, at: float) -> int:
        return EPOCH_NS + int((self.start + at) * MS)

    def _known(self, side: Side, at: float) -> int:
        """What ``side`` had received when it sent a segment that passed the client at ``at``."""
        horizon = self._ns(at) if side == CLIENT else self._ns(at - self.rtt)
        seen = (r for r in self.rows if r.side == side.peer and r.time_ns <= horizon)
        return max((r.seq + r.length + (1 if r.flags & FIN else 0) for r in seen), default=0)

    def _segments(self) -> Segments:
        rows = sorted(self.rows, key=lambda row: row.packet)

        def column(name: str) -> NDArray[np.int64]:
            return np.array([getattr(row, name) for row in rows], dtype=np.int64)

        names = ("packet", "time_ns", "side", "seq", "ack", "length", "flags", "window", "ttl", "ip_id")
        return Segments(*(column(name) for name in names))


def _end(exchange: Exchange) -> int:
    ends = [m.last_ns for m in (exchange.request, exchange.response) if m is not None]
    return max(ends)


def only(findings: list[Finding]) -> Finding:
    """The one finding that there is, beside remarks on the server's or client's manners."""
    telling = [finding for finding in findings if not CAUSES[finding.code].remark]
    assert len(telling) == 1, [finding.code for finding in findings]
    return telling[0]
