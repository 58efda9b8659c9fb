"""Closes that met a request for a reason of the server's own: a count, an age, a restart, no announcement.

On the wire each is a keepalive-idle-race: the server's close acknowledges nothing of the request. What
made the server close just then, only its other closes can tell, so that these names are likely at most.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from msgspec.structs import replace

from plainwire.diagnose import wording
from plainwire.diagnose.grounds import Ground
from plainwire.model import Evidence

from .keepalive_idle_race import keepalive_idle_race

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plainwire.diagnose.evidence.idle_close import IdleClose
    from plainwire.diagnose.traffic.idle_closes import Closes
    from plainwire.diagnose.verdict import FailedExchange, Verdict


_MOST_CITED = 4


def surroundings(failed: FailedExchange) -> tuple[IdleClose, Closes] | None:
    """The connection's own idle close, which the request met, and those of all at this server."""
    closes = failed.traffic.idle_closes.get(failed.connection.server)
    own = None if closes is None else closes.of.get(failed.connection.id)
    return None if closes is None or own is None else (own, closes)


def named_close(
    failed: FailedExchange, code: str, why: str, rival: str, others: Sequence[IdleClose]
) -> Verdict | None:
    """The race by a better name: why the server closed, as its other closes tell."""
    race = keepalive_idle_race(failed)
    if race is None:
        return None
    return replace(
        race,
        code=code,
        fault="server",
        grounds=(*race.grounds, Ground.HABIT),
        facts=f"{race.facts} {why}",
        runner_up=rival,
        evidence=with_closes(
            race, others, failed.traffic.idle_closes[failed.connection.server].of[failed.connection.id]
        ),
        advice_client="",
    )


def with_closes(race: Verdict, closes: Sequence[IdleClose], own: IdleClose) -> tuple[Evidence, ...]:
    """The race's evidence, and some of the server's other closes."""
    others = (close for close in closes if close is not own)
    cited = (
        Evidence(
            other.close.packet,
            f"{wording.act(other.close)} from the server on connection {other.connection.id}",
        )
        for other in islice(others, _MOST_CITED)
    )
    return (*race.evidence, *cited)
