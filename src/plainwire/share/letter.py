"""The letter that goes with a bundle: what its receiver has to know before he opens a packet.

One sentence first; then at most three exhibits, times and names by which his own logs can be searched, the
pattern, a way to see it again, and what is asked of either side. All packet numbers are those of the bundle.
"""

from __future__ import annotations

import datetime as dt
import math
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire.export import markdown, repeat, told
from plainwire.plurals import count
from plainwire.report import redact, servers, terminal
from plainwire.report.coverage import shortfalls
from plainwire.report.headline import headline
from plainwire.share import packet_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainwire.model import Connection, Exchange, Finding, Report, Response, ServerFacts

_EXHIBITS, _ROWS = 3, 24
_REQUEST_IDS = frozenset(
    (
        *(
            "request-id",
            "x-request-id",
            "x-correlation-id",
            "traceparent",
            "x-trans-id",
            "x-openstack-request-id",
        ),
        *("x-amz-request-id", "x-amzn-requestid", "x-amz-id-2", "x-amz-cf-id", "cf-ray", "fly-request-id"),
        *("x-ms-request-id", "x-azure-ref", "x-goog-request-id", "x-cloud-trace-context", "x-vercel-id"),
        *("x-github-request-id", "x-fastly-request-id"),
    )
)
"""Fields by which operators find a request in their logs."""
_AGAIN = 0.95
_GAP_SHORT_OF = 0.98


class Whole(Struct, frozen=True):
    """What the letter tells of the whole capture, of which the bundle is a part."""

    report: Report
    at_client: bool = False
    with_secrets: bool = False
    left_out: tuple[str, ...] = ()
    quic: tuple[int, ...] = ()
    """Connections (ids of the bundle) whose packets stay encrypted in it."""
    encrypted: tuple[str, ...] = ()
    """Codes that only come out of these with their secrets."""


def write(bundle: Report, whole: Whole) -> str:
    """The letter in Markdown; ends in a newline. Safe to print, secrets hidden."""
    failures = [finding for finding in bundle.findings if finding.failure] or bundle.findings
    lines = [f"# {_subject(bundle, failures)}", "", *_opening(bundle, failures, whole.encrypted), ""]
    for number, finding in enumerate(failures[:_EXHIBITS], 1):
        lines += [*_exhibit(number, finding, bundle), ""]
    lines += ["## Where to look in your logs", "", *_places(bundle, failures), ""]
    lines += ["## The pattern", "", *_pattern(bundle, whole, failures), ""]
    lines += ["## To see it again", "", *_again(bundle, failures), ""]
    lines += ["## What we ask", "", *_asks(failures), ""]
    lines += ["## How this was captured, and what is in it", "", *_hygiene(whole, bundle)]
    return "\n".join(lines) + "\n"


def _subject(bundle: Report, failures: list[Finding]) -> str:
    names = _hosts(bundle)
    codes = ", ".join(dict.fromkeys(finding.code for finding in failures)) or "no finding"
    return f"{_plain(', '.join(names) or 'Your server')}: {codes}"


def _hosts(bundle: Report) -> list[str]:
    named: dict[str, None] = {}
    for connection in bundle.connections:
        name = connection.tls.server_name if connection.tls is not None else None
        authority = next((e.request.authority for e in connection.exchanges if e.request is not None), None)
        named[redact.authority(name or authority or str(connection.server))] = None
    return list(named)[:3]


def _opening(bundle: Report, failures: list[Finding], encrypted: tuple[str, ...]) -> Iterator[str]:
    for finding in failures[:_EXHIBITS]:
        blame = "" if finding.fault != "both" else " We do not call this a violation."
        unseen = " These packets are encrypted in this bundle (see the end)." * (finding.code in encrypted)
        yield f"{_plain(finding.claim)} {terminal.SURE[finding.certainty]}{unseen}{blame}"
    if not failures:
        yield _plain(headline(bundle, shortfalls(bundle)))


