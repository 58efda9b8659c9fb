"""Rule stale-or-poisoned-cache: an older copy came from a cache when a newer one had been seen."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire.diagnose import wording
from plainwire.diagnose.evidence.dates import date_ns
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.traffic.copies import value
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.answered import Answered, AnsweredExchanges
    from plainwire.diagnose.traffic.traffic import Traffic


_LOOKED_AT = 200
"""Connections whose first responses are looked at for a sign of a cache, before all are."""

_MOST_OF_CONNECTION = 4

_OK = 200
"""RFC 9110 section 15.3.1."""

_DATE_SLACK_NS = 1_000_000_000
"""Date has whole seconds (RFC 9110 section 6.6.1)."""

_SELECTING = ("accept", "accept-encoding", "accept-language", "authorization", "cookie", "range", "origin")
"""What responses to one target most often depend on (RFC 9110 section 12.5.5)."""


class _Copy(Struct, frozen=True):
    """A stored response: when its origin made it (Date), and which representation it is of (ETag)."""

    case: Answered
    made_ns: int
    tag: str
    age: int


def stale_or_poisoned_cache(exchanges: AnsweredExchanges) -> list[Verdict]:
    """Responses from a cache that their origin had made before another one that was already seen."""
    if not _has_cache(exchanges.traffic):
        return []
    found: list[Verdict] = []
    for (method, *_), cases in exchanges.by_twin.items():
        if method != "GET" or len(cases) < 2:
            continue
        newest: dict[tuple[str | None, ...], _Copy] = {}
        for case in cases:
            copy = _copy(case)
            if copy is None:
                continue
            variant = tuple(value(case.request, name) for name in _SELECTING)
            known = newest.get(variant)
            if known is None or copy.made_ns >= known.made_ns:
                newest[variant] = copy
            elif copy.age and copy.tag != known.tag and known.made_ns - copy.made_ns > _DATE_SLACK_NS:
                found.append(_verdict(copy, known))
    return found


def _has_cache(traffic: Traffic) -> bool:
    responses = (
        exchange.response
        for connection in islice(traffic.connections, _LOOKED_AT)
        for exchange in connection.exchanges[:_MOST_OF_CONNECTION]
    )
    return any(response is not None and value(response, "age") is not None for response in responses)


def _copy(case: Answered) -> _Copy | None:
    response = case.response
    tag, date, age = (value(response, name) for name in ("etag", "date", "age"))
    made = date_ns(date) if date is not None and len(date) <= len("Sun, 06 Nov 1994 08:49:37 GMT") else None
    if response.status != _OK or tag is None or made is None:
        return None
    seconds = int(age) if age is not None and age.isdigit() and len(age) <= len("2147483648") else 0
    return _Copy(case, made, tag, seconds)


def _verdict(older: _Copy, newer: _Copy) -> Verdict:
    behind = wording.long_span(newer.made_ns - older.made_ns)
    later = wording.span(older.case.response.time_ns - newer.case.response.time_ns)
    return Verdict(
        code="stale-or-poisoned-cache",
        connection=older.case.connection,
        exchanges=(older.case.exchange.id,),
        fault="server",
        grounds=(Ground.INFERENCE,),
        facts=f"The response came from a cache (Age {older.age}) and its origin had made it {behind} before "
        f"the one to exchange {newer.case.exchange.id}, which had come {later} earlier and was of another "
        "version (ETag): an older copy after a newer one, to the same request.",
        evidence=(
            Evidence(newer.case.response.packet, "the newer version"),
            Evidence(older.case.response.packet, f"the older one, later: Age {older.age}"),
        ),
        runner_up="an origin that went back to an older version: refuted, the copy had been made before that",
        retry_safe=True,
        time_ns=older.case.request.time_ns,
    )
