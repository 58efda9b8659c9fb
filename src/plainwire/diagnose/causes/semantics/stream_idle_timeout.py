"""Rule stream-idle-timeout: a response was cut after a silence that only a time limit keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire import plurals
from plainwire.diagnose import wording
from plainwire.diagnose.evidence.cuts import cut_of
from plainwire.diagnose.evidence.timers import usual_time
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.thresholds import LONG_NS
from plainwire.diagnose.traffic.given_up import given_up
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence, Side

if TYPE_CHECKING:
    from plainwire.diagnose.evidence.cuts import Cut
    from plainwire.diagnose.verdict import FailedExchange
    from plainwire.model import Response


def stream_idle_timeout(failed: FailedExchange) -> Verdict | None:
    """A verdict where the server's side cut a begun response after constant, or usual, silence.

    A cut at any other time is for the rules about responses that were cut, which name the silence as well.
    """
    cut = cut_of(failed.connection, failed.exchange)
    if cut is None:
        return None
    cuts = failed.traffic.silent_cuts[failed.connection.server]
    limit = None if cuts.at_one_byte(cut) else cuts.limit_of(cut)
    behind = _behind(failed)
    if limit is None and behind is None:
        return None
    if behind is None and limit is not None and limit.count == 1 and _announced(failed, cut):
        return None
    sure = behind is not None or (limit is not None and limit.count > 1)
    response = cut.response
    return Verdict(
        code="stream-idle-timeout",
        connection=failed.connection,
        exchanges=(failed.exchange.id, *(() if behind is None else (behind.exchange,))),
        fault="server",
        grounds=(Ground.HABIT,) if sure else (Ground.ONCE,),
        facts=f"{_came(response)} had come; then nothing for {wording.span(cut.silence_ns)}, and the "
        f"server's side cut the response ({cut.act}).{f' {limit.says}' if limit is not None else ''}"
        f"{'' if behind is None else behind.says}{_heartbeats(response)}",
        evidence=(
            Evidence(cut.request.packet, "the request"),
            Evidence(response.packet, f"the response begins, status {response.status}"),
            Evidence(response.last_packet, "the last byte of the response"),
            Evidence(cut.packet, f"{cut.act} from the server, {wording.span(cut.silence_ns)} later"),
            *(() if behind is None else behind.evidence),
        ),
        runner_up=_rival(cut, sure=sure),
        retry_safe=failed.idempotent,
        time_ns=failed.request.time_ns,
    )


def _announced(failed: FailedExchange, cut: Cut) -> bool:
    """Whether a GOAWAY had announced the end of the connection: its age is then what ended it."""
    return failed.exchange.reset is None and any(
        event.side == Side.SERVER and event.time_ns <= cut.time_ns
        for event in failed.traffic.events(failed.connection, "goaway")
    )


class _Behind(Struct, frozen=True):
    """What the other side of the gateway shows: that the limit is the gateway's own."""

    exchange: int
    says: str
    evidence: tuple[Evidence, ...]


def _behind(failed: FailedExchange) -> _Behind | None:
    """The silence behind the gateway, where the gateway itself ended that side after a usual time."""
    leg = failed.traffic.legs.behind(failed.connection, failed.exchange)
    if leg is None or not failed.traffic.legs.follows(leg.connection, leg.exchange):
        return None
    one = given_up(leg.connection, leg.exchange)
    if one is None or one.silence_ns < LONG_NS or usual_time(one.silence_ns, server=True) is None:
        return None
    response, where = leg.exchange.response, wording.address(leg.connection)
    last = () if response is None else (Evidence(response.last_packet, f"the last byte from {where}"),)
    return _Behind(
        leg.exchange.id,
        f" Behind the gateway {where} had been silent for {wording.span(one.silence_ns)} (connection "
        f"{leg.connection.id}), and the gateway ended that side as well: the limit is the gateway's.",
        last,
    )


def _came(response: Response) -> str:
    events = response.event_stream
    if events is not None and events.events:
        return f"{plurals.some(events.events, 'event')} ({plurals.count(response.body_size, 'byte')})"
    if response.declared_size is not None:
        return f"{response.body_size} of {plurals.count(response.declared_size, 'byte')}"
    return plurals.some(response.body_size, "byte")


def _heartbeats(response: Response) -> str:
    events = response.event_stream
    if events is None or events.heartbeats:
        return ""
    return " The stream had no heartbeat (a comment line, a ping event) in it."


def _rival(cut: Cut, *, sure: bool) -> str:
    if sure:
        return "a crash of what is behind the server: it would not keep time"
    stated = "a crash of what is behind the server, or a client that had given up before and did not say so"
    return f"{stated}: not excluded by one sample, but {wording.span(cut.silence_ns)} is a round time"
