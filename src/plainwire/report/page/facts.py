"""All that the page shows, as one value for JSON.

Exchanges are columns, not objects, and their texts numbers (``Texts``): 50,000 of them must open at once.
Times are us: ``base`` since the epoch, the others from ``base`` on, those of an exchange from its begin on;
-1: none. What is put in is safe to show, and without secrets.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from plainwire.report import parts, program_account, redact, servers, terminal
from plainwire.report.coverage import remarks, shortfalls
from plainwire.report.escape import printable
from plainwire.report.headline import failing, headline
from plainwire.report.page.interning import Texts
from plainwire.report.page.sequence import diagram
from plainwire.report.summary import summary

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from plainwire.model import Bounds, Connection, Exchange, Finding, Report, Request, Response, ServerFacts
    from plainwire.report.page.about import About

MOST_EXCHANGES = 100_000
"""Exchanges in one page: those that findings are about and their neighbours, then from the first on."""

MOST_CONNECTIONS = 50_000
MOST_AT_ONCE = 5_000
"""Exchanges of a page of which a browser shows all at once."""
_FIRST = 200
"""Exchanges that are shown first of a page of more."""
_DIAGRAMS = 3
"""Sequence diagrams of one finding."""
_DIAGRAMS_IN_ALL = 60
_NEIGHBOURS = 2
_NONE = -1
_MOST_BODY = 1 << 16
"""Characters of a body in the page."""

Json = dict[str, Any]


def facts(report: Report, about: About, *, bodies: bool = False) -> Json:
    """Return all of it. ``bodies``: with those that were kept, the secrets in them hidden."""
    missing = shortfalls(report)
    texts = Texts()
    chosen = choose(report, MOST_EXCHANGES)
    connections = _connections(report, chosen)
    base = _base(report)
    concerned = {str(server.address) for server in servers.concerned(report)}
    return {
        "page": 1,
        "base": base,
        "headline": headline(report, missing),
        "tone": _tone(report, missing),
        "identity": _identity(report, about),
        "missing": missing,
        "remarks": remarks(report),
        "common": [printable(redact.line(c.claim)) for c in report.comparison]
        + [printable(line) for line in report.undecided],
        "program": list(program_account.lines(report)),
        "findings": list(_findings(report)),
        "servers": [_server(s, base, concerned) for s in report.servers],
        "connections": [_connection(c, base) for c in connections],
        "exchanges": _exchanges(chosen, report, texts, base),
        "total": len(report.exchanges),
        "texts": texts.lines,
        "shapes": texts.shapes,
        "lists": texts.lists,
        "bodies": _bodies(chosen) if bodies else {},
    }


def beginning(whole: Json, report: Report) -> Json | None:
    """Return what of ``facts`` is shown while the rest is read; None where that is not worth it."""
    chosen = choose(report, MOST_EXCHANGES)
    if len(chosen) <= MOST_AT_ONCE:
        return None
    texts, first = Texts(), chosen[:_FIRST]
    exchanges = _exchanges(first, report, texts, whole["base"])
    used = {e.connection for e in first} | {d["connection"] for f in whole["findings"] for d in f["diagrams"]}
    return whole | {
        "partial": "reading",
        "connections": [c for c in whole["connections"] if c["id"] in used],
        "exchanges": exchanges,
        "texts": texts.lines,
        "shapes": texts.shapes,
        "lists": texts.lists,
        "bodies": {},
    }


def choose(report: Report, most: int) -> list[Exchange]:
    """At most ``most`` exchanges in order: those of findings, their neighbours, then from the first on."""
    total = len(report.exchanges)
    if total <= most:
        return report.exchanges
    concerned = {number for finding in report.findings for number in finding.exchanges}
    places = [place for place, exchange in enumerate(report.exchanges) if exchange.id in concerned]
    wanted: dict[int, None] = {}
    for place in places:
        wanted.update(dict.fromkeys(range(max(0, place - _NEIGHBOURS), min(total, place + _NEIGHBOURS + 1))))
    wanted.update(dict.fromkeys(range(min(total, most))))
    return [report.exchanges[place] for place in sorted(list(wanted)[:most])]


def _tone(report: Report, missing: list[str]) -> str:
    """What the verdict amounts to: ``bad``, ``open`` (something, or not all was seen), ``good``."""
    if failing(report) or any(f.failure for f in report.findings):
        return "bad"
    seen = any(e.request is not None for e in report.exchanges)
    return "good" if seen and not missing and not report.findings else "open"


def _base(report: Report) -> int:
    """The first moment, us since the epoch."""
    times = [c.opened_ns for c in report.connections if c.opened_ns]
    times += [e.request.time_ns for e in report.exchanges[:1] if e.request is not None]
    return min(times, default=0) // 1000


def _identity(report: Report, about: About) -> list[tuple[str, str]]:
    testimony, coverage = report.testimony, report.coverage
    lines: list[tuple[str, str]] = []
    if testimony is not None and testimony.command:
        command = " ".join(redact.arguments(testimony.command))
        lines.append(("Command", printable(command, 400)))
        if testimony.exit_status is not None:
            lines.append(("Exit status", str(testimony.exit_status)))
    lines += _when(report)
    lines += [(name, said) for name, said in (("Host", about.host), ("Capture", about.capture)) if said]
    sizes = (coverage.packets, coverage.connections, coverage.decrypted)
    seen = "{:,} packets, {:,} connections, {:,} decrypted".format(*sizes)
    lines.append(("Seen", seen))
    runtimes = {f"{p.runtime} {p.version}" for p in (testimony.processes if testimony else ()) if p.version}
    versions = [f"{name} {version}" for name, version in about.versions] + sorted(map(printable, runtimes))
    return [*lines, ("Versions", ", ".join(versions))] if versions else lines


def _when(report: Report) -> Iterator[tuple[str, str]]:
    begins = [c.opened_ns for c in report.connections if c.opened_ns]
    if begins:
        first, last = min(begins), max(c.last_ns for c in report.connections)
        day = dt.datetime.fromtimestamp(first // 1_000_000_000, dt.UTC)
        yield "When", f"{day:%Y-%m-%d %H:%M:%S} UTC, for {max(0, last - first) / 1e9:.3f} s"


# --- findings ----------------------------------------------------------------------------------------


def _findings(report: Report) -> Iterator[Json]:
    exchanges = {e.id: e for e in report.exchanges}
    connections = {c.id: c for c in report.connections}
    left = _DIAGRAMS_IN_ALL
    for finding in report.findings:
        diagrams = [
            diagram(report, finding, connection, exchange)
            for connection, exchange in _pictured(finding, exchanges, connections)[: min(left, _DIAGRAMS)]
        ]
        left -= len(diagrams)
        yield _finding(finding, report) | {"diagrams": [d for d in diagrams if d["steps"]]}


def _pictured(
    finding: Finding, exchanges: dict[int, Exchange], connections: dict[int, Connection]
) -> list[tuple[Connection, Exchange | None]]:
    """What to draw of a finding: its exchanges that the evidence is about, else its connections."""
    cited = set(finding.packets)
    struck = [exchanges[number] for number in finding.exchanges if number in exchanges]
    shown = [e for e in struck if cited.intersection(_packets(e))] or struck[:1]
    chosen: list[tuple[Connection, Exchange | None]] = [
        (connections[e.connection], e) for e in shown[:_DIAGRAMS] if e.connection in connections
    ]
    if not chosen:
        chosen = [(connections[n], None) for n in finding.connections[:_DIAGRAMS] if n in connections]
    return chosen


def _packets(exchange: Exchange) -> set[int]:
    """Where its messages begin and end."""
    messages = [message for message in (exchange.request, exchange.response) if message is not None]
    return {packet for message in messages for packet in (message.packet, message.last_packet)}


def _finding(finding: Finding, report: Report) -> Json:
    short = summary(finding, report)
    return {
        "code": finding.code,
        "cause": short.cause,
        "facts": short.facts,
        "share": short.share,
        "place": short.place,
        "whose": short.whose,
        "fix": short.fix,
        "claim": printable(finding.claim),
        "fault": finding.fault,
        "who": terminal.WHO[finding.fault],
        "certainty": finding.certainty,
        "sure": terminal.SURE[finding.certainty],
        "failure": finding.failure,
        "exchanges": finding.exchanges,
        "connections": finding.connections,
        "evidence": [[e.packet, printable(e.says)] for e in finding.evidence],
        "advice": [printable(finding.advice_client), printable(finding.advice_server)],
        "settings": [[s.side, printable(s.says), printable(s.source)] for s in finding.settings],
        "retry": terminal.retry(finding) if finding.retry_safe is not None else "",
        "runner_up": printable(finding.runner_up),
        "program_says": printable(finding.program_says),
        "refuted_by": printable(finding.refuted_by),
        "references": finding.references,
        "quotes": [[q.packet, printable(q.what), redact.quote(q.text)] for q in finding.quotes],
    }


# --- servers and connections -------------------------------------------------------------------------


def _server(server: ServerFacts, base: int, concerned: set[str]) -> Json:
    """What is told in sentences only of servers that findings are about."""
    address, band = str(server.address), server.danger_band
    return {
        "address": address,
        "lines": list(servers.sentences(server)) if address in concerned else [],
        "idle_timeout": _bounds(server.idle_timeout),
        "silent_limit": _bounds(server.silent_limit),
        "danger": None if band is None or band.empty else [band.low_ns // 1000, _us(band.high_ns)],
        "reloads": [time_ns // 1000 - base for time_ns in server.reloads],
    }


def _bounds(bounds: Bounds | None) -> list[int] | None:
    return None if bounds is None else [bounds.low_ns // 1000, bounds.high_ns // 1000, bounds.count]


def _us(nanoseconds: int | None) -> int:
    return _NONE if nanoseconds is None else nanoseconds // 1000


def _connections(report: Report, chosen: list[Exchange]) -> list[Connection]:
    if len(report.connections) <= MOST_CONNECTIONS:
        return report.connections
    used = {e.connection for e in chosen} | {n for f in report.findings for n in f.connections}
    first = [c for c in report.connections if c.id in used][:MOST_CONNECTIONS]
    return first or report.connections[:MOST_CONNECTIONS]


def _connection(connection: Connection, base: int) -> Json:
    tls, owner, lookup = connection.tls, connection.program, connection.lookup
    found: Json = {
        "id": connection.id,
        "client": str(connection.client),
        "server": str(connection.server),
        "name": printable(tls.server_name) if tls is not None and tls.server_name else "",
        "transport": connection.transport,
        "opened": _at(connection.opened_ns, base),
        "connected": _at(connection.connected_ns, base),
        "last": _at(connection.last_ns, base),
        "closed": _at(connection.closes[0].time_ns if connection.closes else None, base),
        "closed_by": None if connection.closed_by is None else connection.closed_by.name.lower(),
        "close": connection.close,
        "closes": [
            [c.packet, _at(c.time_ns, base), c.side.name.lower(), c.kind, printable(c.detail)]
            for c in connection.closes[:12]
        ],
        "packets": [connection.packets, connection.first_packet, connection.last_packet],
        "bytes": connection.sizes,
        "again": connection.retransmissions,
        "rtt": _us(connection.rtt_syn_ns),
        "more": [line.strip() for line in parts.connection_lines(connection)][:20],
    }
    if tls is not None:
        said = (tls.version, tls.cipher_suite, f"ALPN {tls.alpn}" if tls.alpn else None)
        found["tls"] = ", ".join(printable(str(s)) for s in (*said, "resumed" if tls.resumed else None) if s)
        found["tls_began"], found["tls_finished"] = _at(tls.began_ns, base), _at(tls.finished_ns, base)
    if owner is not None:
        found["program"] = f"{printable(owner.command)}, pid {owner.pid}"
    if lookup is not None and lookup.answered_ns is not None:
        asked, answered = _at(lookup.sent[0][1], base), _at(lookup.answered_ns, base)
        found["lookup"] = [printable(lookup.name), lookup.server, asked, answered, lookup.sent[0][0]]
    return found


def _at(time_ns: int | None, base: int) -> int | None:
    return time_ns // 1000 - base if time_ns else None


# --- exchanges ---------------------------------------------------------------------------------------


def _exchanges(chosen: list[Exchange], report: Report, texts: Texts, base: int) -> Json:
    """Columns. Texts of what findings are about come first, so that a full page lacks those of others."""
    concerned = {number for finding in report.findings for number in finding.exchanges}
    for exchange in chosen:
        if exchange.id in concerned:
            _message_texts(exchange, texts)
    failed = failing(report)
    rows = [_row(exchange, texts, base, failed) for exchange in chosen]
    columns = zip(*rows, strict=True) if rows else ([] for _ in COLUMNS)
    return {
        "columns": dict(zip(COLUMNS, map(list, columns), strict=True)),
        "more": {str(e.id): more for e in chosen if (more := _more(e))},
    }


COLUMNS = (
    "id", "connection", "ordinal", "stream", "outcome", "failed", "protocol",
    "method", "target", "host", "status", "reason",
    "time", "sent", "first", "last", "idle",
    "up", "down", "packet", "sent_packet", "first_packet", "last_packet",
    "request_headers", "response_headers", "version",
)  # fmt: skip
"""``time`` from ``base`` on; ``sent`` (last byte of the request), ``first`` and ``last`` (of the response)
from ``time`` on. ``up`` and ``down``: sizes of the bodies."""


def _row(exchange: Exchange, texts: Texts, base: int, failed: set[int]) -> tuple[int, ...]:
    request, response = exchange.request, exchange.response
    begin = _begin_us(exchange)
    headers = _message_texts(exchange, texts)
    return (
        exchange.id,
        exchange.connection,
        exchange.ordinal,
        _NONE if exchange.stream is None else exchange.stream,
        texts.of("stopped" if exchange.stopped else exchange.outcome),
        int(exchange.id in failed),
        texts.of(exchange.protocol),
        texts.of(request.method) if request else _NONE,
        texts.of(redact.target(request.target)) if request else _NONE,
        texts.of(redact.authority(request.authority)) if request and request.authority else _NONE,
        response.status if response else _NONE,
        texts.of(redact.line(response.reason)) if response and response.reason else _NONE,
        begin - base,
        _after(request.last_ns, begin) if request else _NONE,
        _after(response.time_ns, begin) if response else _NONE,
        _after(response.last_ns, begin) if response else _NONE,
        _us(exchange.idle_before_ns),
        request.body_size if request else _NONE,
        response.body_size if response else _NONE,
        request.packet if request else _NONE,
        request.last_packet if request else _NONE,
        response.packet if response else _NONE,
        response.last_packet if response else _NONE,
        *headers,
        texts.of(response.version if response else request.version if request else ""),
    )


def _begin_us(exchange: Exchange) -> int:
    first = exchange.request or exchange.response
    return first.time_ns // 1000 if first is not None else 0


def _after(time_ns: int, begin: int) -> int:
    return max(0, time_ns // 1000 - begin)


def _message_texts(exchange: Exchange, texts: Texts) -> tuple[int, int]:
    """The lists of header fields of both messages; -1: there is none, -2: left out for want of room."""
    return _fields(exchange.request, texts), _fields(exchange.response, texts)


def _fields(message: Request | Response | None, texts: Texts) -> int:
    if message is None:
        return _NONE
    place = texts.headers(message.headers)
    return -2 if place is None else place


def _more(exchange: Exchange) -> Json:
    """What only some exchanges have."""
    more: Json = {}
    lines = [line.strip() for line in parts.exchange_lines(exchange)]
    for name, message in (("request", exchange.request), ("response", exchange.response)):
        if message is None:
            continue
        lines += [f"{name}: {line.strip()}" for line in parts.content_lines(message)]
        lines += [f"The {name} breaks the rules: {printable(redact.line(d))}" for d in message.defects[:20]]
        if message.trailers:
            fields = redact.headers(message.trailers)
            more[f"{name}_trailers"] = [[printable(n, 200), printable(v, 2000)] for n, v in fields[:100]]
        if not message.complete:
            lines.append(f"The {name} is not complete.")
    if lines:
        more["lines"] = lines[:40]
    return more


def _bodies(chosen: Iterable[Exchange]) -> dict[str, list[str | None]]:
    """Bodies that were kept, by exchange: those of request and response."""
    found = {}
    for exchange in chosen:
        both = [body(exchange.request), body(exchange.response)]
        if any(both):
            found[str(exchange.id)] = both
    return found


def body(message: Request | Response | None, most: int = _MOST_BODY) -> str | None:
    """A body as text, secrets in it hidden and steering characters written out; lines stay lines."""
    if message is None or not message.body:
        return None
    text = redact.body(message.body[:most].decode("utf-8", "backslashreplace")).replace("\r\n", "\n")
    shown = "".join(c if c in "\n\t\\" else printable(c) for c in text) if not text.isprintable() else text
    left = len(message.body) - most
    return f"{shown}\n({left} more bytes)" if left > 0 else shown
