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
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from . import primitives

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from plainwire.model import Connection, Exchange, Finding, Request, Response

_NOT_COMPARED = frozenset(("capture-artifact",))
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "CONNECT"))
_PLAIN_SEGMENT = re.compile(r"[A-Za-z_.\-]{1,24}|v\d{1,2}")
_NAME = re.compile(r"[a-z0-9\-_]{1,40}")
_VALUE = re.compile(r"[A-Za-z0-9_./;=,+* \-]{1,60}")
_TOLD_VALUES = frozenset(
    ("accept", "accept-encoding", "cache-control", "connection", "content-type", "expect", "te",
     "transfer-encoding", "user-agent")
)  # fmt: skip
"""Header fields whose values are compared; of any other one only whether it is there."""
_MOST_FIELDS = 40
_NONE = "none"


@dataclass(slots=True)
class Trials:
    """A table of attempts. ``codes``: the cause of each failure, None for a success; ``times`` in ns.

    ``numbers`` (NaN: has none) and ``labels`` hold one list for each feature, as long as ``codes``.
    ``unit`` is what a row is: ``request`` or ``connection``.
    """

    unit: str
    codes: list[str | None] = field(default_factory=list)
    connections: list[int] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    numbers: dict[str, list[float]] = field(default_factory=dict)
    labels: dict[str, list[str]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.codes)

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
            "labels": self.labels,
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
    numbers = {name: None for table in tables for name in table.numbers}
    labels = {name: None for table in tables for name in table.labels}
    highest = 0
    for table in tables:
        count = len(table)
        whole.codes += table.codes
        whole.connections += [highest + number for number in table.connections]
        highest += max(table.connections, default=0)
        whole.times += table.times
        for name in numbers:
            whole.numbers.setdefault(name, []).extend(table.numbers.get(name, [math.nan] * count))
        for name in labels:
            lacking = "no" if name.startswith("field ") else _NONE
            whole.labels.setdefault(name, []).extend(table.labels.get(name, [lacking] * count))
    return whole


def of_requests(
    connections: Iterable[Connection], findings: Sequence[Finding], *, whole: bool = False
) -> Trials:
    """One row for each request that failed, by a finding, or was answered completely.

    Of several requests that one connection took with it the first one counts: that was one event. ``whole``
    keeps header fields that all requests have, for a table that is to be joined with others.
    """
    causes = _causes(findings)
    rows: list[tuple[str | None, Connection, int]] = []
    for connection in connections:
        taken: set[str] = set()
        for place, exchange in enumerate(connection.exchanges):
            code = causes.get(exchange.id)
            complete = exchange.outcome == "complete"
            if (
                exchange.request is None
                or exchange.pushed
                or (code is None and not complete)
                or code in taken
            ):
                continue
            if code is not None and not complete:
                taken.add(code)
            rows.append((code, connection, place))
    return _table(rows, whole=whole)


def _causes(findings: Sequence[Finding]) -> dict[int, str]:
    causes: dict[int, str] = {}
    for finding in findings:
        if finding.failure and finding.code not in _NOT_COMPARED:
            for number in finding.exchanges:
                causes.setdefault(number, finding.code)
    return causes


def _table(rows: list[tuple[str | None, Connection, int]], *, whole: bool) -> Trials:
    table = Trials("request")
    seen: dict[int, str] = {}  # processes by their ids, numbered
    for code, connection, place in rows:
        exchange = connection.exchanges[place]
        request = exchange.request
        if request is None:
            continue
        previous = connection.exchanges[place - 1] if place else None
        table.codes.append(code)
        table.connections.append(connection.id)
        table.times.append(request.time_ns)
        for name, number in _numbers(connection, exchange, request, previous).items():
            table.numbers.setdefault(name, []).append(number)
        for name, label in _labels(connection, request, previous, seen).items():
            table.labels.setdefault(name, []).append(label)
    if rows:
        first = min(table.times)
        table.numbers["time"] = [(time - first) / 1e9 for time in table.times]
        table.numbers["concurrency"] = _concurrency(rows)
        table.labels.update(_fields([c.exchanges[place].request for _, c, place in rows], whole=whole))
    return table


def _numbers(
    connection: Connection, exchange: Exchange, request: Request, previous: Exchange | None
) -> dict[str, float]:
    idle = exchange.idle_before_ns
    whole = not connection.mid_stream
    before = previous.response if previous is not None else None
    return {
        "idle_before": math.nan if idle is None else idle / 1e9,
        "ordinal": float(exchange.ordinal) if whole else math.nan,
        "age": (request.time_ns - connection.opened_ns) / 1e9 if whole else math.nan,
        "sent_before": float(request.start) if whole else math.nan,
        "request_size": float(
            request.declared_size if request.declared_size is not None else request.body_size
        ),
        "header_size": float(sum(len(name) + len(value) + 4 for name, value in request.headers)),
        "response_size": _declared(exchange.response),
        "previous_size": math.nan if before is None else float(before.body_size),
        "previous_duration": math.nan
        if previous is None or previous.duration_ns is None
        else previous.duration_ns / 1e9,
        "round_trip": math.nan if connection.rtt_syn_ns is None else connection.rtt_syn_ns / 1e9,
    }


