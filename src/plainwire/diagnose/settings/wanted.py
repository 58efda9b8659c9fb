"""What value a remedy asks for: from the server's inferred limits, and from the failed exchanges."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from plainwire.diagnose.causes.semantics.status import TOO_LARGE
from plainwire.diagnose.evidence.exchanges import ERROR_STATUS
from plainwire.diagnose.thresholds import SECOND_NS
from plainwire.diagnose.traffic.given_up import SHORTEST_WAIT_NS, given_up

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plainwire.model import Connection, Exchange, Finding, Need, ServerFacts

_CONNECT_NS = 3 * SECOND_NS
"""Time for connecting, ns: long enough for one SYN that is sent again, after 1 s (RFC 6298 section 2.1)."""

_PINGS_NS = 300 * SECOND_NS
"""What gRPC servers allow between two PINGs by default, ns (grpc/doc/keepalive.md)."""

_FIELD_OVERHEAD = 4
"""Bytes of colon, space, CR and LF in a header field (RFC 9112 section 5)."""


class Circumstances(Struct, frozen=True):
    """What a finding is about, and what is known of its server's limits."""

    finding: Finding
    exchanges: Sequence[tuple[Connection, Exchange]]
    facts: ServerFacts | None
    repeated: bool = False
    """Whether something retries by itself already."""


class Wanted(Struct, frozen=True):
    """``amount``: in ns, bytes, or a number; None where nothing tells it.

    ``relation``: on which side of it the value is to be.
    """

    relation: Literal["", "below", "above"] = ""
    amount: int | None = None
    statuses: tuple[int, ...] = ()
    """Those that are to be retried."""


def wanted(side: Literal["client", "server"], need: Need, found: Circumstances) -> Wanted | None:
    """The value that a side's setting for ``need`` is to have; None where that setting would not help."""
    if need in _ONLY_IF and not _ONLY_IF[need](found):
        return None
    if need == "retries of statuses":
        return Wanted(statuses=_statuses(found))
    rule = (_OF_CLIENT if side == "client" else _OF_SERVER).get(need)
    if rule is None:
        return Wanted()
    relation, amount = rule
    value = amount(found)
    return Wanted(relation, value) if value is not None and value > 0 else Wanted()


def _client_idle(found: Circumstances) -> int | None:
    """Two round trips less than the server waits, or what something on the way forgets after."""
    facts = found.facts
    if facts is None:
        return None
    if facts.idle_timeout is not None:
        return facts.idle_timeout.low_ns - 2 * _round_trip(found)
    if facts.silent_limit is not None:
        return facts.silent_limit.low_ns
    return None if facts.hint_timeout_ns is None else facts.hint_timeout_ns - 2 * _round_trip(found)


def _round_trip(found: Circumstances) -> int:
    return min((c.rtt_syn_ns for c, _ in found.exchanges if c.rtt_syn_ns is not None), default=0)


def _keepalive(found: Circumstances) -> int | None:
    facts = found.facts
    return None if facts is None or facts.silent_limit is None else facts.silent_limit.low_ns // 2


def _client_patience(found: Circumstances) -> int | None:
    """How long the client waited before it gave up, or how long it waited for the response."""
    waits = [
        gone.silence_ns if gone.silence_ns >= SHORTEST_WAIT_NS else gone.age_ns
        for c, e in found.exchanges
        if (gone := given_up(c, e)) is not None
    ]
    return max(waits, default=None) or _upstream(found)


def _connect(_: Circumstances) -> int:
    return _CONNECT_NS


def _pings(_: Circumstances) -> int:
    return _PINGS_NS


def _server_idle(found: Circumstances) -> int | None:
    """What the client's pool waits."""
    band = found.facts.danger_band if found.facts is not None else None
    return None if band is None else band.high_ns


def _longest_idle(found: Circumstances) -> int | None:
    """The longest pause behind which a request was lost."""
    return max((e.idle_before_ns or 0 for _, e in found.exchanges), default=None)


def _requests(found: Circumstances) -> int | None:
    return None if found.facts is None else found.facts.max_requests


