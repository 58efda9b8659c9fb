"""One row for each attempt: how it ended, and what was known of it before it did.

A feature must not depend on how the attempt ended. So nothing is taken from the response but the size that
it declared, and of the connection only what came before the request.

A table holds columns, not an object for each row: there may be very many. Tables of several runs join.
"""

from __future__ import annotations

import math
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Generic, TypeVar, overload

from msgspec import Struct, field

from plainwire.arrays import np
from plainwire.diagnose.evidence.exchanges import ERROR_STATUS, finished_ns
from plainwire.diagnose.evidence.targets import template
from plainwire.model import ACK, Side

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from plainwire.model import Connection, Exchange, Finding, Request, Response

    _Row = tuple[str | None, Connection, Exchange, Request, Exchange | None]
    """The cause of its failure, where it was, and the exchange before it on the connection."""

_Value = TypeVar("_Value")
_Of = TypeVar("_Of")

_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "CONNECT"))

_NAME = re.compile(r"[a-z0-9\-_]{1,40}")

_VALUE = re.compile(r"[A-Za-z0-9_./;=,+* \-]{1,60}")

_TOLD_VALUES = frozenset(
    ("accept", "accept-encoding", "cache-control", "connection", "content-type", "expect", "te",
     "transfer-encoding", "user-agent")
)  # fmt: skip
"""Header fields whose values are compared; of any other one only whether it is there."""

_MOST_FIELDS = 40

NONE = "none"
"""The level of what an attempt does not have."""

_NAN = math.nan


class Trials(Struct):
    """A table of attempts. ``codes``: the cause of each failure, None for a success; ``times`` in ns.

    ``numbers`` (NaN: has none) and ``labels`` hold one column for each feature, as long as ``codes``.
    ``unit`` is what a row is: ``request`` or ``connection``.
    """

    unit: str
    codes: list[str | None] = field(default_factory=list)
    connections: list[int] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    numbers: dict[str, Sequence[float]] = field(default_factory=dict)
    labels: dict[str, Sequence[str]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.codes)

    def rows(self, places: Sequence[int]) -> Trials:
        """A table of the rows at these places."""
        return Trials(
            self.unit,
            [self.codes[place] for place in places],
            [self.connections[place] for place in places],
            [self.times[place] for place in places],
            {name: [column[place] for place in places] for name, column in self.numbers.items()},
            {name: [column[place] for place in places] for name, column in self.labels.items()},
        )

    def as_dict(self) -> dict[str, Any]:
        """The table as values that JSON knows; NaN becomes None."""
        numbers = {
            name: [None if math.isnan(value) else value for value in column]
            for name, column in self.numbers.items()
        }
        return {
            "unit": self.unit,
            "codes": self.codes,
            "connections": self.connections,
            "times": self.times,
            "numbers": numbers,
            "labels": {name: list(column) for name, column in self.labels.items()},
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Trials:
        """Read what ``as_dict`` gave."""
        numbers = {
            name: [math.nan if value is None else value for value in column]
            for name, column in values["numbers"].items()
        }
        return cls(**{**values, "numbers": numbers})


def join(tables: Sequence[Trials]) -> Trials:
    """Tables of several runs in one; a feature that a table lacks is missing in its rows.

    Such tables are to be ``whole``: a header field that all requests of a run have is a feature of that run.
    """
    whole = Trials(tables[0].unit if tables else "request")
    numbers: dict[str, list[float]] = {name: [] for table in tables for name in table.numbers}
    labels: dict[str, list[str]] = {name: [] for table in tables for name in table.labels}
    highest = 0
    for table in tables:
        count = len(table)
        whole.codes += table.codes
        whole.connections += [highest + number for number in table.connections]
        highest += max(table.connections, default=0)
        whole.times += table.times
        for name, measures in numbers.items():
            measures.extend(table.numbers.get(name, [math.nan] * count))
        for name, words in labels.items():
            lacking = "no" if name.startswith("field ") else NONE
            words.extend(table.labels.get(name, [lacking] * count))
    whole.numbers, whole.labels = {**numbers}, {**labels}
    return whole


def of_requests(
    connections: Iterable[Connection], findings: Sequence[Finding], *, whole: bool = False
) -> Trials:
    """One row for each request that failed, by a finding, or was answered completely.

    Of several requests that one connection took with it the first one counts: that was one event. ``whole``
    keeps header fields that all requests have, for a table that is to be joined with others.
    """
    causes = causes_of_requests(findings)
    rows: list[_Row] = []
    for connection in connections:
        taken: set[str] = set()
        previous: Exchange | None = None
        for exchange in connection.exchanges:
            code, request = causes.get(exchange.id), exchange.request
            complete = exchange.outcome == "complete"
            wanted = complete if code is None else code not in taken
            if wanted and request is not None and not exchange.pushed:
                if code is not None and not complete:
                    taken.add(code)
                rows.append((code, connection, exchange, request, previous))
            previous = exchange
    return _table(rows, whole=whole)


def causes_of_requests(findings: Iterable[Finding]) -> dict[int, str]:
    """Return why each exchange failed that a finding calls failed; the first finding counts."""
    causes: dict[int, str] = {}
    for finding in findings:
        if finding.failure:
            for number in finding.exchanges:
                causes.setdefault(number, finding.code)
    return causes


class _Column(Sequence[_Value], Generic[_Of, _Value]):
    """A column that is computed where it is looked at: of many rows a comparison samples a few thousand."""

    def __init__(self, rows: Sequence[_Of], of: Callable[[_Of], _Value]) -> None:
        self._rows = rows
        self._of = of

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, place: int) -> _Value: ...
    @overload
    def __getitem__(self, place: slice) -> list[_Value]: ...
    def __getitem__(self, place: int | slice) -> _Value | list[_Value]:
        if isinstance(place, slice):
            return [self._of(row) for row in self._rows[place]]
        return self._of(self._rows[place])

    def __iter__(self) -> Iterator[_Value]:
        return map(self._of, self._rows)