def _declared(response: Response | None) -> float:
    if response is None:
        return math.nan
    return math.nan if response.declared_size is None else float(response.declared_size)


def _labels(
    connection: Connection, request: Request, previous: Exchange | None, seen: dict[int, str]
) -> dict[str, str]:
    tls, program = connection.tls, connection.program
    before = previous.response if previous is not None else None
    asked = previous.request if previous is not None else None
    certificate = tls.certificate if tls is not None else b""
    return {
        "server": str(connection.server),
        "client": connection.client.address,
        "port": "even" if connection.client.port % 2 == 0 else "odd",
        "reused": "no" if previous is None else "yes",
        "resumed": _NONE if tls is None or tls.resumed is None else "yes" if tls.resumed else "no",
        "tls": (tls.version or _NONE) if tls is not None else _NONE,
        "protocol": connection.application or _NONE,
        "certificate": f"{zlib.crc32(certificate):08x}" if certificate else _NONE,
        "process": _NONE if program is None else seen.setdefault(program.pid, f"{len(seen) + 1}"),
        "method": request.method if request.method in _METHODS else "another",
        "path": template(request.target),
        "query": "yes" if "?" in request.target else "no",
        "previous_status": _NONE if before is None else f"{before.status}",
        "previous_method": _NONE
        if asked is None
        else asked.method
        if asked.method in _METHODS
        else "another",
        "previous_close": "yes" if before is not None and before.close_announced else "no",
    }


def template(target: str) -> str:
    """Return a request target without what differs from call to call: ``/v1/users/{}/items``.

    What is left is safe to print, and holds neither a query nor anything that looks like a secret.
    """
    path = target.partition("?")[0].partition("#")[0]
    if "://" in path:
        path = "/" + path.partition("://")[2].partition("/")[2]
    segments = path.split("/")[1:9]
    return "/" + "/".join(part if not part or _PLAIN_SEGMENT.fullmatch(part) else "{}" for part in segments)


def _concurrency(rows: list[tuple[str | None, Connection, int]]) -> list[float]:
    """How many other requests were open when each one was sent."""
    exchanges = [connection.exchanges[place] for _, connection, place in rows]
    starts = np.array([e.request.time_ns if e.request else 0 for e in exchanges], dtype=np.int64)
    ends = np.array([primitives.finished_ns(e) for e in exchanges], dtype=np.int64)
    begun = np.searchsorted(np.sort(starts), starts, side="right")
    over = np.searchsorted(np.sort(ends), starts, side="left")
    others: list[float] = np.maximum(begun - over - 1, 0).astype(float).tolist()
    return others


def _fields(requests: Sequence[Request | None], *, whole: bool) -> dict[str, list[str]]:
    """Header fields that only some requests have, and a few whose values differ."""
    fields = [{name.lower(): value for name, value in r.headers} if r else {} for r in requests]
    counts = Counter(name for found in fields for name in found)
    names = [name for name, _ in counts.most_common() if _NAME.fullmatch(name)]
    columns: dict[str, list[str]] = {}
    for name in names:
        if name in _TOLD_VALUES:
            values = [found.get(name, _NONE) for found in fields]
            columns[f"value of {name}"] = [v if _VALUE.fullmatch(v) else "another" for v in values]
        if (whole or counts[name] < len(fields)) and len(columns) < _MOST_FIELDS:
            columns[f"field {name}"] = ["yes" if name in found else "no" for found in fields]
    return columns


def of_connections(
    connections: Iterable[Connection], findings: Sequence[Finding], *, whole: bool = False
) -> Trials:
    """One row for each connection that came about, or failed to, by a finding without exchanges.

    Empty where none failed, unless it is to be joined with the tables of other runs (``whole``).
    """
    causes: dict[int, str] = {}
    for finding in findings:
        if finding.failure and not finding.exchanges and finding.code not in _NOT_COMPARED:
            for number in finding.connections:
                causes.setdefault(number, finding.code)
    table = Trials("connection")
    if not causes and not whole:
        return table
    rows = [c for c in connections if c.id in causes or (c.established and c.exchanges and not c.mid_stream)]
    first = min((c.opened_ns for c in rows), default=0)
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
        labels = {
            "server": server,
            "client": connection.client.address,
            "port": "even" if connection.client.port % 2 == 0 else "odd",
            "name_asked": "yes" if tls is not None and tls.server_name else "no",
            "process": _NONE if program is None else seen.setdefault(program.pid, f"{len(seen) + 1}"),
        }
        for name, measure in measured.items():
            table.numbers.setdefault(name, []).append(measure)
        for name, label in labels.items():
            table.labels.setdefault(name, []).append(label)
    return table
