"""Rule keepalive-hint-ignored: used again after longer than the server had promised to keep it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.evidence.exchanges import finished_ns
from plainwire.diagnose.evidence.round_trip import shortest_rtt
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.diagnose.verdict import Failures
    from plainwire.model import Connection, Exchange


_HINT = re.compile(r"\btimeout\s*=\s*(\d{1,6})\b", re.IGNORECASE)

_HINT_UNIT_NS = 1_000_000_000
"""Keep-Alive counts seconds."""


def keepalive_hint_ignored(traffic: Traffic, failures: Failures) -> Iterator[Verdict]:
    """Failures by idleness after a pause that the server had said it would not wait for."""
    for verdict in failures.verdicts:
        if not traffic.causes[verdict.code].by_idleness or verdict.fault == "path" or not verdict.exchanges:
            continue
        exchange, before = _with_previous(verdict.connection, verdict.exchanges[-1])
        if exchange is None or exchange.request is None or before is None or before.response is None:
            continue
        limit, idle = _hint(before), exchange.request.time_ns - finished_ns(before)
        if limit is None or idle < limit - (shortest_rtt(verdict.connection) or 0):
            continue
        yield Verdict(
            code="keepalive-hint-ignored",
            connection=verdict.connection,
            exchanges=verdict.exchanges[-1:],
            fault="client",
            grounds=(Ground.INFERENCE,),
            facts=f"The server had said that it keeps idle connections for {wording.span(limit)}; the client "
            f"used this one again after {wording.span(idle)}.",
            evidence=(
                Evidence(before.response.packet, "the response with a Keep-Alive timeout"),
                Evidence(exchange.request.packet, f"the next request, {wording.span(idle)} after it"),
            ),
            runner_up="a client that cannot know the limit: refuted, it was told",
            time_ns=exchange.request.time_ns,
        )


def _with_previous(connection: Connection, number: int) -> tuple[Exchange | None, Exchange | None]:
    before = None
    for exchange in connection.exchanges:
        if exchange.id == number:
            return exchange, before
        if exchange.outcome == "complete":
            before = exchange
    return None, None


def _hint(exchange: Exchange) -> int | None:
    for name, value in exchange.response.headers if exchange.response else ():
        found = _HINT.search(value) if name.lower() == "keep-alive" else None
        if found is not None:
            return int(found[1]) * _HINT_UNIT_NS
    return None
