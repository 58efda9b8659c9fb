"""Rule idle-close-by-reset: the idle connection was ended by a reset instead of a close."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from plainwire.diagnose import wording

from .idle_close_named import surroundings, with_closes
from .keepalive_idle_race import keepalive_idle_race

if TYPE_CHECKING:
    from plainwire.diagnose.verdict import FailedExchange, Verdict


def idle_close_by_reset(failed: FailedExchange) -> Verdict | None:
    """A verdict where a server ended an idle connection by RST, and a request met it."""
    met = surroundings(failed)
    race = keepalive_idle_race(failed)
    if met is None or race is None or met[0].close.kind != "rst":
        return None
    own, closes = met
    resets = closes.resets_like(own)
    pattern = (
        f" It ended {len(resets)} idle connections like this, after {wording.span(resets[0].idle_ns)} to "
        f"{wording.span(resets[-1].idle_ns)}."
        if len(resets) > 1
        else ""
    )
    return replace(
        race,
        code="idle-close-by-reset",
        facts=race.facts + pattern,
        runner_up="lb-idle-reset: the reset looks like the server's other packets; a middlebox that imitates "
        "them cannot be excluded from here",
        evidence=with_closes(race, resets, own),
    )
