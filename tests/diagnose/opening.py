"""Builds connections from their SYN on, segment by segment, for the rules of connecting and of TLS."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from plainwire.model import (
    ACK,
    FIN,
    PSH,
    RST,
    SYN,
    CloseEvent,
    Connection,
    Endpoint,
    IcmpError,
    Segments,
    Side,
    Syn,
    TlsInfo,
)
from tests.diagnose.wire import CLIENT, CLIENT_END, EPOCH_NS, MS, SERVER, SERVER_END

if TYPE_CHECKING:
    from plainwire.model import CloseKind

Row = tuple[int, int, int, int, int, int, int, int, int, int]


@dataclass
class Opening:
    """A connection in the making; times in ms, offsets as in the model (a SYN stands at -1)."""

    id: int = 1
    server: Endpoint = SERVER_END
    client: Endpoint = CLIENT_END
    start: float = 0.0
    rows: list[Row] = field(default_factory=list)
    closes: list[CloseEvent] = field(default_factory=list)
    errors: list[IcmpError] = field(default_factory=list)
    tls: TlsInfo | None = None
    established: bool = False

    def _ns(self, at: float) -> int:
        return EPOCH_NS + int((self.start + at) * MS)

    def segment(
        self,
        side: Side,
        at: float,
        flags: int = ACK,
        *,
        seq: int = 0,
        ack: int = 0,
        length: int = 0,
        ttl: int = 57,
        window: int = 500,
    ) -> int:
        """One segment; its packet number."""
        packet = self.id * 1000 + len(self.rows)
        self.rows.append((packet, self._ns(at), int(side), seq, ack, length, flags, window, ttl, 7))
        return packet

    def syn(self, *times: float) -> Opening:
        """SYNs of the client."""
        for at in times:
            self.segment(CLIENT, at, SYN, seq=-1, ack=-1)
        return self

    def accept(self, at: float = 80.0) -> Opening:
        """SYN-ACK and its acknowledgment."""
        self.segment(SERVER, at, SYN | ACK, seq=-1)
        self.segment(CLIENT, at)
        self.established = True
        return self

    def hello(self, *times: float, size: int = 517) -> Opening:
        """The ClientHello, sent at each of these times."""
        self.tls = self.tls or TlsInfo()
        for at in times:
            self.segment(CLIENT, at, ACK | PSH, length=size)
        return self

    def close(
        self, side: Side, kind: CloseKind, at: float, *, seq: int = 0, ack: int = 0, detail: str = ""
    ) -> None:
        """An act of closing."""
        flags = {"fin": FIN | ACK, "rst": RST | ACK}.get(kind, ACK | PSH)
        packet = self.segment(side, at, flags, seq=seq, ack=ack, length=7 if kind == "alert" else 0)
        self.closes.append(
            CloseEvent(kind, side, self._ns(at), packet, seq, ack, flags=flags, ttl=57, detail=detail)
        )

    def done(self) -> Connection:
        """The connection."""
        table = np.array(self.rows, dtype=np.int64).T
        last = max(row[1] for row in self.rows)
        sizes = [max((r[3] + r[5] for r in self.rows if r[2] == side and r[5]), default=0) for side in Side]
        return Connection(
            id=self.id, client=self.client, server=self.server, first_packet=self.rows[0][0],
            opened_ns=self._ns(0), last_packet=self.rows[-1][0], last_ns=last, packets=len(self.rows),
            sizes=sizes,
            established=self.established, tls=self.tls, closes=self.closes, icmp_errors=self.errors,
            segments=Segments(*table),
            syns=[Syn(r[0], r[1], Side(r[2]), r[6], r[7], r[8]) for r in self.rows if r[6] & SYN],
        )  # fmt: skip


def healthy(
    number: int = 50, *, start: float = 0.0, server: Endpoint = SERVER_END, hello: int = 517
) -> Connection:
    """A connection with a finished handshake and nothing else."""
    opening = Opening(
        id=number, start=start, server=server, tls=TlsInfo("TLS 1.3", "suite", handshake_complete=True)
    )
    if server.address == "127.0.0.1":
        opening.client = Endpoint(server.address, 40001)
    opening.syn(0).accept().hello(81, size=hello)
    opening.segment(SERVER, 161, ACK | PSH, ack=hello, length=3000)
    return opening.done()