def _table(rows: list[_Row], *, whole: bool) -> Trials:
    table = Trials(
        "request",
        codes=[code for code, _, _, _, _ in rows],
        connections=[connection.id for _, connection, _, _, _ in rows],
        times=[request.time_ns for _, _, _, request, _ in rows],
    )
    if rows:
        table.numbers = {name: _Column(rows, of) for name, of in _NUMBERS.items()}
        table.numbers["concurrency"] = _concurrency(rows)
        first = min(table.times)
        table.numbers["time"] = _Column(table.times, lambda time: (time - first) / 1e9)
        table.labels = {**_labels(rows), **_labels_of_connections(rows)}
        table.labels.update(_fields([request for _, _, _, request, _ in rows], whole=whole))
    if whole:
        table.numbers = {name: list(column) for name, column in table.numbers.items()}
        table.labels = {name: list(column) for name, column in table.labels.items()}
    return table


def _seconds(nanoseconds: int | None) -> float:
    return _NAN if nanoseconds is None else nanoseconds / 1e9


def _declared(response: Response | None) -> float:
    # The size of an error's page is the failure's, not its cause.
    if response is None or response.status >= ERROR_STATUS:
        return _NAN
    return _NAN if response.declared_size is None else float(response.declared_size)


def _size_of_header(row: _Row) -> float:
    return float(sum([len(name) + len(value) + 4 for name, value in row[3].headers]))


def _size_of_request(row: _Row) -> float:
    request = row[3]
    return float(request.body_size if request.declared_size is None else request.declared_size)


def _before(row: _Row) -> Exchange | None:
    return row[-1]


def _response_before(row: _Row) -> Response | None:
    previous = _before(row)
    return None if previous is None else previous.response


def _duration_before(row: _Row) -> float:
    previous = _before(row)
    return _NAN if previous is None else _seconds(previous.duration_ns)