def _age(found: Circumstances) -> int | None:
    return None if found.facts is None or found.facts.max_age is None else found.facts.max_age.high_ns


def _upstream(found: Circumstances) -> int | None:
    """How long it took until the response began."""
    waits = [
        e.response.time_ns - e.request.last_ns
        for _, e in found.exchanges
        if e.request is not None and e.response is not None
    ]
    return max(waits, default=None)


def _silence(found: Circumstances) -> int | None:
    """How long nothing had come before the stream was cut."""
    silences = []
    for connection, exchange in found.exchanges:
        if exchange.request is None:
            continue
        heard = exchange.response.last_ns if exchange.response is not None else exchange.request.last_ns
        if exchange.reset is not None:
            silences.append(exchange.reset.time_ns - heard)
        elif connection.closes:
            silences.append(connection.closes[0].time_ns - heard)
    return max(silences, default=None)


def _sending(found: Circumstances) -> int | None:
    """How long the request was under way when the server would wait no longer."""
    spans = [
        max(e.request.last_ns, e.response.time_ns if e.response is not None else 0) - e.request.time_ns
        for _, e in found.exchanges
        if e.request is not None
    ]
    return max(spans, default=None)


def _body(found: Circumstances) -> int | None:
    sizes = [
        e.request.declared_size or e.request.body_size for _, e in found.exchanges if e.request is not None
    ]
    return max(sizes, default=None)


def _head(found: Circumstances) -> int | None:
    heads = [
        len(e.request.method)
        + len(e.request.target)
        + sum(len(name) + len(value) + _FIELD_OVERHEAD for name, value in e.request.headers)
        for _, e in found.exchanges
        if e.request is not None
    ]
    return max(heads, default=None)


def _too_many_pings(found: Circumstances) -> bool:
    """Whether the server said so, in gRPC's own words (grpc/doc/keepalive.md)."""
    return any("too_many_pings" in quoted.text for quoted in found.finding.quotes)


def _too_large(found: Circumstances) -> bool:
    return any(e.response is not None and e.response.status == TOO_LARGE for _, e in found.exchanges)


def _too_large_head(found: Circumstances) -> bool:
    """Whether it is the size of the fields: their number and the target have other settings, told with it."""
    return not any(name in found.finding.advice_server for name in _NOT_SIZE)


def _long_silence(found: Circumstances) -> bool:
    """Whether the server was silent for so long that a timer of whole seconds may have ended its work."""
    return (_silence(found) or 0) >= SECOND_NS


def _statuses(found: Circumstances) -> tuple[int, ...]:
    statuses = {e.response.status for _, e in found.exchanges if e.response is not None}
    return tuple(sorted(status for status in statuses if status >= ERROR_STATUS))


def _may_be_repeated(found: Circumstances) -> bool:
    return found.finding.retry_safe is True and not found.repeated


_NOT_SIZE = ("LimitRequestFields", "LimitRequestLine", "limit_request_fields", "limit_request_line")

_ONLY_IF: dict[Need, Callable[[Circumstances], bool]] = {
    "retries": _may_be_repeated,
    "retries of statuses": _may_be_repeated,
    "ping interval": _too_many_pings,
    "body size limit": _too_large,
    "header size limit": _too_large_head,
    "worker timeout": _long_silence,
}

_Rule = tuple[Literal["", "below", "above"], Callable[[Circumstances], int | None]]

_OF_CLIENT: dict[Need, _Rule] = {
    "idle limit": ("below", _client_idle),
    "TCP keepalive": ("below", _keepalive),
    "read timeout": ("above", _client_patience),
    "connect timeout": ("", _connect),
    "ping interval": ("", _pings),
}

_OF_SERVER: dict[Need, _Rule] = {
    "idle limit": ("above", _server_idle),
    "requests per connection": ("above", _requests),
    "connection age": ("above", _age),
    "path idle limit": ("above", _longest_idle),
    "upstream read timeout": ("above", _upstream),
    "stream idle timeout": ("above", _silence),
    "request read timeout": ("above", _sending),
    "worker timeout": ("above", _silence),
    "body size limit": ("above", _body),
    "header size limit": ("above", _head),
}
