"""The exchanges as a table, and one exchange in full: plain text, safe to print, without secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.plurals import count
from plainwire.report import parts, redact
from plainwire.report.escape import printable
from plainwire.report.moments import moment
from plainwire.report.style import BAD, Style

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from plainwire.model import Connection, Exchange, Finding, Report, Request, Response

HEADINGS = (
    "id",
    "conn",
    "time (UTC)",
    "host",
    "method",
    "target",
    "status",
    "sent",
    "got",
    "idle",
    "took",
    "outcome",
)
_NUMERIC = frozenset({"id", "conn", "status", "sent", "got", "idle", "took"})
_TARGET = 44
"""Characters of a target that fit into the table; exchange N in full shows more."""

_HOST = 28
"""Characters of a host, likewise."""
_LEAST_TARGET = 16
_WELL = ("complete", "unseen")

_BODY_SHOWN = 1 << 20
_NO_VALUE = "-"


def exchanges(report: Report, *, width: int | None = None, color: bool = False) -> str:
    """Return all exchanges of the report, one a line, in order; failures show the code of their finding.

    ``width``: columns that there are; where they do not suffice, what says least is left out.
    """
    found, style = codes(report.findings), Style(color=color)
    connections = {connection.id: connection for connection in report.connections}
    rows = [HEADINGS, *(row(e, found, connections.get(e.connection)) for e in report.exchanges)]
    if width is not None:
        rows = _narrowed(rows, width)
    widths = _widths(rows)
    numeric = [name in _NUMERIC for name in rows[0]]
    lines = [_aligned(cells, widths, numeric) for cells in rows]
    failing = {number for finding in report.findings if finding.failure for number in finding.exchanges}
    bad = [e.id in failing or e.outcome not in _WELL for e in report.exchanges]
    told = [style.strong(line, BAD) if is_bad else line for line, is_bad in zip(lines[1:], bad, strict=True)]
    return "\n".join([style.strong(lines[0]), *told])


def _widths(rows: list[tuple[str, ...]]) -> list[int]:
    return [max(map(len, column)) for column in zip(*rows, strict=True)]


def _excess(rows: list[tuple[str, ...]], width: int) -> int:
    widths = _widths(rows)
    return max(0, sum(widths) + 2 * (len(widths) - 1) - width)


def _narrowed(rows: list[tuple[str, ...]], width: int) -> list[tuple[str, ...]]:
    """Rows that fit into ``width`` columns, if that can be."""
    hosts = {cells[HEADINGS.index("host")] for cells in rows[1:]}
    for name in (*["host"] * (len(hosts) == 1), "sent", "outcome", "time (UTC)"):
        if _excess(rows, width):
            rows = _lessened(rows, name)
    for name in ("got", "idle", "conn", "host"):
        if _excess(rows, width) > max(0, _widths(rows)[rows[0].index("target")] - _LEAST_TARGET):
            rows = _lessened(rows, name)
    at = rows[0].index("target")
    most = max(_LEAST_TARGET, _widths(rows)[at] - _excess(rows, width))
    return [(*cells[:at], _shortened(cells[at], most), *cells[at + 1 :]) for cells in rows]


def _lessened(rows: list[tuple[str, ...]], name: str) -> list[tuple[str, ...]]:
    """Rows in which a column is shorter, or is not."""
    if name not in rows[0]:
        return rows
    at = rows[0].index(name)
    if name in _SHORTER:
        return [(*cells[:at], _SHORTER[name](cells[at]), *cells[at + 1 :]) for cells in rows]
    return [(*cells[:at], *cells[at + 1 :]) for cells in rows]


def _shortened(text: str, most: int) -> str:
    """Without its middle: what begins alike often ends otherwise."""
    if len(text) <= most:
        return text
    tail = most // 2
    return f"{text[: most - 1 - tail]}…{text[-tail:]}"


def _shorter_outcome(outcome: str) -> str:
    """The code alone, where there is one: ``unanswered (keepalive-idle-race)``."""
    return outcome.partition(" (")[2].removesuffix(")") or outcome


def _shorter_time(time: str) -> str:
    """To the millisecond: ``13:37:00.123``."""
    return time[:12]


_SHORTER = {"outcome": _shorter_outcome, "time (UTC)": _shorter_time}


def exchange(report: Report, number: int, *, body: bool = False, width: int | None = None) -> str | None:
    """Return exchange ``number`` in full; None where there is no such exchange.

    ``body`` shows the bodies too, where they were kept: as text, escaped, up to 1 MiB of each. ``width``:
    columns for paragraphs; without it they are one line.
    """
    found = next((e for e in report.exchanges if e.id == number), None)
    if found is None:
        return None
    connection = next((c for c in report.connections if c.id == found.connection), None)
    concerning = [f for f in report.findings if number in f.exchanges]
    lines = [f"Exchange {found.id}: {found.outcome}", ""]
    if found.request is not None:
        lines += [*_request(found.request), *_body(found.request, shown=body), ""]
    for interim in found.interim:
        lines += [*_response(interim), ""]
    if found.response is not None:
        lines += [*_response(found.response), *_body(found.response, shown=body), ""]
    lines += parts.exchange_lines(found)
    lines += [f"idle before {span(found.idle_before_ns)}, {_time(found, connection)}", ""]
    if connection is not None:
        lines += [*_connection(connection, found), ""]
    for finding in concerning:
        lines += [*_finding(finding, width), ""]
    return "\n".join(lines[:-1])


def span(nanoseconds: int | None) -> str:
    """Return a duration in the unit that suits it: ``0.42ms``, ``81ms``, ``1.024s``; ``-`` for none."""
    if nanoseconds is None:
        return _NO_VALUE
    seconds = nanoseconds / 1e9
    if abs(seconds) >= 1:
        return f"{seconds:.3f}s"
    return f"{seconds * 1e3:.2f}ms" if abs(seconds) < 0.01 else f"{seconds * 1e3:.0f}ms"


def codes(findings: Iterable[Finding]) -> dict[int, str]:
    """Return the codes of the findings that are about an exchange, by its id."""
    found: dict[int, str] = {}
    for finding in findings:
        for number in finding.exchanges:
            found[number] = f"{found[number]}, {finding.code}" if number in found else finding.code
    return found


def row(found: Exchange, codes: dict[int, str], connection: Connection | None = None) -> tuple[str, ...]:
    """Return the cells of one exchange under HEADINGS, safe to print.

    What it took is, without a response, how long the client waited for one.
    """
    request, response = found.request, found.response
    begin = request.time_ns if request else response.time_ns if response else 0
    code = codes.get(found.id)
    return (
        str(found.id),
        str(found.connection),
        moment(begin),
        printable(_host(found, connection), _HOST),
        printable(request.method, 10) if request else _NO_VALUE,
        printable(redact.target(request.target), _TARGET) if request else _NO_VALUE,
        str(response.status) if response else _NO_VALUE,
        str(request.body_size) if request else _NO_VALUE,
        str(response.body_size) if response else _NO_VALUE,
        span(found.idle_before_ns),
        span(waited(found, connection) if found.duration_ns is None else found.duration_ns),
        f"{found.outcome} ({code})" if code else found.outcome,
    )


def _time(found: Exchange, connection: Connection | None) -> str:
    if found.duration_ns is None and (silence := waited(found, connection)) is not None:
        return f"waited {span(silence)} for a response that did not come"
    return f"took {span(found.duration_ns)}"


def waited(found: Exchange, connection: Connection | None) -> int | None:
    """How long the client waited for a response that did not come: to the end of stream or connection, ns."""
    if found.request is None or found.response is not None or connection is None:
        return None
    ends = [close.time_ns for close in connection.closes if close.time_ns >= found.request.time_ns]
    end = found.reset.time_ns if found.reset is not None else min(ends, default=connection.last_ns)
    return max(0, end - found.request.time_ns)


def _host(found: Exchange, connection: Connection | None) -> str:
    """Who was asked: by the request, by TLS, or by address."""
    if found.request is not None and found.request.authority:
        return redact.authority(found.request.authority)
    if connection is None:
        return _NO_VALUE
    named = connection.tls.server_name if connection.tls is not None else None
    return named or str(connection.server)


def _aligned(values: tuple[str, ...], widths: list[int], numeric: list[bool]) -> str:
    cells = (
        cell.rjust(width) if is_number else cell.ljust(width)
        for is_number, cell, width in zip(numeric, values, widths, strict=True)
    )
    return "  ".join(cells).rstrip()


def _request(request: Request) -> Iterator[str]:
    yield "> " + printable(f"{request.method} {redact.target(request.target)} {request.version}")
    yield from _headers(">", request.headers)
    yield from _message_facts(request)


def _response(response: Response) -> Iterator[str]:
    reason = printable(redact.line(response.reason))
    yield f"< {printable(response.version)} {response.status} {reason}".rstrip()
    yield from _headers("<", response.headers)
    yield from _message_facts(response)


def _headers(mark: str, fields: list[tuple[str, str]]) -> Iterator[str]:
    for name, value in redact.headers(fields):
        yield f"{mark} {printable(name)}: {printable(value)}"


def _message_facts(message: Request | Response) -> Iterator[str]:
    declared = "" if message.declared_size is None else f" of {message.declared_size}"
    whole = "complete" if message.complete else "incomplete"
    yield f"  {whole}; body {message.body_size}{declared} bytes, framing {message.framing}"
    begin, end = moment(message.time_ns), moment(message.last_ns)
    if message.packet == message.last_packet:
        yield f"  packet {message.packet}; {begin}"
    else:
        yield f"  packets {message.packet} to {message.last_packet}; {begin} to {end}"
    yield from parts.content_lines(message)
    for name, value in redact.headers(message.trailers):
        yield f"  trailer {printable(name)}: {printable(value)}"
    for defect in message.defects:
        yield f"  breaks the rules: {printable(redact.line(defect))}"


def _body(message: Request | Response, *, shown: bool) -> Iterator[str]:
    if not shown or not message.body:
        return
    yield ""
    text = redact.body(message.body[:_BODY_SHOWN].decode("utf-8", "backslashreplace"))
    for line in text.split("\n"):
        yield f"  | {printable(line.removesuffix(chr(13)))}"
    if len(message.body) > _BODY_SHOWN:
        yield f"  | ({len(message.body) - _BODY_SHOWN} more bytes)"


def _connection(connection: Connection, found: Exchange) -> Iterator[str]:
    ends = f"{connection.client} to {connection.server}"
    yield f"Connection {connection.id}: {ends}, exchange {found.ordinal} on it"
    tls = connection.tls
    if tls is not None:
        facts = (tls.version, tls.cipher_suite, tls.server_name, "resumed" if tls.resumed else None)
        yield "  " + ", ".join(printable(str(fact)) for fact in facts if fact)
    if connection.program is not None:
        yield f"  program {printable(connection.program.command)}, pid {connection.program.pid}"
    packets = f"{connection.first_packet} to {connection.last_packet}"
    for side, size, repeated in zip(
        ("client", "server"), connection.sizes, connection.retransmissions, strict=True
    ):
        again = f"{count(repeated, 'segment')} retransmitted"
        yield f"  {count(size, 'byte')} from the {side}, {again}; packets {packets}"
    for close in connection.closes:
        detail = f" {printable(close.detail)}" if close.detail else ""
        ack = "" if close.ack is None else f", Ack={close.ack + 1}"
        again = " (again)" if close.repeated else ""
        what = f"{close.kind}{detail} from the {close.side.name.lower()}"
        yield f"  packet {close.packet}: {what}, Seq={close.seq + 1}{ack}{again}"
    yield from parts.connection_lines(connection)
    for gap in connection.gaps:
        where = f"from the {gap.side.name.lower()}"
        yield f"  packet {gap.packet}: {count(gap.length, 'byte')} {where} missing from the capture"


def _finding(finding: Finding, width: int | None) -> Iterator[str]:
    style = None if width is None else Style.of(width, color=False)
    told = [printable(finding.claim)]
    told += [f"packet {evidence.packet}: {printable(evidence.says)}" for evidence in finding.evidence]
    yield f"Finding: {finding.code} ({finding.certainty})"
    yield from style.listed(told) if style is not None else (f"  {line}" for line in told)
