"""Which connections began with a question to a name server."""

from __future__ import annotations

import bisect
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from plainwire.model import Connection, Lookup

_SOON_NS = 1_000_000_000
"""Between the answer and the connection; after longer it came from a cache (chosen)."""

_Answers = list[tuple[int, "Lookup"]]


def assign(lookups: Iterable[Lookup], connections: Iterable[Connection]) -> None:
    """Give each connection the question that it waited for.

    That is the last one that its client had answered with the server's address right before, and that no
    earlier connection waited for.
    """
    answers: dict[tuple[str, str], _Answers] = {}
    for lookup in lookups:
        if lookup.answered_ns is not None:
            for address in lookup.addresses:
                answers.setdefault((lookup.client, address), []).append((lookup.answered_ns, lookup))
    if not answers:
        return
    for each in answers.values():
        each.sort(key=lambda answer: answer[0])
    used: set[int] = set()
    for connection in sorted(connections, key=lambda c: c.opened_ns):
        known = answers.get((connection.client.address, connection.server.address), [])
        place = bisect.bisect_right(known, connection.opened_ns, key=lambda answer: answer[0]) - 1
        if place < 0:
            continue
        answered_ns, lookup = known[place]
        if connection.opened_ns - answered_ns <= _SOON_NS and id(lookup) not in used:
            used.add(id(lookup))
            connection.lookup = lookup
