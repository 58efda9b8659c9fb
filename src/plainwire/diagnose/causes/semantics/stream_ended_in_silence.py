"""Rule stream-idle-timeout, where the limit ended the message in order: nobody cut it, and nobody had more.

A gateway that gives its silent upstream up ends the stream to its client as if the response were complete
(haproxy in HTTP/2: an empty frame with END_STREAM). Only the time tells: streams of events that end without a
byte, each after the same silence, longer than any pause within them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire import plurals
from plainwire.diagnose import wording
from plainwire.diagnose.evidence.exchanges import IDEMPOTENT, SUCCESS
from plainwire.diagnose.evidence.targets import template
from plainwire.diagnose.evidence.timers import same_time, usual_time
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.thresholds import LONG_NS
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence

if TYPE_CHECKING:
    from collections.abc import Iterable

    from plainwire.diagnose.traffic.answered import Answered, AnsweredExchanges

_FEWEST, _FEWEST_UNUSUAL = 2, 3
"""So many of one silence are a limit: where people configure that time, and where they do not."""

_LONGER = 1.3
"""A silence within a stream that went on is its own pace; that before a limit is longer by this factor."""


class _Ended(Struct, frozen=True):
    """A stream that ended so, and the silence before its end, in ns."""

    case: Answered
    silence_ns: int
    survived_ns: int
    events: int


def stream_ended_in_silence(exchanges: AnsweredExchanges) -> list[Verdict]:
    """Complete streams of events that a limit of silence ended."""
    kinds: dict[tuple[object, ...], list[_Ended]] = {}
    for ended in filter(None, map(_ended, exchanges.streams)):
        request = ended.case.request
        place = ended.case.connection.server, request.method, template(request.target)
        kinds.setdefault(place, []).append(ended)
    return [verdict for ended in kinds.values() for verdict in _of_kind(ended)]


def _ended(case: Answered) -> _Ended | None:
    events, response = case.response.event_stream, case.response
    if events is None or not events.events or not response.complete or response.defects:
        return None
    silence = response.last_ns - events.last_ns
    return _Ended(case, silence, events.longest_pause_ns, events.events)


def _of_kind(streams: list[_Ended]) -> Iterable[Verdict]:
    survived = max(each.survived_ns for each in streams)
    silent = [each for each in streams if each.silence_ns >= LONG_NS and _is_cut(each)]
    for each in silent:
        same = [s.silence_ns for s in silent if same_time(each.silence_ns, s.silence_ns, server=True)]
        usual = any(usual_time(silence, server=True) for silence in same)
        enough = len(same) >= (_FEWEST if usual else _FEWEST_UNUSUAL)
        if enough and each.silence_ns > survived * _LONGER:
            yield _verdict(each, same, survived)


def _is_cut(ended: _Ended) -> bool:
    """Whether the stream may have had more to say: its own protocol did not close it."""
    events = ended.case.response.event_stream
    whole = events is None or events.closing_packet is not None or events.error_packet is not None
    return not whole and ended.case.response.status in SUCCESS


def _verdict(ended: _Ended, same: list[int], survived: int) -> Verdict:
    case, silence = ended.case, wording.span(ended.silence_ns)
    request, response = case.request, case.response
    spread = f"{wording.span(min(same))} to {wording.span(max(same))}"
    return Verdict(
        code="stream-idle-timeout",
        connection=case.connection,
        exchanges=(case.exchange.id,),
        fault="server",
        grounds=(Ground.HABIT,),
        facts=f"{plurals.some(ended.events, 'event')} ({plurals.count(response.body_size, 'byte')}) had "
        f"come; then nothing for {silence}, and the server's side ended the response, in order and without "
        f"another byte. {len(same)} such streams ended after the same silence, {spread}: a limit of silence, "
        "of a gateway that gave up what is behind it. The longest pause within them that they survived is "
        f"{wording.span(survived)}.",
        evidence=(
            Evidence(request.packet, "the request"),
            Evidence(response.packet, f"the response begins, status {response.status}"),
            Evidence(response.last_packet, f"the response ends, {silence} after its last event"),
        ),
        runner_up="a server that itself ends a stream after so long without events: looks the same",
        retry_safe=request.method in IDEMPOTENT,
        time_ns=request.time_ns,
    )
