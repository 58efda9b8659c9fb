"""The JSON report; docs/report.md describes it. Keys are only added; any other change raises ``schema``.

Values that may be the user's passwords and tokens are hidden, as in every report.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import orjson
from msgspec import Struct, field
from msgspec.structs import astuple

from plainwire import kernel, model
from plainwire.model import Side
from plainwire.report import parts, program_account, redact
from plainwire.report.escape import printable_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from plainwire.model import (
        Bounds,
        Bug,
        CloseEvent,
        Connection,
        Contrast,
        Exchange,
        Finding,
        Report,
        Request,
        Response,
        ServerFacts,
        Sign,
    )

Portion = tuple[bytes, list[int]]
"""Some items as JSON, with commas between them, and the size of each in bytes."""

SCHEMA = 1
_PART = 500
"""Items that are handed on at a time."""
_SIDES = {Side.CLIENT: "client", Side.SERVER: "server", None: None}


class Places(Struct):
    """Where in the encoded report each item begins, in bytes, and at last where one more would.

    So the one with the id ``n`` is ``[places[n - 1], places[n] - 1)``: a comma stands between two.
    """

    connections: list[int] = field(default_factory=list)
    exchanges: list[int] = field(default_factory=list)
    findings: list[int] = field(default_factory=list)


def encode(report: Report, places: Places | None = None) -> bytes:
    """The report as UTF-8 JSON, one line. ``places`` are filled in."""
    return b"".join(encoded(report, places))


def encoded(report: Report, places: Places | None = None) -> Iterator[bytes]:
    """The same in parts: a report of many exchanges need not be there twice."""
    places = Places() if places is None else places
    before = {"schema": SCHEMA, "coverage": _coverage(report)}
    between = {
        "servers": [_server(s) for s in report.servers],
        "comparison": [_contrast(c) for c in report.comparison],
        "undecided": report.undecided,
        "attempts": program_account.encode_attempts(report.attempts),
        "program": program_account.encode(report.testimony),
    }
    head, middle = _dumped(before)[:-1], _dumped(between)[1:-1]
    at = 0
    for text, portions, where in (
        (head + b',"connections":[', _connections(report.connections), places.connections),
        (b'],"exchanges":[', _exchanges(report.exchanges), places.exchanges),
        (b"]," + middle + b',"findings":[', _portions(map(_finding, report.findings)), places.findings),
    ):
        yield text
        at += len(text)
        yield from _listed(portions, where, at)
        at = max(at, where[-1] - 1)
    yield b'],"signs":' + _dumped([_sign(s) for s in report.signs]) + b"}"


def _portions(items: Iterable[dict[str, Any]]) -> Iterator[Portion]:
    """The items, some at a time."""
    rest = iter(items)
    while pieces := [_dumped(item) for item in islice(rest, _PART)]:
        yield b",".join(pieces), [len(piece) for piece in pieces]


def _connections(connections: list[Connection]) -> Iterator[Portion]:
    """The same of connections; the kernel, where there is one, writes those that have nothing rare."""
    if kernel.compiled is None:
        yield from _portions(map(_connection, connections))
        return
    for first in range(0, len(connections), _PART):
        part = connections[first : first + _PART]
        yield kernel.compiled.write_connections(part, lambda c: _dumped(_connection(c)))


def _exchanges(exchanges: list[Exchange]) -> Iterator[Portion]:
    """The same of exchanges; the kernel, where there is one, writes those that have nothing unusual."""
    if kernel.compiled is None or not exchanges:
        yield from _portions(map(_exchange, exchanges))
        return
    from plainwire.report.redact import fields, text  # noqa: PLC0415 - see ``report.redact``

    writer = kernel.compiled.ExchangeWriter(
        (model.Exchange, model.Request, model.Response),
        astuple,
        *(fields.shown, fields.identifies, text.is_open, text.line, text.target),
        lambda exchange: _dumped(_exchange(exchange)),
    )
    for first in range(0, len(exchanges), _PART):
        yield writer.write(exchanges[first : first + _PART])


def _listed(portions: Iterable[Portion], where: list[int], at: int) -> Iterator[bytes]:
    """The items, with commas between them; ``where`` gets their places, of which the first is ``at``."""
    where.append(at)
    for portion, sizes in portions:
        yield b"," + portion if len(where) > 1 else portion
        for size in sizes:
            where.append(where[-1] + size + 1)


def _dumped(value: object) -> bytes:
    return printable_json(orjson.dumps(value))


def _coverage(report: Report) -> dict[str, Any]:
    coverage = report.coverage
    return {
        "packets": coverage.packets,
        "packets_dropped": coverage.packets_dropped,
        "connections": coverage.connections,
        "decrypted": coverage.decrypted,
        "undecrypted": [{"connection": c, "reason": reason} for c, reason in coverage.undecrypted],
        "mid_stream": coverage.mid_stream,
        "evidence": coverage.evidence,
        "other_connections": coverage.other_connections,
        "other_packets": coverage.other_packets,
        "notes": redact.lines(coverage.notes),
        **({"faults": [_bug(bug) for bug in coverage.bugs]} if coverage.bugs else {}),
    }


def _bug(bug: Bug) -> dict[str, Any]:
    return {"what": bug.what, "error": bug.error, "count": bug.count}


def _connection(connection: Connection) -> dict[str, Any]:
    tls, owner = connection.tls, connection.program
    return {
        "id": connection.id,
        "client": str(connection.client),
        "server": str(connection.server),
        "server_name": tls.server_name if tls else None,
        "transport": connection.transport,
        "tls": parts.tls(tls) if tls else None,
        "program": {
            "pid": owner.pid,
            "thread": owner.thread,
            "command": owner.command,
            "library": owner.tls_library,
            "secrets": owner.secrets_by,
        }
        if owner
        else None,
        "opened": _seconds(connection.opened_ns),
        "connected": _duration(connection.connected_ns),
        "last": _seconds(connection.last_ns),
        "closed": _seconds(connection.closes[0].time_ns) if connection.closes else None,
        "closed_by": _SIDES[connection.closed_by],
        "close": connection.close,
        "closes": [_close(close) for close in connection.closes],
        "packets": connection.packets,
        "first_packet": connection.first_packet,
        "last_packet": connection.last_packet,
        "bytes": connection.sizes,
        "retransmissions": connection.retransmissions,
        "round_trip": _duration(connection.rtt_syn_ns),
        "gaps": [
            {"side": _SIDES[g.side], "offset": g.offset, "length": g.length, "packet": g.packet}
            for g in connection.gaps
        ],
        **({"alike": connection.alike} if connection.alike else {}),
        **parts.of_connection(connection),
    }


def _close(close: CloseEvent) -> dict[str, Any]:
    return {
        "kind": close.kind,
        "from": _SIDES[close.side],
        "time": _seconds(close.time_ns),
        "packet": close.packet,
        "offset": close.seq,
        "acknowledges": close.ack,
        **({"detail": close.detail} if close.detail else {}),
        **({"repeated": True} if close.repeated else {}),
    }


def _exchange(exchange: Exchange) -> dict[str, Any]:
    idle, duration = exchange.idle_before_ns, exchange.duration_ns
    request, response = exchange.request, exchange.response
    plain = exchange.protocol == "http/1.1" and exchange.via is None
    return {
        "id": exchange.id,
        "connection": exchange.connection,
        "stream": exchange.stream,
        "ordinal": exchange.ordinal,
        "protocol": exchange.protocol,
        "request": None if request is None else _request(request),
        "response": None if response is None else _response(response),
        "outcome": exchange.outcome,
        "idle_before": None if idle is None else idle / 1e9,
        "duration": None if duration is None else duration / 1e9,
        **({"interim": [_response(r) for r in exchange.interim]} if exchange.interim else {}),
        **({"stopped": True} if exchange.stopped else {}),
        **({} if plain else parts.of_exchange(exchange)),
    }


def _request(request: Request) -> dict[str, Any]:
    authority = request.authority
    fields: dict[str, Any] = {
        "method": request.method,
        "target": redact.target(request.target),
        "authority": None if authority is None else redact.authority(authority),
        "version": request.version,
        "headers": redact.headers(request.headers),
        "body_size": request.body_size,
        "declared_size": request.declared_size,
        "framing": request.framing,
        "time": request.time_ns / 1e9,
        "end": request.last_ns / 1e9,
        "packet": request.packet,
        "last_packet": request.last_packet,
        "complete": request.complete,
    }
    if request.trailers:
        fields["trailers"] = redact.headers(request.trailers)
    if request.content is not None:
        fields["content"] = parts.content(request.content)
    if request.defects:
        fields["defects"] = redact.lines(request.defects)
    return fields


def _response(response: Response) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "status": response.status,
        "reason": redact.line(response.reason),
        "version": response.version,
        "headers": redact.headers(response.headers),
        "body_size": response.body_size,
        "declared_size": response.declared_size,
        "framing": response.framing,
        "time": response.time_ns / 1e9,
        "end": response.last_ns / 1e9,
        "packet": response.packet,
        "last_packet": response.last_packet,
        "complete": response.complete,
    }
    if response.trailers:
        fields["trailers"] = redact.headers(response.trailers)
    if response.content is not None:
        fields["content"] = parts.content(response.content)
    if response.event_stream is not None:
        fields["events"] = response.event_stream.events
        fields["event_stream"] = parts.event_stream(response.event_stream)
    if response.defects:
        fields["defects"] = redact.lines(response.defects)
    return fields


def _server(server: ServerFacts) -> dict[str, Any]:
    hinted = server.hint_timeout_ns is not None or server.hint_max is not None
    band = server.danger_band
    return {
        "address": str(server.address),
        "idle_timeout": _bounds(server.idle_timeout),
        "max_requests": server.max_requests,
        "max_age": _bounds(server.max_age),
        "announces_close": server.announces_close,
        "software": redact.lines(server.software),
        "keep_alive": {"timeout": _duration(server.hint_timeout_ns), "max": server.hint_max}
        if hinted
        else None,
        "longest_idle": _duration(server.longest_idle_ns),
        "most_requests": server.most_requests,
        "max_requests_seen": server.max_requests_count,
        "clock": server.clock,
        "reloads": [_seconds(moment) for moment in server.reloads],
        "reset_flavour": server.reset_flavour,
        "silent_limit": _bounds(server.silent_limit),
        "danger_band": {
            "low": _seconds(band.low_ns),
            "high": _duration(band.high_ns),
            "observed": band.observed,
            "empty": band.empty,
        }
        if band
        else None,
        "expected_failures": server.expected_failures,
        "observed_failures": server.observed_failures,
        "prediction_p": server.prediction_p,
        "fingerprint": server.fingerprint,
    }


def _sign(sign: Sign) -> dict[str, Any]:
    return {
        "kind": sign.kind,
        "packets": sign.packets,
        "connection": sign.connection,
        "exchange": sign.exchange,
        "claimed_by": sign.claimed_by,
        "says": sign.says,
    }


def _bounds(bounds: Bounds | None) -> dict[str, Any] | None:
    if bounds is None:
        return None
    return {"low": _seconds(bounds.low_ns), "high": _seconds(bounds.high_ns), "seen": bounds.count}


def _contrast(contrast: Contrast) -> dict[str, Any]:
    return {
        "code": contrast.code,
        "feature": contrast.feature,
        "claim": redact.line(contrast.claim),
        "failing": contrast.failing,
        "succeeding": contrast.succeeding,
        "p": contrast.p,
        "searched": contrast.searched,
        "rate_with": contrast.rate_with,
        "rate_without": contrast.rate_without,
        "low": contrast.low,
        "high": contrast.high,
        "also": contrast.also,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code,
        "claim": finding.claim,
        "fault": finding.fault,
        "certainty": finding.certainty,
        "exchanges": finding.exchanges,
        "connections": finding.connections,
        "packets": finding.packets,
        "evidence": [{"packet": e.packet, "says": e.says} for e in finding.evidence],
        "refuted_by": finding.refuted_by,
        "runner_up": finding.runner_up,
        "retry_safe": finding.retry_safe,
        "retry_useful": finding.retry_useful,
        "advice": {"client": finding.client_advice, "server": finding.server_advice},
        "settings": [
            {"side": s.side, "product": s.product, "need": s.need, "says": s.says, "source": s.source}
            for s in finding.settings
        ],
        "references": finding.references,
        "failure": finding.failure,
        "quotes": [
            {"packet": q.packet, "what": q.what, "text": redact.quote(q.text)} for q in finding.quotes
        ],
        "program_says": finding.program_says,
        "tests": [redact.line(name) for name in finding.tests],
    }


def _seconds(time_ns: int) -> float:
    return time_ns / 1e9


def _duration(time_ns: int | None) -> float | None:
    return None if time_ns is None else time_ns / 1e9