def _exhibit(number: int, finding: Finding, bundle: Report) -> Iterator[str]:
    yield f"## Exhibit {number}: {markdown.code(finding.code)}"
    yield ""
    yield f"- **Who:** {terminal.WHO[finding.fault]}"
    yield f"- **What would refute it:** {_plain(finding.refuted_by)}"
    if finding.runner_up:
        yield f"- **Ruled out:** {_plain(finding.runner_up)}"
    if finding.references:
        yield f"- **By:** {_plain(', '.join(finding.references))}"
    failing = next((e for e in bundle.exchanges if e.id in finding.exchanges), None)
    connection = _connection(finding, failing, bundle)
    if connection is not None:
        yield from ("", f"The failing one, on connection {connection.id}:", "")
        yield from _table(connection, bundle, _around(failing, finding, connection, bundle))
    neighbour = _neighbour(bundle, finding, failing, connection)
    if neighbour is not None:
        other = next(c for c in bundle.connections if c.id == neighbour.connection)
        yield from ("", f"One that did not fail, for comparison (exchange {neighbour.id}):", "")
        yield from _table(other, bundle, _around(neighbour, None, other, bundle))


def _connection(finding: Finding, failing: Exchange | None, bundle: Report) -> Connection | None:
    wanted = failing.connection if failing is not None else next(iter(finding.connections), None)
    return next((c for c in bundle.connections if c.id == wanted), None)


def _neighbour(
    bundle: Report, finding: Finding, failing: Exchange | None, connection: Connection | None
) -> Exchange | None:
    """The last exchange before the failing one that was answered, on the same connection if there is one."""
    failed = {number for each in bundle.findings if each.failure for number in each.exchanges}
    answered = [
        e
        for e in bundle.exchanges
        if e.id not in failed
        and e.id not in finding.exchanges
        and e.outcome == "complete"
        and e.request is not None
    ]
    if failing is None or connection is None:
        return answered[0] if answered else None
    mine = [e for e in answered if e.connection == connection.id and e.id < failing.id]
    return mine[-1] if mine else answered[0] if answered else None


