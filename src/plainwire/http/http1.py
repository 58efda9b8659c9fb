"""From requests and responses of one HTTP/1.x connection to exchanges.

Responses come in the order of the requests (RFC 9112 section 9.2). A response whose first packet comes before
the first packet of the next request belongs to no request: it becomes an exchange without one. A response
that comes while a request's head is incomplete waits for that request, and a 101 for any request: nobody
switches protocols unasked, and what follows it is not HTTP. ``close`` decides what the end of the connection
means for an open exchange.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import deque
from typing import TYPE_CHECKING, Protocol

from msgspec.structs import replace

from plainwire import kernel
from plainwire.http.exchange_room import TOO_MANY, ExchangeShare
from plainwire.http.http1_messages import RequestReader, ResponseReader
from plainwire.http.http1_reader import State
from plainwire.model import Connection, Exchange, Gap, Request, Response, Side, Text, Undecrypted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from plainwire.http.reading import Reading
    from plainwire.model import Outcome


_FINAL = 200
"""The first status that is no interim one (RFC 9110 section 15)."""

_SWITCHING = 101
"""Switching Protocols (RFC 9110 section 15.2.2)."""


class Locator(Protocol):
    """Maps stream offsets to packets."""

    def locate(self, offsets: list[int]) -> tuple[list[int], list[int]]:
        """Packet numbers and times (ns)."""

    def begins(self, offset: int) -> bool:
        """Whether a packet's bytes begin at the offset."""


class Numbered(Protocol):
    """Knows the numbers of a TCP stream's segments."""

    def acknowledged(self, offsets: list[int]) -> list[int]:
        """The acknowledgment numbers of the segments that brought the bytes there, -1 without one."""

    @property
    def origin(self) -> int | None:
        """The sequence number of offset 0."""


