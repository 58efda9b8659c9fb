"""Rule dns-slow-5s: the name was resolved only when it was asked for again."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.traffic.name_lookups import MOST_CITED, asked_ns
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.model import Connection, Lookup


_ASKED_AGAIN_NS = 900_000_000
"""Resolvers wait for a second at least before they ask again: glibc for five, musl for two and a half."""

_ONE_SEARCH_NS = 30_000_000_000
"""Questions within this time belong to one search: glibc's timeout of 5 s, two attempts, three servers
(resolv.conf(5))."""


def dns_slow_5s(traffic: Traffic, _verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Connections that began late because a question had to be asked again, here or at another server."""
    found: dict[int, Verdict] = {}
    for lookup in traffic.lookups:
        if lookup.answered_ns is None:
            continue
        began = asked_ns(lookup)
        asked = [
            sending
            for other in traffic.name_lookups.same(lookup, began - _ONE_SEARCH_NS, began)
            if other.client == lookup.client
            and (other is lookup or other.answered_ns is None or other.answered_ns >= began)
            for sending in other.sent
            if sending[1] <= lookup.answered_ns
        ]
        asked.sort(key=lambda sending: sending[1])
        pause = max((b[1] - a[1] for a, b in pairwise(asked)), default=0)
        connection = traffic.name_lookups.first_after(lookup) if pause >= _ASKED_AGAIN_NS else None
        if connection is None:
            continue
        verdict = _slow_verdict(lookup, asked, pause, connection)
        found.setdefault(connection.id, verdict)
    return list(found.values())


def _slow_verdict(
    lookup: Lookup, asked: list[tuple[int, int]], pause: int, connection: Connection
) -> Verdict:
    waited = (lookup.answered_ns or 0) - asked[0][1]
    return Verdict(
        code="dns-slow-5s",
        connection=connection,
        exchanges=(),
        fault="unknown",
        grounds=(Ground.INFERENCE,),
        facts=f"The addresses of {lookup.name} ({lookup.type}) were asked for {len(asked)} times, with a "
        f"pause of {wording.span(pause)}, and came {wording.span(waited)} after the first question, from "
        f"{lookup.server}; only then the connection began.",
        evidence=(
            *(Evidence(packet, "the question") for packet, _ in asked[:MOST_CITED]),
            *((Evidence(lookup.answer, "the answer"),) if lookup.answer is not None else ()),
            Evidence(connection.first_packet, f"connection {connection.id} begins"),
        ),
        runner_up="a slow connection: refuted, the time passed before its first packet",
        retry_safe=True,
        time_ns=asked[0][1],
    )