def _around(
    exchange: Exchange | None, finding: Finding | None, connection: Connection, bundle: Report
) -> list[int]:
    """The packets of an exchange, those that a finding cites, and for one that failed all up to the end."""
    numbers = packet_table.packets_told_of(connection, bundle)
    cited = set(finding.packets) if finding is not None else set()
    if exchange is None or exchange.request is None:
        first, last = connection.first_packet, connection.last_packet
    else:
        first = exchange.request.packet
        answered = exchange.response is not None and exchange.response.complete and finding is None
        assert exchange.response is not None or not answered  # noqa: S101 - for the type checker
        last = exchange.response.last_packet if answered and exchange.response else connection.last_packet
    chosen = [number for number in numbers if first <= number <= last or number in cited]
    if len(chosen) <= _ROWS:
        return chosen
    telling = [number for number in chosen if number in cited]
    ends = [*chosen[: _ROWS // 2], *chosen[-_ROWS // 2 :]]
    return sorted({*telling, *ends})


def _table(connection: Connection, bundle: Report, among: list[int]) -> Iterator[str]:
    yield f"| {' | '.join(packet_table.HEADING)} |"
    yield "|---:|---|---|---:|---:|---:|---|---:|---:|---|"
    for row in packet_table.rows(connection, bundle, among=among):
        *numbers, says = row
        yield f"| {' | '.join(numbers)} | {_plain(says)} |"


def _places(bundle: Report, failures: list[Finding]) -> Iterator[str]:
    wanted = {number for finding in failures for number in finding.exchanges}
    connections = {number for finding in failures for number in finding.connections}
    for exchange in [e for e in bundle.exchanges if e.id in wanted and e.request is not None][:10]:
        connection = next(c for c in bundle.connections if c.id == exchange.connection)
        asked = exchange.request
        assert asked is not None  # noqa: S101 - see above
        target = markdown.code(f"{asked.method} {redact.target(asked.target)}", 120)
        ends = f"{connection.client} -> {connection.server}"
        yield f"- {told.moment(asked.time_ns)}: {target}, {ends} (as seen by the client)"
        before = _before(exchange, connection)
        ids = [] if before is None else list(_ids(before))
        own = [] if exchange.response is None else list(_ids(exchange.response))
        if own:
            yield f"  - its response says {_plain(', '.join(own))}"
        elif ids:
            named = _plain(", ".join(ids))
            yield f"  - it has no request id, since it got no response; the one before it: {named}"
        else:
            yield "  - no response on this connection names a request id"
        connections.discard(connection.id)
    for connection in bundle.connections:
        if connection.id in connections:
            ends = f"{connection.client} -> {connection.server}"
            yield f"- {told.moment(connection.opened_ns)}: connection {ends}"
    yield f"- Times are UTC by the client's clock; {_clock(bundle)}."
    yield "- Addresses are those on the client's side; whether a NAT changes them is not known here."


def _before(exchange: Exchange, connection: Connection) -> Response | None:
    earlier = [e for e in connection.exchanges if e.ordinal < exchange.ordinal and e.response is not None]
    return earlier[-1].response if earlier else None


def _ids(response: Response) -> Iterator[str]:
    for name, value in response.headers:
        if name.lower() in _REQUEST_IDS:
            yield f"{name}: {redact.field(name, value)}"


def _clock(bundle: Report) -> str:
    """How far the server's clock is off, by Date fields, which are whole seconds (RFC 9110 section 6.6.1)."""
    low, high = -math.inf, math.inf
    for exchange in bundle.exchanges:
        response = exchange.response
        said = (
            next((v for n, v in response.headers if n.lower() == "date"), "") if response is not None else ""
        )
        seconds = _seconds(said)
        if response is not None and exchange.request is not None and seconds is not None:
            low = max(low, seconds - response.time_ns / 1e9)
            high = min(high, seconds + 1 - exchange.request.time_ns / 1e9)
    if low == -math.inf:
        return "no response has a Date field to compare it with"
    if low > high:
        return "the Date fields of the responses contradict each other, or come from several clocks"
    return f"by the Date fields of the responses the server's clock is {low:+.1f} to {high:+.1f} s from it"


def _seconds(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).replace(tzinfo=dt.UTC).timestamp() if date else None
    except ValueError:
        return None


def _pattern(bundle: Report, whole: Whole, failures: list[Finding]) -> Iterator[str]:
    report = whole.report
    first = headline(report, shortfalls(report)).removeprefix("plainwire: ")
    yield f"- In the whole capture: {_plain(first)}"
    for finding in report.findings:
        if finding.failure:
            number = count(len(finding.exchanges) or len(finding.connections), "time")
            yield f"- {markdown.code(finding.code)}: {number}, {finding.certainty}."
    for contrast in report.comparison[:5]:
        yield f"- {_plain(redact.line(contrast.claim))}"
    for facts in servers.concerned(report):
        yield from (f"- {facts.address}: {_plain(sentence)}" for sentence in servers.sentences(facts))
    connections = f"{len(bundle.connections)} of {count(len(report.connections), 'connection')}"
    exchanges = f"{len(bundle.exchanges)} of {count(len(report.exchanges), 'exchange')}"
    yield f"- This bundle holds {connections}, {exchanges}."
    ruled = [finding for finding in failures if finding.runner_up]
    yield from (f"- Ruled out for {markdown.code(f.code)}: {_plain(f.runner_up)}" for f in ruled)


def _again(bundle: Report, failures: list[Finding]) -> Iterator[str]:
    exchange = next(
        (e for f in failures for e in bundle.exchanges if e.id in f.exchanges and e.request), None
    )
    if exchange is None:
        yield "There is no request to repeat: the failure is one of the connection."
        return
    connection = next(c for c in bundle.connections if c.id == exchange.connection)
    facts = next((s for s in bundle.servers if s.address == connection.server), None)
    gap = _gap(facts)
    if gap is not None:
        yield f"Send this twice on one connection, the second time {gap:.3f} s after the first response:"
    else:
        yield "Send this again and again:"
    yield from ("", "```", repeat.curl(exchange, connection).rstrip("\n").replace("```", "` ` `"), "```", "")
    requests = sum(e.request is not None for e in bundle.exchanges)
    failed = len({number for finding in failures for number in finding.exchanges})
    rate = failed / requests if requests else 0.0
    if 0 < rate < 1 and gap is None:
        tries = math.ceil(math.log(1 - _AGAIN) / math.log(1 - rate))
        yield f"At the rate of this bundle it fails within {count(tries, 'attempt')} with 95 % confidence."
    elif gap is not None:
        yield "The gap is aimed at the moment at which the server closes: a few tries should hit it."


def _gap(facts: ServerFacts | None) -> float | None:
    """Just before the server closes (s)."""
    if facts is None or facts.idle_timeout is None:
        return None
    return facts.idle_timeout.low_ns / 1e9 * _GAP_SHORT_OF


def _asks(failures: list[Finding]) -> Iterator[str]:
    told_already: set[str] = set()
    for finding in failures:
        for side, advice in (("Of you", finding.server_advice), ("Of ourselves", finding.client_advice)):
            if advice and advice not in told_already:
                told_already.add(advice)
                yield f"- **{side}:** {_plain(advice)}"
    if not told_already:
        yield "- **Of you:** What do your logs say of these connections at these times?"


def _hygiene(whole: Whole, bundle: Report) -> Iterator[str]:
    report = whole.report
    dropped = report.coverage.packets_dropped
    lost = "nobody counted lost packets" if dropped is None else f"{count(dropped, 'packet')} lost"
    connections = count(report.coverage.connections, "connection")
    where = "on the client's machine" if whole.at_client else "at a place that the capture does not name"
    yield (f"- Captured {where}; {lost}. Of {connections} {report.coverage.decrypted} could be decrypted.")
    if len(bundle.connections) > len(whole.quic):
        yield from _of_tcp()
    if whole.quic:
        yield from _of_quic(whole)
    if whole.with_secrets:
        yield (
            "- `original.pcapng` holds the packets of these connections as they were, with their TLS "
            "secrets: passwords included."
        )
    for line in whole.left_out:
        yield f"- Not in it: {_plain(line)}"
    yield "- `plainwire verify` checks the hashes of the files, and derives the verdict again."


def _of_tcp() -> Iterator[str]:
    yield (
        "- `capture.pcapng` holds the packets with their times, flags, sizes, sequence numbers and "
        "acknowledgments as they were. Their TLS records were opened, secrets and bodies in them replaced "
        "by marks of the same length (equal values have equal marks), and sealed again under secrets made "
        "up for this file, which are in it: Wireshark shows plain HTTP with no settings. TCP's checksums "
        "were corrected accordingly."
    )
    yield (
        "- `plain.pcapng` holds the same packets without TLS, for tools that know none "
        "(`-d tcp.port==443,http`)."
    )


def _of_quic(whole: Whole) -> Iterator[str]:
    numbers = ", ".join(map(str, whole.quic[:20])) + (" and others" if len(whole.quic) > 20 else "")
    yield (
        f"- QUIC ({count(len(whole.quic), 'connection')}: {numbers}): `capture.pcapng` and `plain.pcapng` "
        "hold its datagrams as they were, encrypted, without their secrets. What they carried is told in "
        "this letter and in the report, with secrets replaced by marks."
    )
    if whole.encrypted:
        codes = ", ".join(map(markdown.code, whole.encrypted))
        how = "with `original.pcapng`" if whole.with_secrets else "by whoever has those secrets"
        yield f"- So {codes} cannot be derived from these packets alone, only {how}."


def _plain(text: str) -> str:
    """Words of ours, which may name what came off the wire."""
    return markdown.escaped(text)