class Http1:
    """Reads both directions of a connection and pairs their messages.

    ``joined_late``: the capture lacks the beginning of the connection. ``segments``: those of the TCP streams
    whose offsets the messages' are.
    """

    __slots__ = (
        "_acked",
        "_due",
        "_early",
        "_interim",
        "_left_out",
        "_open",
        "_orphans",
        "_segments",
        "_where",
        "exchanges",
        "requests",
        "responses",
        "switched",
    )

    def __init__(
        self,
        reading: Reading,
        *,
        exact: bool,
        joined_late: bool = False,
        segments: tuple[Numbered, Numbered] | None = None,
    ) -> None:
        share = ExchangeShare(reading.exchanges)
        self.requests = RequestReader(reading, share, exact=exact)
        self.responses = ResponseReader(reading, share, self.requests, exact=exact)
        self.exchanges: list[Exchange] = []
        self.switched: Exchange | None = None  # after this one the connection is no longer HTTP/1
        self._due: deque[Request] = deque()
        self._open: Response | None = None  # the head is read and paired, the rest is not there yet
        self._interim: list[Response] = []
        self._early: list[Response] = []  # whose request has only begun
        self._acked: array[int] | None = None  # by the packets of responses, as sent; but for interim ones
        # Responses whose request is not known, with their packets; few connections have any.
        self._orphans: deque[tuple[int, Exchange]] | None = None
        self._left_out: dict[Side, Undecrypted] = {}
        self._where: tuple[Locator, Locator] | None = None
        self._segments = segments
        self.requests.joined_late = self.responses.joined_late = joined_late
        self.responses.asked = self._asked

    def feed(
        self, client: Iterable[Text | Gap], server: Iterable[Text | Gap], where: tuple[Locator, Locator]
    ) -> None:
        """Take what both sides sent since the last call."""
        if self._where is None:
            self._where = where
            self.requests.begins_segment = where[Side.CLIENT].begins
            self.responses.begins_segment = where[Side.SERVER].begins
            self.requests.locate = where[Side.CLIENT].locate
            self.responses.locate = where[Side.SERVER].locate
        self.requests.feed(client)
        self.responses.feed(server)
        self._resolve(where)

    def _resolve(self, where: tuple[Locator, Locator]) -> None:
        """Give messages their packets and times, and pair them."""
        fresh, self.requests.fresh = self.requests.fresh, []
        _place(fresh, self.requests.finished, where[Side.CLIENT])
        self.requests.finished = []
        if self._orphans:
            for request in fresh:
                self._expect(request)
        else:
            self._due.extend(fresh)
        answers, self.responses.fresh = self.responses.fresh, []
        _place(answers, self.responses.finished, where[Side.SERVER])
        self.responses.finished = []
        self._note_acknowledged(answers)
        if self.responses.noted:
            places = where[Side.SERVER].locate([offset for offset, _ in self.responses.noted])
            for (_, events), packet, time_ns in zip(self.responses.noted, *places, strict=True):
                events.place(packet, time_ns)
            self.responses.noted.clear()
        self._note_left_out(where)
        self._early.extend(answers[self._pair_plain(answers) :])
        paired = 0
        for response in self._early:
            if self._awaits_request(response, where):
                break
            self._pair(response)
            paired += 1
        del self._early[:paired]

    def _pair_plain(self, answers: list[Response]) -> int:
        """Pair final responses with the requests that wait for them, up to the first that is unusual; returns
        how many. ``_pair`` does the same of all.
        """
        due, exchanges = self._due, self.exchanges
        if self._early or self._interim or self.responses.resumed_at:
            return 0
        paired, number = 0, len(exchanges)
        for response in answers:
            if (
                response.status < _FINAL
                or response.framing == "tunnel"
                or not due
                or due[0].packet > response.packet
            ):
                break
            paired += 1
            exchanges.append(Exchange(0, 0, number + paired, due.popleft(), response, "complete"))
        return paired

    def _note_acknowledged(self, answers: list[Response]) -> None:
        """Note what the packets of responses acknowledged, for ``_reunite``: 8 bytes each."""
        starts = [
            response.start for response in answers if response.status >= _FINAL or not _is_interim(response)
        ]
        if starts and self._segments is not None:
            self._acked = self._acked or array("q")
            self._acked.extend(self._segments[Side.SERVER].acknowledged(starts))

    def _note_left_out(self, where: tuple[Locator, Locator]) -> None:
        """Note the offset from which messages are not read, if there is one."""
        if self.requests.left_out_at is None and self.responses.left_out_at is None:
            return
        for side, at in ((Side.CLIENT, self.requests.left_out_at), (Side.SERVER, self.responses.left_out_at)):
            if at is not None and side not in self._left_out:
                (packet,), _ = where[side].locate([at])
                self._left_out[side] = Undecrypted(TOO_MANY, side, packet)

    def _expect(self, request: Request) -> None:
        """Queue a request for its response, or pair it with one that was read first, as after a gap."""
        orphans = self._orphans
        while orphans and orphans[0][0] < request.packet:
            orphans.popleft()
        if orphans:
            orphans.popleft()[1].request = request
        else:
            self._due.append(request)

    def _awaits_request(self, response: Response, where: tuple[Locator, Locator]) -> bool:
        if self._due:
            return False
        if response.status == _SWITCHING and not (self.requests.joined_late or self.requests.lost):
            return True
        begun = self.requests.begun
        if begun is None:
            return False
        (packet,), _ = where[Side.CLIENT].locate([begun])
        return packet <= response.packet

    def _asked(self, start: int) -> str:
        """The method of the last request before the response that begins at ``start``."""
        if self._where is None:
            return ""
        (packet,), _ = self._where[Side.SERVER].locate([start])
        client = self._where[Side.CLIENT]
        for known in (self.requests.fresh, self._due):  # both in the order in which they were sent
            sent = bisect_right(known, packet, key=lambda request: client.locate([request.start])[0][0])
            if sent:
                return known[sent - 1].method
        return ""

    def _pair(self, response: Response) -> None:
        if self.requests.left_out_at is not None and not self._due:
            return  # it may answer a request that was left out
        if _is_interim(response):
            self._interim.append(response)
            return
        resumed = self.responses.resumed_at
        if resumed and response.start in resumed:  # answers to all but the last request were lost
            while len(self._due) > 1 and self._due[1].packet <= response.packet:
                self._add(self._due.popleft(), None, "unseen")
        request = None
        if self._due and (self._due[0].packet <= response.packet or response.status == _SWITCHING):
            request = self._due.popleft()
        elif response.status == _SWITCHING:
            self.requests.state = State.TUNNEL
        self._add(request, response, "complete")

    def _add(self, request: Request | None, response: Response | None, outcome: Outcome) -> None:
        exchange = Exchange(0, 0, len(self.exchanges) + 1, request, response, outcome)
        if self._interim:
            exchange.interim, self._interim = self._interim, []
        self.exchanges.append(exchange)
        if request is None and response is not None:
            self._orphans = self._orphans or deque()
            self._orphans.append((response.packet, exchange))
        if response is not None and response.framing == "tunnel":
            self.switched = exchange
            # What was said of persistence was said of a connection that is another one now (RFC 9110 section
            # 9.3.6); many proxies answer a CONNECT with HTTP/1.0.
            response.close_announced = False
            if request is not None:
                request.close_announced = False

    def tunnelled(self) -> tuple[list[Text | Gap], list[Text | Gap]]:
        """Take what both sides sent after the exchange ``switched``."""
        client, self.requests.tunnelled = self.requests.tunnelled, []
        server, self.responses.tunnelled = self.responses.tunnelled, []
        return client, server

    def looked_up_to(self) -> tuple[int, int]:
        """Offsets of the client's and the server's stream below which nothing will be looked up again."""
        return self.requests.lowest_needed, self.responses.lowest_needed

    def close(self, facts: Connection, where: tuple[Locator, Locator]) -> list[Exchange]:
        """The connection has ended: open exchanges get their outcomes, and all their times."""
        self.requests.close()
        self.responses.close("clean" if _ended_cleanly(facts) else "cut")
        self.responses.asked = None  # else they would hold each other in memory
        self._resolve(where)
        for early in self._early:
            self._pair(early)
        facts.undecrypted += self._left_out.values()
        readers = self.requests, self.responses
        _place_ends([r.current for r in readers if r.current and r.state is not State.DEAD], where)
        while self._due:
            self._add(self._due.popleft(), None, "unanswered")
        if self.responses.left_out_at is not None:  # and what was read of the requests behind says nothing
            while self.exchanges and self.exchanges[-1].response is None:
                self.exchanges.pop()
        self._reunite()
        for exchange in self.exchanges:
            exchange.connection = facts.id
            response = exchange.response
            if response is None or not response.complete:
                exchange.outcome = self._outcome(facts, exchange)
            elif exchange.request is not None and not exchange.request.complete:
                pass  # answered early: RFC 9112 section 9.6
        self._time()
        return self.exchanges

    def _reunite(self) -> None:
        """Pair responses without a request with the requests that their packets acknowledge.

        If the two directions were captured in different places, or by clocks that differ, a response may come
        before its request, and all later ones would stand beside the wrong request. What its sender had
        received by then its acknowledgment tells.
        """
        if self.requests.left_out_at is not None or all(e.request is not None for e in self.exchanges):
            return
        acks = self._acknowledged()
        due = deque(e.request for e in self.exchanges if e.request is not None)
        joined: list[Exchange] = []
        for exchange in self.exchanges:
            request = due[0] if due else None
            if exchange.response is None:
                if exchange.outcome == "unseen" and exchange.request is request:
                    joined.append(exchange)  # its response lies in a hole
                    due.popleft()
                continue
            ack = next(acks, -1)
            if request is not None and (exchange.request is request or ack > request.start):
                joined.append(replace(exchange, request=due.popleft()))
            else:
                joined.append(replace(exchange, request=None))
        if sum(e.request is None for e in joined) >= sum(e.request is None for e in self.exchanges):
            return
        joined += [Exchange(0, 0, 0, request, None, "unanswered") for request in due]
        for ordinal, exchange in enumerate(joined, 1):
            exchange.ordinal = ordinal
        self.exchanges = joined

    def _acknowledged(self) -> Iterator[int]:
        """How much of the client's stream the server had received, at each response; -1: not known."""
        last, origin = 0, self._segments[Side.CLIENT].origin if self._segments is not None else None
        for number in self._acked or ():
            if number < 0 or origin is None:
                yield -1
                continue
            # Numbers wrap; no two responses are 2 GB of requests apart (RFC 9293 section 3.4).
            last += ((number - origin - last + 0x80000000) & 0xFFFFFFFF) - 0x80000000
            yield last

    def _outcome(self, facts: Connection, exchange: Exchange) -> Outcome:
        """The outcome of an exchange without a complete response, by the end of the connection."""
        lost = any(g.side == Side.SERVER for g in facts.gaps) or self.responses.lost
        lost = lost or any(u.side in (None, Side.SERVER) for u in facts.undecrypted)
        if lost or not facts.closes or any(facts.unseen_fins):
            return "unseen"
        if facts.closed_by == Side.CLIENT:
            whole = exchange.response is not None and exchange.response.closing_event_came
            return "complete" if whole else "aborted"
        return "unanswered" if exchange.response is None else "truncated"

    def _time(self) -> None:
        if kernel.compiled is not None:
            kernel.compiled.time(self.exchanges)
            return
        last: int | None = None
        for exchange in self.exchanges:
            request, response = exchange.request, exchange.response
            if request is not None:
                if last is not None:
                    exchange.idle_before_ns = max(0, request.time_ns - last)
                if response is not None:
                    exchange.duration_ns = max(0, response.last_ns - request.time_ns)
                last = max(last or 0, request.last_ns)
            if response is not None:
                last = max(last or 0, response.last_ns)


