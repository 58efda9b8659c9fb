"""A connection as the HTTP reader meets it: pieces of both directions, one packet each, and its end.

Packets are numbered from 1; packet n comes n seconds after the epoch unless ``at`` says otherwise.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from plainwire.http.http1 import Http1
from plainwire.http.reading import Reading
from plainwire.model import (
    CloseEvent,
    CloseKind,
    Connection,
    Endpoint,
    Exchange,
    Gap,
    Request,
    Response,
    Side,
)

if TYPE_CHECKING:
    from plainwire.model import Text

CLIENT, SERVER = Side.CLIENT, Side.SERVER
SECOND = 1_000_000_000
GET = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"
HEAD = b"HEAD / HTTP/1.1\r\nHost: a.example\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes"


@dataclass
class Act:
    """One packet; ``data`` None is a hole of ``length`` bytes noticed there."""

    side: Side
    packet: int
    time_ns: int
    start: int
    length: int
    data: bytes | None


class Where:
    """The way back from offsets to packets."""

    def __init__(self, acts: list[Act]) -> None:
        self._acts = acts

    def locate(self, offsets: list[int]) -> tuple[list[int], list[int]]:
        starts = [act.start for act in self._acts]
        found = [self._acts[max(0, bisect_right(starts, offset) - 1)] for offset in offsets if starts]
        return [act.packet for act in found], [act.time_ns for act in found]

    def begins(self, offset: int) -> bool:
        return any(act.start == offset for act in self._acts)


@dataclass
class Talk:
    """What was sent, in order. ``exact``: clear text; else each packet is one record of TLS."""

    exact: bool = True
    acts: list[Act] = field(default_factory=list)
    closes: list[CloseEvent] = field(default_factory=list)
    packet: int = 0

    def send(self, side: Side, data: bytes, at: float | None = None) -> Talk:
        return self._act(side, data, len(data) if self.exact else len(data) + 22, at)

    def client(self, data: bytes, at: float | None = None) -> Talk:
        return self.send(CLIENT, data, at)

    def server(self, data: bytes, at: float | None = None) -> Talk:
        return self.send(SERVER, data, at)

    def hole(self, side: Side, length: int) -> Talk:
        return self._act(side, None, length, None)

    def close(self, side: Side, kind: CloseKind) -> Talk:
        self.packet += 1
        self.closes.append(CloseEvent(kind, side, self.packet * SECOND, self.packet, self.sent(side), None))
        return self

    def sent(self, side: Side) -> int:
        return sum(act.length for act in self.acts if act.side == side)

    def _act(self, side: Side, data: bytes | None, length: int, at: float | None) -> Talk:
        self.packet += 1
        time_ns = int((self.packet if at is None else at) * SECOND)
        self.acts.append(Act(side, self.packet, time_ns, self.sent(side), length, data))
        return self

    def recut(self, size: int) -> Talk:
        """The same in packets of at most ``size`` bytes."""
        cut = Talk(self.exact, closes=self.closes)
        for act in self.acts:
            for at in range(0, len(act.data or b""), size):
                cut.send(act.side, (act.data or b"")[at : at + size])
        return cut

    def read(self, *, at_once: bool = False) -> list[Exchange]:
        return self.reader(at_once=at_once)[0]

    def reader(
        self, *, at_once: bool = False, reading: Reading | None = None
    ) -> tuple[list[Exchange], Http1]:
        http = Http1(reading or Reading(keep_bodies=True), exact=self.exact)
        sides = [[act for act in self.acts if act.side == side] for side in Side]
        where = (Where(sides[0]), Where(sides[1]))
        facts = Connection(1, Endpoint("192.0.2.1", 5000), Endpoint("192.0.2.2", 80), 1, 0)
        facts.closes = self.closes
        for group in sides if at_once else [[act] for act in self.acts]:
            self._feed(http, facts, group, where)
        return http.close(facts, where), http

    @staticmethod
    def _feed(http: Http1, facts: Connection, acts: list[Act], where: tuple[Where, Where]) -> None:
        for act in acts:
            texts: tuple[list[Text], list[Text]] = ([], [])
            if act.data is None:
                gap = Gap(act.side, act.start, act.length, act.packet)
                (http.requests, http.responses)[act.side].gap(gap)
                facts.gaps.append(gap)
            else:
                texts[act.side].append((act.data, act.start, act.start + act.length))
            # Resolved at the end of the group, as a batch of packets is.
            if act is acts[-1]:
                http.feed(*texts, where)
            else:
                http.requests.feed(texts[0])
                http.responses.feed(texts[1])


def told(exchanges: list[Exchange]) -> list[tuple[Any, ...]]:
    """The gist: method and target, status, outcome, body sizes."""
    return [
        (
            f"{e.request.method} {e.request.target}" if e.request else None,
            e.response.status if e.response else None,
            e.outcome,
            e.request.body_size if e.request else 0,
            e.response.body_size if e.response else 0,
        )
        for e in exchanges
    ]


def only(exchanges: list[Exchange]) -> tuple[Request, Response]:
    """Request and response of the one exchange."""
    (exchange,) = exchanges
    assert exchange.request
    assert exchange.response
    return exchange.request, exchange.response
