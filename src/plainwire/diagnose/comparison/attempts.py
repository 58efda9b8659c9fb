"""How often requests failed on the wire, beside what the program was told: what its library hid.

A library repeats a failed request and the program sees one, slow, success. What a failure of such a request
was followed by on the wire tells; the pauses in between tell which library it may have been.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire.diagnose.thresholds import SECOND_NS
from plainwire.model import Attempts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from plainwire.model import Connection, Exchange, Finding, Request

    Key = tuple[str, str, str | None, int | None]


RETRY = "hidden-retry"


TWICE = "unsafe-retry-duplicate"


_FAILED = frozenset({"unanswered", "truncated", "refused", "aborted"})


_NEXT_ATTEMPT_NS = 120_000_000_000
"""A later one is an attempt of its own."""


class Backoff(Struct, frozen=True):
    """Pauses before the first, second, ... repetition, in seconds; what makes such.

    ``doubling``: any pauses whose ratio is two, from the second on.
    """

    name: str
    pauses: tuple[float, ...] = ()
    doubling: bool = False

    def fits(self, pauses: Sequence[int]) -> bool:
        """Whether the pauses (ns) of one request are such."""
        seconds = [pause / SECOND_NS for pause in pauses]
        if self.doubling:
            ratios = [later / earlier for earlier, later in pairwise(seconds[1:]) if earlier > 0]
            return len(ratios) >= _FEWEST_RATIOS and all(_DOUBLE[0] < ratio < _DOUBLE[1] for ratio in ratios)
        return len(seconds) <= len(self.pauses) and all(
            pause <= second <= pause * _LATE + _SLOW
            for pause, second in zip(self.pauses, seconds, strict=False)
        )


_FEWEST_RATIOS = 2
"""Two ratios, of three pauses, tell a doubling from two pauses that happen to be so."""


_DOUBLE = (1.8, 2.3)
"""Ratios of pauses that double, with some jitter (chosen)."""


_LATE, _SLOW = 1.05, 0.15
"""A pause is never shorter than it is set; connecting anew and a busy machine make it longer."""


BACKOFFS = (
    Backoff("at once, as curl, aiohttp, Go and the JDK's clients repeat", (0.0,)),
    Backoff("1, 2, 4, ... s, as python-swiftclient pauses", (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)),
    Backoff(
        "at once, then 1, 2, 4, ... s, as urllib3 pauses with backoff_factor 0.5",
        (0.0, 1.0, 2.0, 4.0, 8.0, 16.0),
    ),
    Backoff("at once each time, as urllib3 pauses without a backoff_factor", (0.0,) * 10),
    Backoff("doubling pauses, as many libraries' backoff", doubling=True),
)
"""Told by the first that fits all."""


def attempts(connections: Sequence[Connection], findings: Sequence[Finding]) -> Attempts | None:
    """The totals; None where no request failed."""
    told = {number for finding in findings if finding.failure for number in finding.exchanges}
    sent = [e for c in connections for e in c.exchanges if e.request is not None and not e.pushed]
    failed = {e.id for e in sent if e.outcome in _FAILED or e.id in told}
    if not failed:
        return None
    paired = {number for finding in findings if finding.code == RETRY for number in finding.exchanges}
    chains = _chains(sent, failed, paired)
    repeated = sum(len(chain) - 1 for chain in chains)
    hidden = sum(len(chain) - 1 for chain in chains if chain[-1].id not in failed)
    twice = {number for f in findings if f.code == TWICE for number in f.exchanges if number in failed}
    return Attempts(
        sent=len(sent),
        failed=len(failed),
        asked=len(sent) - repeated,
        repeated=repeated,
        hidden=hidden,
        perhaps_twice=len(twice),
        backoff=_backoff(connections, chains),
    )


def _chains(sent: Iterable[Exchange], failed: set[int], paired: set[int]) -> list[list[Exchange]]:
    """Each request that was sent again after it failed: its copies, in order of time.

    A program may repeat a request by itself, so that nothing counts that only looks like it.
    """
    copies: dict[Key, list[Exchange]] = {}
    for exchange in sent:
        if exchange.id in failed or exchange.id in paired:
            copies.setdefault(_key(exchange), []).append(exchange)
    found = []
    for same in copies.values():
        chain: list[Exchange] = []
        for exchange in sorted(same, key=_time):
            if chain and _follows(chain[-1], exchange, failed):
                chain.append(exchange)
                continue
            found.append(chain)
            chain = [exchange]
        found.append(chain)
    return [chain for chain in found if len(chain) > 1 and _judged(chain, paired)]


def _judged(chain: Sequence[Exchange], paired: set[int]) -> bool:
    """Rule hidden-retry says so; or nothing was answered, and the pauses are a library's."""
    if chain[-1].id in paired:
        return all(exchange.id in paired for exchange in chain)
    pauses = [_time(after) - _time(before) for before, after in pairwise(chain)]
    return any(pause > SECOND_NS / 2 for pause in pauses) and any(each.fits(pauses) for each in BACKOFFS)


def _follows(before: Exchange, exchange: Exchange, failed: set[int]) -> bool:
    return before.id in failed and _time(exchange) - _time(before) <= _NEXT_ATTEMPT_NS


def _request(exchange: Exchange) -> Request:
    if exchange.request is None:
        raise AssertionError
    return exchange.request


def _key(exchange: Exchange) -> Key:
    request = _request(exchange)
    return request.method, request.target, request.authority, request.body_digest


def _time(exchange: Exchange) -> int:
    return _request(exchange).time_ns


def _backoff(connections: Sequence[Connection], chains: Sequence[Sequence[Exchange]]) -> str:
    if not chains:
        return ""
    by_id = {connection.id: connection for connection in connections}
    pauses = [
        [_pause(before, after, by_id[before.connection]) for before, after in pairwise(chain)]
        for chain in chains
    ]
    return next((each.name for each in BACKOFFS if all(map(each.fits, pauses))), "")


def _pause(before: Exchange, after: Exchange, connection: Connection) -> int:
    """From the failure to the first packet of the next attempt's request; never below 0."""
    began = _request(before).time_ns
    ends = [close.time_ns for close in connection.closes if began <= close.time_ns <= _time(after)]
    return max(0, _time(after) - (min(ends) if ends else _request(before).last_ns))