def _method_before(row: _Row) -> str:
    previous = _before(row)
    return NONE if previous is None else _method(previous.request)


def _size_before(row: _Row) -> float:
    before = _response_before(row)
    return _NAN if before is None else float(before.body_size)


_NUMBERS: dict[str, Callable[[_Row], float]] = {
    "idle_before": lambda row: _seconds(row[2].idle_before_ns),
    "ordinal": lambda row: _NAN if row[1].mid_stream else float(row[2].ordinal),
    "age": lambda row: _NAN if row[1].mid_stream else (row[3].time_ns - row[1].opened_ns) / 1e9,
    "sent_before": lambda row: _NAN if row[1].mid_stream else float(row[3].start),
    "request_size": _size_of_request,
    "header_size": _size_of_header,
    "response_size": lambda row: _declared(row[2].response),
    "previous_size": _size_before,
    "previous_duration": _duration_before,
    "round_trip": lambda row: _seconds(row[1].rtt_syn_ns),
}


def _labels(rows: list[_Row]) -> dict[str, Sequence[str]]:
    templates: dict[str, str] = {}

    def path(row: _Row) -> str:
        target = row[3].target
        if target not in templates:
            templates[target] = template(target)
        return templates[target]

    def query(row: _Row) -> str:
        _, _, _, request, _ = row
        return "yes" if "?" in request.target else "no"

    def status(row: _Row) -> str:
        before = _response_before(row)
        return NONE if before is None else f"{before.status}"

    def close(row: _Row) -> str:
        before = _response_before(row)
        return "yes" if before is not None and before.close_announced else "no"

    made: dict[str, Callable[[_Row], str]] = {
        "reused": lambda row: "no" if _before(row) is None else "yes",
        "method": lambda row: _method(row[3]),
        "path": path,
        "query": query,
        "previous_status": status,
        "previous_method": _method_before,
        "previous_close": close,
    }
    return {name: _Column(rows, of) for name, of in made.items()}


def _method(request: Request | None) -> str:
    if request is None:
        return NONE
    return request.method if request.method in _METHODS else "another"


def _labels_of_connections(rows: list[_Row]) -> dict[str, Sequence[str]]:
    """What all requests of a connection share."""
    seen: dict[int, str] = {}  # processes by their ids, numbered
    known = {c.id: _of_connection(c, seen) for c in {c.id: c for _, c, _, _, _ in rows}.values()}
    names = next(iter(known.values()))

    def column(name: str) -> Sequence[str]:
        return _Column(rows, lambda row: known[row[1].id][name])

    return {name: column(name) for name in names}


def _of_connection(connection: Connection, seen: dict[int, str]) -> dict[str, str]:
    tls, program = connection.tls, connection.program
    certificate = tls.certificate if tls is not None else b""
    return {
        "server": str(connection.server),
        "client": connection.client.address,
        "port": "even" if connection.client.port % 2 == 0 else "odd",
        "resumed": NONE if tls is None or tls.resumed is None else "yes" if tls.resumed else "no",
        "tls": (tls.version or NONE) if tls is not None else NONE,
        "protocol": connection.application or NONE,
        "certificate": f"{zlib.crc32(certificate):08x}" if certificate else NONE,
        "process": NONE if program is None else seen.setdefault(program.pid, f"{len(seen) + 1}"),
        "ttl": _ttl(connection),
    }


def _ttl(connection: Connection) -> str:
    """The TTL, or hop limit, of the SYN-ACK: of a packet from before any request."""
    return next((f"{s.ttl}" for s in connection.syns if s.side is Side.SERVER and s.flags & ACK), NONE)


def _concurrency(rows: list[_Row]) -> list[float]:
    """How many other requests were open when each one was sent."""
    exchanges = [exchange for _, _, exchange, _, _ in rows]
    starts = np.array([request.time_ns for _, _, _, request, _ in rows], dtype=np.int64)
    ends = np.array([finished_ns(e) for e in exchanges], dtype=np.int64)
    begun = np.searchsorted(np.sort(starts), starts, side="right")
    over = np.searchsorted(np.sort(ends), starts, side="left")
    others: list[float] = np.maximum(begun - over - 1, 0).astype(float).tolist()
    return others


