"""One look at every exchange: what the rules of family E may want to know more about."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct, field

from plainwire.diagnose.evidence.as_the_client_saw import left_on_status
from plainwire.diagnose.evidence.captured import is_damaged
from plainwire.diagnose.evidence.exchanges import ERROR_STATUS, REDIRECTS, SERVER_ERROR_STATUS
from plainwire.diagnose.thresholds import DRAWN_OUT_NS, LONG_NS
from plainwire.model import Side

from .copies import twin
from .repetitions import made_good, series

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainwire.model import Connection, Endpoint, Exchange, Grpc, Request, Response

    from .copies import Twin
    from .traffic import Traffic


_MOST_LATER = 50

_MOST_NEAR = 400

_PARTIAL, _REDIRECTION, _NOT_MODIFIED = 206, 300, 304
"""RFC 9110 sections 15.3.7, 15.4 and 15.4.5."""

_NAMES = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}|[0-9a-fA-F]{16,}|\d+")


class Answered(Struct, frozen=True):
    """An answered exchange, and where it stands."""

    connection: Connection
    exchange: Exchange
    request: Request
    response: Response

    @property
    def first_byte_ns(self) -> int:
        """From the request's last byte to the response's first."""
        return self.response.time_ns - self.request.last_ns


def _took_an_answer(connection: Connection, exchange: Exchange) -> bool:
    return exchange.outcome == "complete" or left_on_status(connection, exchange)


class Tally(Struct):
    """How often each request (method and target) was answered by one server address, and how badly."""

    all: Counter[tuple[str, str]] = field(default_factory=Counter)
    bad: Counter[tuple[str, str]] = field(default_factory=Counter)  # with 500 and more
    count: int = 0  # of ``all``
    count_bad: int = 0
    good_ns: list[int] = field(default_factory=list)  # when the good ones were sent, in order


class AnsweredExchanges:
    """The exchanges that are not plainly healthy, and what they are to be compared with."""

    def __init__(self, traffic: Traffic) -> None:
        self.traffic = traffic
        self._of_twin: dict[Twin, tuple[list[Answered], list[Answered]]] = {}
        self.errors: list[Answered] = []  # status of 400 and more
        self.redirects: list[Answered] = []
        self.slow: list[Answered] = []
        self.resent: list[Answered] = []  # on connections on which the client sent bytes again
        self.broken: list[Answered] = []  # what the response says of itself does not hold
        self.unasked: list[tuple[Connection, int]] = []
        self.parts: list[Answered] = []  # of a representation (206)
        self.calls: list[Answered] = []  # of gRPC, whose status is not OK
        self.odd_calls: list[Answered] = []  # of gRPC with status OK, and messages that are cut or flagged
        self.streams: list[Answered] = []  # of events
        self.upgrades: list[Answered] = []  # requests for a WebSocket that did not become one
        self.overtaking: list[tuple[Connection, int]] = []  # sent before the response to the one before
        for connection in traffic.connections:
            again = connection.retransmissions[Side.CLIENT] > 0
            due_ns = 0  # when the response to the request before began
            for index, exchange in enumerate(connection.exchanges):
                request, response = exchange.request, exchange.response
                self._overtakes(connection, index, due_ns)
                due_ns = 0 if response is None or request is None else response.time_ns
                if response is None:
                    continue
                if request is None:
                    self.unasked.append((connection, index))
                    continue
                if request.method == "CONNECT" or not _took_an_answer(connection, exchange):
                    continue
                if exchange.grpc is not None:
                    self._call(Answered(connection, exchange, request, response), exchange.grpc)
                if response.event_stream is not None:
                    self.streams.append(Answered(connection, exchange, request, response))
                if request.for_websocket and exchange.websocket is None:
                    self.upgrades.append(Answered(connection, exchange, request, response))
                status = response.status
                long = exchange.duration_ns
                if (
                    (status >= _REDIRECTION and status != _NOT_MODIFIED)
                    or status == _PARTIAL
                    or response.defects
                    or (response.content is not None and response.content.defect)
                    or (long is not None and long >= LONG_NS)
                    or again
                ):
                    self._sort(Answered(connection, exchange, request, response), again=again)

    def _call(self, case: Answered, grpc: Grpc) -> None:
        if grpc.status != 0:
            self.calls.append(case)
        elif grpc.missing or grpc.compressed:
            self.odd_calls.append(case)

    def _overtakes(self, connection: Connection, index: int, due_ns: int) -> None:
        """Note a request of HTTP/1 that left before the response to the one before had begun."""
        exchange = connection.exchanges[index]
        early = exchange.request is not None and exchange.request.time_ns < due_ns
        if early and exchange.protocol == "http/1.1":
            self.overtaking.append((connection, index))

    def _sort(self, case: Answered, *, again: bool) -> None:
        status, long = case.response.status, case.exchange.duration_ns or 0
        if status >= ERROR_STATUS:
            self.errors.append(case)
        elif status in REDIRECTS:
            self.redirects.append(case)
        elif status == _PARTIAL:
            self.parts.append(case)
        if long >= LONG_NS:
            self.slow.append(case)
        if again and long >= DRAWN_OUT_NS:
            self.resent.append(case)
        content = case.response.content
        defect = case.response.defects or (content is not None and content.defect)
        if defect and not is_damaged(case.connection, case.exchange):
            self.broken.append(case)

    @property
    def remarkable(self) -> bool:
        """Whether any of the lists above holds an exchange."""
        return bool(
            self.errors
            or self.redirects
            or self.slow
            or self.resent
            or self.broken
            or self.parts
            or self.unasked
            or self.calls
            or self.odd_calls
            or self.streams
            or self.upgrades
            or self.overtaking
        )

    @cached_property
    def answered(self) -> list[Answered]:
        """All answered exchanges, by time of the request."""
        found = [
            Answered(connection, exchange, exchange.request, exchange.response)
            for connection in self.traffic.connections
            for exchange in connection.exchanges
            if exchange.request is not None
            and exchange.response is not None
            and _took_an_answer(connection, exchange)
        ]
        found.sort(key=lambda case: case.request.time_ns)
        return found

    @property
    def last_of_connection(self) -> Iterator[Answered]:
        """The last exchange of each connection, where it is complete."""
        for connection in self.traffic.connections:
            last = connection.exchanges[-1] if connection.exchanges else None
            if last is not None and last.outcome == "complete" and last.request and last.response:
                yield Answered(connection, last, last.request, last.response)

    @cached_property
    def by_place(self) -> dict[tuple[str, str, str | None], list[Answered]]:
        """Answered exchanges of one method, path (numbers left out) and authority, by time."""
        found: dict[tuple[str, str, str | None], list[Answered]] = {}
        for case in self.answered:
            found.setdefault(place(case.request), []).append(case)
        return found

    @cached_property
    def by_twin(self) -> dict[Twin, list[Answered]]:
        """Answered exchanges of each request (method, target, authority, body), by time."""
        found: dict[Twin, list[Answered]] = {}
        for case in self.answered:
            found.setdefault(twin(case.request), []).append(case)
        return found

    @cached_property
    def _of_target(self) -> dict[str, list[Answered]]:
        """Answered exchanges of one target, by time."""
        found: dict[str, list[Answered]] = {}
        for case in self.answered:
            found.setdefault(case.request.target, []).append(case)
        return found

    def of_twin(self, request: Request) -> tuple[list[Answered], list[Answered]]:
        """Answered exchanges of one request (method, target, authority, body), by time; and the successes.

        What sets requests to one target apart is looked at once any of them is asked for: of most none is.
        """
        for case in self._of_target.pop(request.target, ()):
            same, good = self._of_twin.setdefault(twin(case.request), ([], []))
            same.append(case)
            if case.response.status < ERROR_STATUS:
                good.append(case)
        return self._of_twin.get(twin(request), ([], []))

    def of_targets(self, targets: set[str]) -> dict[str, list[Answered]]:
        """Answered exchanges of some targets, by any method, by time."""
        found: dict[str, list[Answered]] = {}
        for connection in self.traffic.connections:
            for exchange in connection.exchanges:
                request, response = exchange.request, exchange.response
                if request is not None and request.target in targets and response is not None:
                    found.setdefault(request.target, []).append(
                        Answered(connection, exchange, request, response)
                    )
        for cases in found.values():
            cases.sort(key=_sent)
        return found

    @cached_property
    def tallies(self) -> dict[Endpoint, Tally]:
        """Of each server address: what was answered well, and which requests were not."""
        found: dict[Endpoint, Tally] = {}
        for case in self.answered:
            server = case.connection.server
            tally = found.get(server)
            if tally is None:
                tally = found[server] = Tally()
            name = case.request.method, case.request.target
            tally.all[name] += 1
            tally.count += 1
            if case.response.status >= SERVER_ERROR_STATUS:
                tally.bad[name] += 1
                tally.count_bad += 1
            elif case.response.status < ERROR_STATUS:
                tally.good_ns.append(case.request.time_ns)
        return found

    def later(self, case: Answered) -> list[Answered]:
        """The next answers to the same request sent again."""
        same, _ = self.of_twin(case.request)
        begin = bisect_right(same, case.request.time_ns, key=_sent)
        return same[begin : begin + _MOST_LATER]

    def succeeded_later(self, case: Answered) -> Answered | None:
        """The first success of the same request, sent again after this response at any time."""
        _, good = self.of_twin(case.request)
        begin = bisect_right(good, case.request.time_ns, key=_sent)
        return good[begin] if begin < len(good) else None

    def retried_with_success(self, case: Answered) -> Answered | None:
        """The success of the same request that was sent again because of this response.

        A request that this traffic repeats anyhow, about as quickly, is one of its own (``repetitions``).
        """
        return self.succeeded_later(case) if case.exchange.id in self._made_good else None

    @cached_property
    def _made_good(self) -> set[int]:
        """The refused attempts of operations that succeeded."""
        found = (
            each
            for each in series(self.traffic.connections, set(), self.traffic.spoken)
            if made_good(each, set())
        )
        return {attempt.exchange.id for each in found for attempt in each.attempts[:-1]}

    def open_at(self, case: Answered) -> tuple[int, int]:
        """How many accepted requests its server was at when it came, and how many at most at any time."""
        begun, ended, most = self._spans[case.connection.server]
        at = case.request.time_ns
        return bisect_right(begun, at) - bisect_right(ended, at), most

    @cached_property
    def _spans(self) -> dict[Endpoint, tuple[list[int], list[int], int]]:
        """By server: when accepted requests began and ended, and how many were open at once."""
        found: dict[Endpoint, tuple[list[int], list[int], int]] = {}
        for server, connections in self.traffic.by_server.items():
            spans = [
                (e.request.time_ns, e.response.last_ns)
                for c in connections
                for e in c.exchanges
                if e.request is not None and e.response is not None and e.response.status < ERROR_STATUS
            ]
            begun, ended = sorted(b for b, _ in spans), sorted(e for _, e in spans)
            most = max((n + 1 - bisect_right(ended, at) for n, at in enumerate(begun)), default=0)
            found[server] = begun, ended, most
        return found

    def neighbours(self, case: Answered) -> list[Answered]:
        """Responses of the same server to requests of the same kind: the nearest by time, without itself."""
        same = self.by_place[place(case.request)]
        middle = bisect_right(same, case.request.time_ns, key=_sent)
        near = same[max(0, middle - _MOST_NEAR) : middle + _MOST_NEAR]
        return [
            c
            for c in near
            if c.connection.server == case.connection.server and c.exchange is not case.exchange
        ]


def _sent(case: Answered) -> int:
    return case.request.time_ns


def place(request: Request) -> tuple[str, str, str | None]:
    """Method, path without query and without numbers and identifiers, authority."""
    path = request.target.partition("?")[0]
    return request.method, _NAMES.sub("*", path), request.authority
