"""Chrome's trace event format in JSON, which Perfetto (ui.perfetto.dev) opens: a track for each connection.

Requests that overlap on one connection (HTTP/2, pipelining) are on further tracks of it; closes are instants;
arrows lead from a failed attempt to the next request for the same target. Times count from the first packet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from plainwire.export import told
from plainwire.export.timing import phases, setup_steps
from plainwire.report import terminal
from plainwire.report.escape import printable, printable_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainwire.model import Connection, Exchange, Report

_PROCESS = 1
_TRACKS = 1000
"""Track numbers reserved for each connection."""

Json = dict[str, Any]


def encoded(report: Report) -> Iterator[bytes]:
    """The trace in parts."""
    begin = min((connection.opened_ns for connection in report.connections), default=0)
    head = {"displayTimeUnit": "ms", "otherData": {"begin": told.moment(begin)}}
    yield orjson.dumps(head)[:-1] + b',"traceEvents":[\n'
    yield orjson.dumps(_named("process_name", 0, "plainwire"))
    for event in _events(told.Told(report)):
        if "ts" in event:
            event["ts"] = (event["ts"] - begin) / 1000
        yield b",\n" + printable_json(orjson.dumps(event))
    yield b"\n]}\n"


def _events(known: told.Told) -> Iterator[Json]:
    """Events whose ``ts`` are still ns since the epoch."""
    places: dict[int, tuple[int, int, int]] = {}
    for connection in known.report.connections:
        yield from _connection(connection)
        free: list[int] = []
        for exchange in connection.exchanges:
            place = _place(exchange, connection, free)
            if place is not None:
                places[exchange.id] = place
                yield _exchange(exchange, place, known)
        for lane in range(1, len(free)):
            yield _named("thread_name", _track(connection, lane), f"{_title(connection)} ({lane + 1})")
    for number, (before, after) in enumerate(known.retried(), 1):
        if before.id in places and after.id in places:
            yield from _arrow(number, places[before.id], places[after.id])


def _connection(connection: Connection) -> Iterator[Json]:
    track = _track(connection, 0)
    yield _named("thread_name", track, _title(connection))
    yield {**_named("thread_sort_index", track, ""), "args": {"sort_index": track}}
    for name, begin, end in setup_steps(connection):
        if begin is not None and end is not None:
            yield _span(name, "setup", track, begin, end, {})
    for close in connection.closes:
        yield {
            "name": f"{close.kind} from the {close.side.name.lower()}",
            "cat": "close",
            "ph": "i",
            "s": "t",
            "pid": _PROCESS,
            "tid": track,
            "ts": close.time_ns,
            "args": {"packet": close.packet},
        }


def _title(connection: Connection) -> str:
    name = connection.tls.server_name if connection.tls is not None else None
    return (
        f"{connection.id}: {printable(name, 60) if name else connection.server} from {connection.client.port}"
    )


def _place(exchange: Exchange, connection: Connection, free: list[int]) -> tuple[int, int, int] | None:
    """Track, begin and end (ns): the connection's first track that is free at that time."""
    times = phases(exchange, connection)
    if exchange.request is None or times is None:
        return None
    begin, end = exchange.request.time_ns, times.begin_ns + times.total
    lane = next((lane for lane, until in enumerate(free) if until <= begin), len(free))
    if lane == len(free):
        free.append(end)
    free[lane] = max(end, begin)
    return _track(connection, min(lane, _TRACKS - 1)), begin, max(end, begin)


def _exchange(exchange: Exchange, place: tuple[int, int, int], known: told.Told) -> Json:
    error = known.error(exchange)
    request, response = exchange.request, exchange.response
    args: Json = {
        "exchange": exchange.id,
        "url": told.url(exchange, known.connection(exchange)),
        "status": None if response is None else response.status,
        "outcome": exchange.outcome,
        "packet": None if request is None else request.packet,
    }
    if error is not None:
        args["error"] = error
        args["claims"] = [finding.claim for finding in known.findings(exchange)]
    event = _span(terminal.describe(exchange), "failed" if error else "answered", *place, args)
    return {**event, "cname": "terrible"} if error else event


def _arrow(number: int, before: tuple[int, int, int], after: tuple[int, int, int]) -> Iterator[Json]:
    for phase, (track, begin, end) in (("s", before), ("f", after)):
        yield {
            "name": "retry",
            "cat": "retry",
            "ph": phase,
            "id": number,
            "pid": _PROCESS,
            "tid": track,
            "ts": end if phase == "s" else begin,
            **({"bp": "e"} if phase == "f" else {}),
        }


def _span(name: str, category: str, track: int, begin: int, end: int, args: Json) -> Json:
    return {
        "name": name,
        "cat": category,
        "ph": "X",
        "pid": _PROCESS,
        "tid": track,
        "ts": begin,
        "dur": (end - begin) / 1000,
        "args": args,
    }


def _named(what: str, track: int, name: str) -> Json:
    return {"name": what, "ph": "M", "pid": _PROCESS, "tid": track, "args": {"name": name}}


def _track(connection: Connection, lane: int) -> int:
    return connection.id * _TRACKS + lane