def _fields(requests: Sequence[Request], *, whole: bool) -> dict[str, Sequence[str]]:
    """Header fields that only some requests have, and a few whose values differ."""
    shapes: dict[tuple[str, ...], dict[str, int]] = {}  # names as they are written: where each one is
    of_rows: list[dict[str, int]] = []
    for request in requests:
        written = tuple([name for name, _ in request.headers])
        shape = shapes.get(written)
        if shape is None:
            shape = shapes[written] = {name.lower(): place for place, name in enumerate(written)}
        of_rows.append(shape)
    of_shapes = Counter(map(id, of_rows))
    counts: Counter[str] = Counter()
    for shape in shapes.values():
        for name in shape:
            counts[name] += of_shapes[id(shape)]
    names = [name for name, _ in counts.most_common() if _NAME.fullmatch(name)]
    columns: dict[str, Sequence[str]] = {}
    for name in names:
        if name in _TOLD_VALUES:
            columns[f"value of {name}"] = _values(name, list(zip(of_rows, requests, strict=True)))
        if (whole or counts[name] < len(requests)) and len(columns) < _MOST_FIELDS:
            columns[f"field {name}"] = _having(name, of_rows)
    return columns


def _having(name: str, of_rows: Sequence[dict[str, int]]) -> Sequence[str]:
    return _Column(of_rows, lambda shape: "yes" if name in shape else "no")


def _values(name: str, rows: Sequence[tuple[dict[str, int], Request]]) -> Sequence[str]:
    told: dict[str, str] = {}

    def value(row: tuple[dict[str, int], Request]) -> str:
        place = row[0].get(name)
        if place is None:
            return NONE
        text = row[1].headers[place][1]
        if text not in told:
            told[text] = text if _VALUE.fullmatch(text) else "another"
        return told[text]

    return _Column(rows, value)


def of_connections(
    connections: Iterable[Connection], findings: Sequence[Finding], *, whole: bool = False
) -> Trials:
    """One row for each connection that was established, or failed to be, by a finding without exchanges.

    Empty where none failed, unless it is to be joined with the tables of other runs (``whole``).
    """
    causes: dict[int, str] = {}
    for finding in findings:
        if finding.failure and not finding.exchanges:
            for number in finding.connections:
                causes.setdefault(number, finding.code)
    table = Trials("connection")
    if not causes and not whole:
        return table
    rows = [c for c in connections if c.id in causes or (c.established and c.exchanges and not c.mid_stream)]
    first = min((c.opened_ns for c in rows), default=0)
    numbers: dict[str, list[float]] = {}
    labels: dict[str, list[str]] = {}
    latest: dict[str, int] = {}
    seen: dict[int, str] = {}
    for connection in sorted(rows, key=lambda c: c.opened_ns):
        tls, program, server = connection.tls, connection.program, str(connection.server)
        table.codes.append(causes.get(connection.id))
        table.connections.append(connection.id)
        table.times.append(connection.opened_ns)
        since = latest.get(server)
        measured = {
            "time": (connection.opened_ns - first) / 1e9,
            "since_connection": math.nan if since is None else (connection.opened_ns - since) / 1e9,
        }
        latest[server] = connection.opened_ns
        told = {
            "server": server,
            "client": connection.client.address,
            "port": "even" if connection.client.port % 2 == 0 else "odd",
            "name_asked": NONE if tls is None else "yes" if tls.server_name else "no",
            "process": NONE if program is None else seen.setdefault(program.pid, f"{len(seen) + 1}"),
        }
        for name, measure in measured.items():
            numbers.setdefault(name, []).append(measure)
        for name, label in told.items():
            labels.setdefault(name, []).append(label)
    table.numbers, table.labels = {**numbers}, {**labels}
    return table
