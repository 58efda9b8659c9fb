"""Works here, fails there: what two captures of requests to one server differ in, beside the outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from plainwire.model import Connection, Exchange, Report

_FAILED = frozenset({"unanswered", "truncated", "refused", "aborted"})
_MTU_SEGMENT = 1460
_TWICE = 2.0
"""Times that differ by less are called alike (chosen)."""


class Difference(Struct, frozen=True):
    """One property and its values; ``early``: it is settled before the first request leaves."""

    name: str
    one: str
    other: str
    early: bool = False


class Differences(Struct):
    """``failing`` is A, B, both or neither; ``phase`` where it fails: ``connect``, ``tls`` or ``http``."""

    failing: str
    phase: str
    counts: tuple[str, str]
    found: list[Difference] = field(default_factory=list)
    same: list[str] = field(default_factory=list)


def between(one: Report, other: Report) -> Differences:
    """Compare two reports on the servers that both ask, or on all where there is none."""
    hosts = _hosts(one.connections) & _hosts(other.connections)
    sides = tuple(_Run(report, hosts) for report in (one, other))
    first, second = sides
    failing = {(True, True): "both", (True, False): "A", (False, True): "B"}.get(
        (first.fails, second.fails), "neither"
    )
    phase = next((side.phase for side in sides if side.fails), "http")
    made = Differences(failing, phase, (first.count, second.count))
    for name, early, value in _PROPERTIES:
        values = value(first), value(second)
        if values[0] == values[1]:
            made.same += [name] if values[0] else []
        elif name in _SETS:
            made.found.append(_only(name, *(set(value.split()) for value in values)))
        elif not (name in _TIMES and _alike(*values)):
            made.found.append(Difference(name, *values, early))
    made.found.sort(key=lambda each: each.early == (phase == "http"))
    return made


class _Run:
    """One capture, as far as it is about the hosts in question."""

    def __init__(self, report: Report, hosts: set[str]) -> None:
        self.connections = [c for c in report.connections if not hosts or _host(c) in hosts]
        ids = {connection.id for connection in self.connections}
        self.exchanges = [e for e in report.exchanges if e.connection in ids and e.request is not None]
        told = [f for f in report.findings if f.failure and ids & set(f.connections)]
        self.codes = sorted({finding.code for finding in told})
        self.failed = {n for f in told for n in f.exchanges}
        self.failed |= {e.id for e in self.exchanges if e.outcome in _FAILED}
        self.fails = bool(told or self.failed)

    @property
    def phase(self) -> str:
        if self.failed or self.exchanges:
            return "http"
        return "tls" if any(connection.established for connection in self.connections) else "connect"

    @property
    def count(self) -> str:
        failed = f"{len(self.failed)} of {len(self.exchanges)} requests failed"
        if not self.exchanges:
            failed = f"{len(self.connections)} connections without a request"
        return f"{failed} ({', '.join(self.codes)})" if self.codes else failed

    def distinct(self, values: Iterable[str | None]) -> str:
        """The values in the order in which they come first."""
        return ", ".join(list(dict.fromkeys(value for value in values if value))[:_SHOWN])


_SHOWN = 8


def _host(connection: Connection) -> str:
    named = connection.tls.server_name if connection.tls is not None else None
    return named or str(connection.server)


def _hosts(connections: Iterable[Connection]) -> set[str]:
    return {_host(connection) for connection in connections}


def _address(side: _Run) -> str:
    return side.distinct(str(c.server) for c in side.connections)


def _family(side: _Run) -> str:
    return side.distinct("IPv6" if ":" in c.server.address else "IPv4" for c in side.connections)


def _server_name(side: _Run) -> str:
    named = (c.tls.server_name or "none" for c in side.connections if c.tls is not None)
    return side.distinct(named)


def _offered(side: _Run) -> str:
    return side.distinct(
        " ".join(c.tls.alpn_offered) or "none" for c in side.connections if c.tls is not None
    )


def _alpn(side: _Run) -> str:
    return side.distinct(c.tls.alpn for c in side.connections if c.tls is not None)


def _version(side: _Run) -> str:
    return side.distinct(c.tls.version for c in side.connections if c.tls is not None)


def _suite(side: _Run) -> str:
    return side.distinct(c.tls.cipher_suite for c in side.connections if c.tls is not None)


def _resumed(side: _Run) -> str:
    return side.distinct("yes" if c.tls.resumed else "no" for c in side.connections if c.tls is not None)


def _hello(side: _Run) -> str:
    """Its size, by class: of one that is larger than a segment some middleboxes read only the first part."""
    sizes = [c.tls.hello_size for c in side.connections if c.tls is not None and c.tls.hello_size]
    if not sizes:
        return ""
    fits = "fits into one segment" if max(sizes) <= _MTU_SEGMENT else "larger than one segment"
    return f"{fits} ({max(sizes)} bytes)" if max(sizes) > _MTU_SEGMENT else fits


def _hello_segments(side: _Run) -> str:
    return side.distinct(str(n) for n in map(_segments_of_hello, side.connections) if n)


def _segments_of_hello(connection: Connection) -> int:
    tls, segments = connection.tls, connection.segments
    if tls is None or segments is None or not tls.hello_size or tls.starts[0] < 0:
        return 0
    end = tls.starts[0] + tls.hello_size
    hello = (
        (segments.side == 0) & (segments.length > 0) & (segments.seq >= tls.starts[0]) & (segments.seq < end)
    )
    return len({*segments.seq[hello].tolist()})


def _reuse(side: _Run) -> str:
    most = max((sum(e.connection == c.id for e in side.exchanges) for c in side.connections), default=0)
    return "one request a connection" if most == 1 else "connections are used again" if most else ""


def _protocol(side: _Run) -> str:
    return side.distinct(e.protocol for e in side.exchanges)


def _fields(side: _Run) -> str:
    """The names of header fields that all requests have."""
    sets = [{name.lower() for name, _ in e.request.headers} for e in side.exchanges if e.request is not None]
    return " ".join(sorted(set.intersection(*sets))) if sets else ""


def _agent(side: _Run) -> str:
    return side.distinct(_field(e, "user-agent") for e in side.exchanges)


def _field(exchange: Exchange, wanted: str) -> str | None:
    fields = exchange.request.headers if exchange.request is not None else []
    return next((value for name, value in fields if name.lower() == wanted), None)


def _methods(side: _Run) -> str:
    return side.distinct(sorted({e.request.method for e in side.exchanges if e.request is not None}))


def _proxy(side: _Run) -> str:
    return side.distinct(tunnel.kind for c in side.connections for tunnel in c.tunnels)


def _round_trip(side: _Run) -> str:
    trips = sorted(c.rtt_syn_ns for c in side.connections if c.rtt_syn_ns)
    return _span(trips[len(trips) // 2]) if trips else ""


def _idle(side: _Run) -> str:
    pauses = [e.idle_before_ns for e in side.exchanges if e.idle_before_ns]
    return _span(max(pauses)) if pauses else ""


def _ttl(side: _Run) -> str:
    return side.distinct(
        str(syn.ttl) for c in side.connections for syn in c.syns if syn.side == 1 and syn.ttl
    )


def _span(nanoseconds: int) -> str:
    return f"{nanoseconds / 1e6:.3g} ms"


def _alike(one: str, other: str) -> bool:
    """Whether two times are about the same."""
    numbers = [float(text.split()[0]) for text in (one, other) if text]
    return len(numbers) < 2 or max(numbers) < _TWICE * min(numbers)


def _only(name: str, one: set[str], other: set[str]) -> Difference:
    """What only one of them has."""
    return Difference(name, " ".join(sorted(one - other)), " ".join(sorted(other - one)))


_SETS = frozenset({"header fields"})
_TIMES = frozenset({"round trip", "longest idle time"})
_PROPERTIES: tuple[tuple[str, bool, Callable[[_Run], str]], ...] = (
    ("address family", True, _family),
    ("server address", True, _address),
    ("hop limit of the server's SYN", True, _ttl),
    ("round trip", True, _round_trip),
    ("proxy", True, _proxy),
    ("server name (SNI)", True, _server_name),
    ("ClientHello", True, _hello),
    ("segments of the ClientHello", True, _hello_segments),
    ("protocols offered (ALPN)", True, _offered),
    ("protocol agreed (ALPN)", True, _alpn),
    ("TLS version", True, _version),
    ("cipher suite", True, _suite),
    ("session resumed", True, _resumed),
    ("connections", False, _reuse),
    ("HTTP", False, _protocol),
    ("methods", False, _methods),
    ("header fields", False, _fields),
    ("User-Agent", False, _agent),
    ("longest idle time", False, _idle),
)
