"""Requests that failed and were sent again: which copies are attempts of one operation.

Copies are equal in method, target, authority, body and lasting header fields, and come from one process where
that is known, else from one host; a request for the rest of what was cut (``Range``) is one as well. The next
copy after a failure is its repetition where

1. a header says that both are one operation (``amz-sdk-invocation-id`` and the like);
2. or it follows sooner than the request follows itself where nothing failed, which is not at once;
3. or after just the pause that the client, by its User-Agent, makes before it repeats;
4. or after just the time that the server asked to wait (Retry-After);
5. or the server had said that it did not work on it, and the client is one that then sends it again itself;
6. or the request is sent again at a pause only where it had failed, each time, and else at once;
7. or a kept connection ended without a byte of response, and the client is one that then repeats at once.

Whoever sends a request again and again by itself fits none of these. Nor does a library hide what the program
itself told of before it went on (``ToldFailures``).
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter, defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from plainwire.diagnose.evidence.closes import client_first, first_close
from plainwire.diagnose.evidence.exchanges import ERROR_STATUS, IDEMPOTENT, finished_ns, shares_connection
from plainwire.diagnose.thresholds import SECOND_NS
from plainwire.model import Evidence, Side

from .backoffs import (
    AT_ONCE_NS,
    grow,
    habitual_pause,
    made_by_library,
    repeats_what_a_kept_connection_lost,
    repeats_what_was_refused,
)
from .copies import twin, value
from .parts import Parts, rest_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from plainwire.diagnose.traffic.told_failures import ToldFailures
    from plainwire.model import CloseEvent, Connection, Exchange, Request, StreamEvent

    from .parts import Group

REPEATED = frozenset((408, 429, 500, 502, 503, 504, *range(520, 531)))
"""Statuses that HTTP libraries repeat: urllib3's and botocore's examples, axios-retry, Go's retryablehttp;
the last are Cloudflare's, and overloaded models' (529), which SDKs repeat as all of 500 and more."""

OPERATION_FIELDS = (
    "amz-sdk-invocation-id",
    "x-ms-client-request-id",
    "x-goog-gcs-idempotency-token",
    "idempotency-key",
)
"""Header fields that have one value in all attempts of one operation, and another in each other one."""

_COUNTERS = ("x-stainless-retry-count", "grpc-previous-rpc-attempts")
"""Header fields that say how many attempts there were before."""

WITHIN_NS = 120_000_000_000
"""A copy later than this after the failure is a request of its own (chosen: clients wait a minute or so)."""

REFUSED_WITHIN_NS = 5_000_000_000
"""So soon a client sends again what was refused: Go at once, then after 1, 2 and 4 s."""

_MUCH_QUICKER = 3
"""Times as quick as the request otherwise follows itself (chosen: a program's own pace varies)."""

_FEWEST_SLOW, _FEWEST_PAUSES = 2, 4
"""Pauses after failures, and pauses in all, that show that a program pauses only there (chosen)."""

_SLOW_NS = 100_000_000
"""Nobody sets a shorter pause before a repetition; what is shorter is work (chosen)."""

_ALIKE, _ALIKE_NS = 1.3, 100_000_000
"""Pauses of one length: set equal, and made longer by new connections and jitter (chosen)."""

_FEWEST_COME_AGAIN = 3
"""Pauses that come again in the same order: fewer may be chance (chosen)."""

_LATE, _LATE_NS = 0.1, 300_000_000
"""Who waits as it was told sends a little later, never sooner (chosen)."""

_LONGEST = 11
"""Attempts of one operation; more are a program that asks until it is answered (clients repeat 3 to 5
times by default, the AWS SDKs for DynamoDB 10 times)."""

_MOST_COMPARED = 100

_DIGITS = 7
"""Nobody waits for longer than a number of so many digits of seconds."""

_VOLATILE = re.compile(
    r"date|time|trace|span|request-?id|trans-?id|correlation|attempt|retry|invocation|authorization|signature|nonce|"
    r"cookie|connection|^amz-sdk|^accept-encoding$|^te$|^expect$|^content-length$|^transfer-encoding$|"
    r"^upgrade$|^http2-settings$",
    re.IGNORECASE,
)
"""Header fields that a library may write anew, or leave out, when it repeats a request: Apache HttpClient 5
repeats without Accept-Encoding, the JDK offers HTTP/2 with the first request of a connection only."""


class Sending(Struct, frozen=True):
    """One sending of a request."""

    connection: Connection
    exchange: Exchange
    request: Request


class Ended(Struct, frozen=True):
    """When an attempt had failed, and the packet that ended its connection or stream, where one did."""

    at_ns: int
    end: Evidence | None


class Series(Struct, frozen=True):
    """The attempts of one operation, in order of time: all but the last failed, and the last perhaps.

    ``pauses`` (ns) are from each failure to the next attempt. ``said``: a header says that they are one.
    ``paced``: each was sent again at a pause that is made behind failures only.
    """

    attempts: tuple[Sending, ...]
    pauses: tuple[int, ...]
    said: bool
    paced: bool = False

    @property
    def last(self) -> Sending:
        """The attempt with which it ended."""
        return self.attempts[-1]


class _Pace(Struct, frozen=True):
    """How soon a request follows itself at the soonest where nothing had failed (ns); and the failures, by
    exchange, behind which it is sent again at a pause that is made nowhere else.
    """

    usual_ns: int | None
    slow: frozenset[int]


def was_refused(exchange: Exchange) -> bool:
    """Whether it has a whole response whose status libraries take as a reason to try again."""
    return (
        exchange.outcome == "complete"
        and exchange.response is not None
        and exchange.response.status in REPEATED
    )


def ended(connection: Connection, exchange: Exchange) -> Ended:
    """What ended a failed exchange.

    Without a packet where a GOAWAY left it out, as its connection went on.
    """
    request, response = exchange.request, exchange.response
    sent_ns = 0 if request is None else request.last_ns
    left = client_first(connection)
    in_time = response is not None and (left is None or left.time_ns >= response.last_ns)
    if exchange.outcome == "complete" and response is not None and in_time:
        what, packet = f"its response, status {response.status}", response.packet
        if exchange.grpc is not None and exchange.grpc.status:
            what, packet = f"its end, grpc-status {exchange.grpc.status}", exchange.grpc.status_packet
        return Ended(max(sent_ns, response.last_ns), Evidence(packet, what))
    event = _end(connection, exchange)
    if event is None:
        return Ended(sent_ns, None)
    what = "stream" if event is exchange.reset else "connection"
    return Ended(max(sent_ns, event.time_ns), Evidence(event.packet, f"the end of its {what}"))


def _end(connection: Connection, exchange: Exchange) -> CloseEvent | StreamEvent | None:
    if exchange.reset is not None:
        return exchange.reset
    if exchange.outcome == "refused":
        return None
    return client_first(connection) or first_close(connection, Side.SERVER)


def series(
    connections: Sequence[Connection], failed: set[int], spoken: Mapping[int, ToldFailures] | None = None
) -> list[Series]:
    """All operations of more than one attempt.

    ``failed``: exchanges, by id, beside those that were refused. ``spoken``: by process, when it told of
    failures.
    """
    told = _told_of(connections, failed, spoken or {})
    return [
        found
        for copies in _groups(connections, failed).values()
        for chain in _of_group(sorted(copies, key=_sent), failed, told)
        for found in _operations(chain, failed)
    ]


def _told_of(
    connections: Sequence[Connection], failed: set[int], spoken: Mapping[int, ToldFailures]
) -> Mapping[int, ToldFailures]:
    """Without the processes that told of some failures at the end, and of fewer than there were."""
    bad: Counter[int] = Counter()
    for connection in connections if any(each.untimed for each in spoken.values()) else ():
        if connection.program is not None:
            bad[connection.program.pid] += sum(e.id in failed or was_refused(e) for e in connection.exchanges)
    return {
        pid: replace(each, untimed=0) if each.untimed < bad[pid] else each for pid, each in spoken.items()
    }


def _groups(connections: Sequence[Connection], failed: set[int]) -> dict[Group, list[Sending]]:
    """The copies of each request of which one failed."""
    wanted = {
        twin(e.request)
        for c in connections
        for e in c.exchanges
        if e.request is not None and e.request.method != "CONNECT" and (e.id in failed or was_refused(e))
    }
    targets = {name[1] for name in wanted}
    copies = [
        Sending(connection, exchange, exchange.request)
        for connection in (connections if wanted else ())
        for exchange in connection.exchanges
        if exchange.request is not None and exchange.request.target in targets and not exchange.pushed
    ]
    found: dict[Group, list[Sending]] = defaultdict(list)
    parts = Parts()
    for copy in sorted(copies, key=_sent):
        if twin(copy.request) in wanted:
            program, client = copy.connection.program, copy.connection.client.address
            group = client if program is None else program.pid, twin(copy.request), _lasting(copy.request)
            found[parts.of_whole(group, copy.exchange, copy.request)].append(copy)
    return found


def _lasting(request: Request) -> tuple[tuple[str, str], ...]:
    """The header fields that are the same in each copy of one request."""
    return tuple(sorted((name.lower(), text) for name, text in request.headers if not _VOLATILE.search(name)))


def _of_group(copies: list[Sending], failed: set[int], told: Mapping[int, ToldFailures]) -> Iterator[Series]:
    """Each failed copy is given the next copy that nobody else repeats."""

    def bad(copy: Sending) -> bool:
        return copy.exchange.id in failed or was_refused(copy.exchange)

    usual = _usual_pauses(copies, bad)
    usual_ns = min(usual, default=None)
    ends = {c.exchange.id: ended(c.connection, c.exchange) for c in copies if bad(c)}
    slow = _after_pauses(copies, bad, ends, usual)
    followed: dict[int, Sending] = {}
    taken: set[int] = set()
    lengths: dict[int, int] = {}
    for copy in sorted(filter(bad, copies), key=lambda c: ends[c.exchange.id].at_ns):
        place = lengths.get(copy.exchange.id, 0)
        free = _later(copies, ends[copy.exchange.id].at_ns, taken)
        after = _next(copy, ends[copy.exchange.id].at_ns, free, place, _Pace(usual_ns, slow))
        if after is not None and not _said_between(copy, after, ends[copy.exchange.id].at_ns, told):
            followed[copy.exchange.id] = after
            taken.add(after.exchange.id)
            lengths[after.exchange.id] = place + 1
    for copy in copies:
        if copy.exchange.id in followed and copy.exchange.id not in taken:
            yield _series(copy, followed, ends, slow)


def _usual_pauses(copies: Sequence[Sending], bad: Callable[[Sending], bool]) -> list[int]:
    """The times in which the request followed itself where nothing had failed."""
    return [
        after.request.time_ns - finished_ns(before.exchange)
        for before, after in pairwise(copies)
        if not bad(before)
    ]


def _after_pauses(
    copies: Sequence[Sending],
    bad: Callable[[Sending], bool],
    ends: Mapping[int, Ended],
    usual: Sequence[int],
) -> frozenset[int]:
    """The failures behind which the request is sent again at a pause, where it follows itself at once
    everywhere else: that it waits only there is what a loop with a pace of its own does not do.

    The first repetition of each operation may be made at once, as by urllib3, where each one's is. What
    follows at once later on is the next operation: the one before was given up.
    """
    if not usual:
        return frozenset()
    least = max(_SLOW_NS, _MUCH_QUICKER * max(usual))
    repeated: set[int] = set()
    slow = given_up = 0
    made = len(usual)
    at_once_first: bool | None = None
    for run in _runs(copies, bad, ends):
        begins, pauses = True, [pause for _, pause in run]
        made += len(pauses)
        at_once_first = pauses[0] < least if at_once_first is None else at_once_first
        for place, (number, pause) in enumerate(run):
            if pause >= least:
                slow += 1
            elif not (at_once_first and begins and any(p >= least for p in pauses[place + 1 : place + 2])):
                begins, given_up = True, given_up + 1
                continue
            begins = False
            repeated.add(number)
    few = slow < _FEWEST_SLOW or made < _FEWEST_PAUSES
    return frozenset() if few or 2 * given_up > slow else frozenset(repeated)


def _runs(
    copies: Sequence[Sending], bad: Callable[[Sending], bool], ends: Mapping[int, Ended]
) -> Iterator[list[tuple[int, int]]]:
    """Failures in a row, each by its exchange, with the time from its end to the next copy."""
    run: list[tuple[int, int]] = []
    for before, after in pairwise(copies):
        if bad(before):
            run.append((before.exchange.id, after.request.time_ns - ends[before.exchange.id].at_ns))
        if run and not bad(after):
            yield run
            run = []
    if run:
        yield run


def _said_between(copy: Sending, after: Sending, at_ns: int, told: Mapping[int, ToldFailures]) -> bool:
    """Whether the program told of the failure before it went on: it saw it, and it is its own loop."""
    program = copy.connection.program
    words = None if program is None else told.get(program.pid)
    if words is None or _same_operation(copy.request, after.request):
        return False
    return words.tells(at_ns, after.request.time_ns)


def _later(copies: Sequence[Sending], at_ns: int, taken: set[int]) -> Iterator[Sending]:
    begin = bisect_left(copies, at_ns, key=_sent)
    for copy in copies[begin : begin + _MOST_COMPARED]:
        if copy.request.time_ns > at_ns + WITHIN_NS:
            return
        if copy.exchange.id not in taken:
            yield copy


def _next(copy: Sending, at_ns: int, later: Iterable[Sending], place: int, pace: _Pace) -> Sending | None:
    """The repetition of a failed copy, ``place`` of its operation; None where there is none for certain."""
    for other in later:
        rest = rest_of(copy.exchange, copy.request, other.request)
        same = _same_operation(copy.request, other.request) if rest is None else rest
        if same is False or other is copy:
            continue
        here = copy.connection.id == other.connection.id
        if here and not shares_connection(copy.exchange) and not was_refused(copy.exchange):
            continue  # what a connection of HTTP/1 carries behind a failure was sent before it was known
        if here and copy.exchange.outcome == "refused" and copy.exchange.reset is None:
            continue  # the same GOAWAY leaves that copy out as well (RFC 9113 section 6.8)
        return other if same or _repeats(copy, other, other.request.time_ns - at_ns, place, pace) else None
    return None


def _repeats(copy: Sending, other: Sending, pause_ns: int, place: int, pace: _Pace) -> bool:
    """Whether the next copy, so long after the failure, is its repetition; headers say nothing of it."""
    usual_ns = pace.usual_ns
    quicker = usual_ns is None or (usual_ns >= AT_ONCE_NS and usual_ns > _MUCH_QUICKER * pause_ns)
    if usual_ns is None or quicker or copy.exchange.id in pace.slow:
        return True
    asked_ns = _asked_to_wait(copy.exchange)
    if asked_ns is not None and asked_ns <= pause_ns <= asked_ns + max(_LATE_NS, int(_LATE * asked_ns)):
        return True
    agent = value(copy.request, "user-agent")
    if copy.exchange.outcome == "refused" and repeats_what_was_refused(agent):
        return pause_ns <= REFUSED_WITHIN_NS
    elsewhere = copy.connection.id != other.connection.id
    if elsewhere and pause_ns < AT_ONCE_NS and _lost_by_kept_connection(copy):
        return repeats_what_a_kept_connection_lost(agent)
    return habitual_pause(agent, place, pause_ns) and usual_ns < pause_ns // 2


def _lost_by_kept_connection(copy: Sending) -> bool:
    exchange = copy.exchange
    lost = exchange.outcome in ("unanswered", "aborted") and exchange.response is None
    return (
        lost
        and exchange.ordinal > 1
        and copy.request.method in IDEMPOTENT
        and not shares_connection(exchange)
    )


def _asked_to_wait(exchange: Exchange) -> int | None:
    """What Retry-After says, in ns (RFC 9110 section 10.2.3); None where it says no number of seconds."""
    text = None if exchange.response is None else value(exchange.response, "retry-after")
    return int(text) * SECOND_NS if text is not None and text.isdecimal() and len(text) < _DIGITS else None


def _same_operation(one: Request, other: Request) -> bool | None:
    """What the headers say of two copies; None where they say nothing."""
    for name in OPERATION_FIELDS:
        mine, its = value(one, name), value(other, name)
        if mine is not None and its is not None:
            return mine == its
    for name in _COUNTERS:
        mine, its = value(one, name), value(other, name)
        if its is not None and its.isdecimal():
            return int(its) == (int(mine) if mine is not None and mine.isdecimal() else 0) + 1
    return None


def _series(
    first: Sending, followed: dict[int, Sending], ends: dict[int, Ended], slow: frozenset[int]
) -> Series:
    attempts, pauses, said = [first], [], True
    while (after := followed.get(attempts[-1].exchange.id)) is not None:
        before = attempts[-1]
        pauses.append(after.request.time_ns - ends[before.exchange.id].at_ns)
        said = said and _same_operation(before.request, after.request) is True
        attempts.append(after)
    paced = all(attempt.exchange.id in slow for attempt in attempts[:-1])
    return Series(tuple(attempts), tuple(pauses), said, paced)


def _operations(chain: Series, failed: set[int]) -> list[Series]:
    """What a chain of copies tells of: one operation, or several that each were given up, or none."""
    parts = _given_up(chain)
    if parts:
        return [part for part in parts if part.pauses]
    return [chain] if _telling(chain, failed) else []


def _given_up(chain: Series) -> list[Series]:
    """The operations of a chain whose pauses come again, in the same order: each was given up, and the next
    one begun after another pause. Empty where they do not.
    """
    pauses = chain.pauses
    if chain.said:
        return []
    for each in range(1, len(pauses) // 2 + 1):
        blocks = [pauses[i : i + each] for i in range(0, len(pauses), each + 1)]
        between = [pauses[i] for i in range(each, len(pauses), each + 1)]
        whole = [block for block in blocks if len(block) == each]
        if (
            len(whole) > 1
            and each * len(whole) >= _FEWEST_COME_AGAIN
            and any(pause > _SLOW_NS for pause in whole[0])
            and all(map(_alike, [whole[0]] * len(blocks), blocks))
            and not any(_alike((whole[0][-1],), (pause,)) for pause in between)
        ):
            return [
                Series(chain.attempts[i : i + len(block) + 1], block, said=False)
                for i, block in zip(range(0, len(pauses) + 1, each + 1), [*blocks, ()], strict=False)
            ]
    return []


def _alike(some: Sequence[int], others: Sequence[int]) -> bool:
    """Whether the pauses are of one length each, as far as both go."""
    return all(
        max(one, other) <= _ALIKE * min(one, other) + _ALIKE_NS
        for one, other in zip(some, others, strict=False)
    )


def _telling(found: Series, failed: set[int]) -> bool:
    """Whether these are attempts of a client, and not a program that asks until it is answered.

    Where none was answered, only a header can tell, or pauses that a library makes, that grow, or that are
    made behind failures only.
    """
    if found.said:
        return True
    if len(found.attempts) > _LONGEST:
        return False
    if found.paced:
        return True
    agent = value(found.last.request, "user-agent")
    return made_good(found, failed) or made_by_library(agent, found.pauses) or grow(found.pauses)


def made_good(found: Series, failed: set[int]) -> bool:
    """Whether its last attempt was answered as it should be."""
    last = found.last.exchange
    if last.outcome != "complete" or last.id in failed or was_refused(last) or last.response is None:
        return False
    refused = any(was_refused(attempt.exchange) for attempt in found.attempts)
    return not refused or last.response.status < ERROR_STATUS


def _sent(copy: Sending) -> int:
    return copy.request.time_ns
