"""How often requests failed on the wire, beside what the program was told: what its library hid.

A library repeats a failed request and the program sees one, slow, success. What makes a copy an attempt of
the same operation stands in ``traffic/repetitions.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose.traffic.backoffs import described
from plainwire.diagnose.traffic.copies import value
from plainwire.diagnose.traffic.repetitions import made_good, series
from plainwire.diagnose.traffic.spare_copies import spare_copies
from plainwire.model import Attempts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from plainwire.diagnose.traffic.told_failures import ToldFailures
    from plainwire.model import Connection, Finding

TWICE = "unsafe-retry-duplicate"

_FAILED = frozenset({"unanswered", "truncated", "refused", "aborted"})


def attempts(
    connections: Sequence[Connection],
    findings: Sequence[Finding],
    spoken: Mapping[int, ToldFailures] | None = None,
) -> Attempts | None:
    """The totals; None where no request failed. ``spoken``: when the program told of failures."""
    spare = spare_copies(connections)
    told = {number for finding in findings if finding.failure for number in finding.exchanges}
    sent = {
        e.id: e
        for c in connections
        for e in c.exchanges
        if e.request is not None and not e.pushed and not e.stopped and e.id not in spare
    }
    failed = {number for number, e in sent.items() if e.outcome in _FAILED or number in told}
    operations = series(connections, failed, spoken)
    failed |= {attempt.exchange.id for found in operations for attempt in found.attempts[:-1]}
    failed |= {found.last.exchange.id for found in operations if not made_good(found, failed)}
    if not failed:
        return None
    repeated = sum(len(found.pauses) for found in operations)
    hidden = sum(len(found.pauses) for found in operations if found.last.exchange.id not in failed)
    twice = {number for f in findings if f.code == TWICE for number in f.exchanges if number in failed}
    return Attempts(
        sent=len(sent),
        failed=len(failed),
        asked=len(sent) - repeated,
        repeated=repeated,
        hidden=hidden,
        perhaps_twice=len(twice),
        backoff=described([(value(o.last.request, "user-agent"), o.pauses) for o in operations])
        if operations
        else "",
    )
