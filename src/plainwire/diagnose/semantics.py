"""Rules of family E: what HTTP says, in exchanges that failed and in those that are complete.

The order is the diagnosis, as in ``procedure``: what a message itself contradicts comes first, then what
the server says by its status, then what was only slow. The first that holds for an exchange explains it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import backends, caches, credentials, desync, framing, path, redirects, statuses, timing
from .survey import Survey

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .verdict import Scene, Verdict
    from .world import World

_RULES: tuple[Callable[[Survey], list[Verdict]], ...] = (
    framing.of_complete,
    desync.responses_to_nothing,
    desync.swapped_identifiers,
    statuses.too_early,
    statuses.misdirected,
    statuses.other_names,
    timing.body_too_slow,
    statuses.header_too_large,
    statuses.blocked,
    statuses.rate_limited,
    credentials.expired,
    statuses.gateway_timeout,
    statuses.server_errors,
    credentials.lost_writes,
    redirects.loops,
    timing.waited_for_continue,
    path.closed_windows,
    timing.resent_requests,
    timing.slow_first_byte,
    timing.slow_body,
    caches.older_copies,
)


def of_complete(world: World, verdicts: Sequence[Verdict]) -> list[Verdict]:
    """What is to be said of complete exchanges that no other rule has explained."""
    survey = Survey(world)
    explained = {number for verdict in verdicts for number in verdict.exchanges}
    found: list[Verdict] = []
    for rule in _RULES:
        fresh = [verdict for verdict in rule(survey) if explained.isdisjoint(verdict.exchanges)]
        explained.update(number for verdict in fresh for number in verdict.exchanges)
        found += fresh
    return found


FAILED_RULES: tuple[Callable[[Scene], Verdict | None], ...] = (
    framing.broken_framing,
    timing.never_continued,
    timing.upload_given_up,
)
"""For exchanges that failed."""

WHOLE_RULES: tuple[Callable[[World, Sequence[Verdict]], list[Verdict]], ...] = (
    of_complete,
    backends.sick_backend,
)
"""For what shows only in many exchanges: each gets all connections and the verdicts so far."""