def _is_interim(response: Response) -> bool:
    """Whether another response to the same request follows (RFC 9110 section 15.2)."""
    return 100 <= response.status < 200 and response.status != _SWITCHING


def _ended_cleanly(facts: Connection) -> bool:
    """Whether the server ended its stream in order: close_notify, or a FIN before any RST."""
    first = next((c for c in facts.closes if c.side == Side.SERVER and c.kind != "alert"), None)
    return first is not None and first.kind in ("close_notify", "fin")


def _place(fresh: list, finished: list, where: Locator) -> None:  # type: ignore[type-arg]
    """Packets and times of first bytes (``fresh``) and of last ones (``finished``, and open heads)."""
    if kernel.compiled is not None:
        if fresh:
            kernel.compiled.place_first(fresh, where.locate)
        if finished:
            kernel.compiled.place_last(finished, where.locate)
        return
    if fresh:
        numbers, times = where.locate([m.start for m in fresh])
        for message, number, time_ns in zip(fresh, numbers, times, strict=True):
            message.packet, message.time_ns = number, time_ns
            message.last_packet, message.last_ns = number, time_ns
    if finished:
        numbers, times = where.locate([m.end - 1 for m in finished])
        for message, number, time_ns in zip(finished, numbers, times, strict=True):
            message.last_packet, message.last_ns = number, time_ns


def _place_ends(current: list[Request | Response], where: tuple[Locator, Locator]) -> None:
    for message in current:
        side = Side.CLIENT if isinstance(message, Request) else Side.SERVER
        numbers, times = where[side].locate([message.end - 1])
        message.last_packet, message.last_ns = numbers[0], times[0]
