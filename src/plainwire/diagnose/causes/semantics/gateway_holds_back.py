"""Rule gateway-holds-back: a gateway had parts of the response, and passed none of them on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire import plurals
from plainwire.diagnose import wording
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.thresholds import LONG_NS
from plainwire.diagnose.traffic.legs import ended_ns
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.answered import Answered, AnsweredExchanges
    from plainwire.diagnose.traffic.legs import Leg
    from plainwire.diagnose.verdict import FailedExchange
    from plainwire.model import CloseEvent

_HELD_BY_GATEWAY_NS = 500_000_000
"""What a gateway keeps for less than this it may be gathering."""


_FEWEST_EVENTS = 2
"""One event may be all that there was to say."""


def gateway_holds_back(failed: FailedExchange) -> Verdict | None:
    """A verdict where the client gave up while the response came in behind the gateway.

    Only a capture with both sides of the gateway shows it.
    """
    ended = ended_ns(failed.connection, failed.exchange)
    behind = failed.traffic.legs.behind(failed.connection, failed.exchange)
    if ended is None or behind is None or failed.exchange.outcome not in ("aborted", "truncated"):
        return None
    came, passed = behind.exchange.response, failed.exchange.response
    if came is None or ended - came.time_ns < _HELD_BY_GATEWAY_NS or not came.body_size:
        return None
    if passed is not None and passed.body_size:
        return None
    return _held(failed, behind, ended)


def held_until_the_end(exchanges: AnsweredExchanges) -> list[Verdict]:
    """Streams that the client got whole, but late: the gateway had gathered them first."""
    return [
        verdict
        for case in exchanges.streams
        if (behind := exchanges.traffic.legs.behind(case.connection, case.exchange)) is not None
        and (verdict := _late(case, behind)) is not None
    ]


def _late(case: Answered, behind: Leg) -> Verdict | None:
    came, passed = behind.exchange.response, case.response
    if came is None or came.event_stream is None or came.event_stream.events < _FEWEST_EVENTS:
        return None
    waited = passed.time_ns - came.time_ns
    if waited < LONG_NS:
        return None
    return Verdict(
        code="gateway-holds-back",
        connection=case.connection,
        exchanges=(case.exchange.id, behind.exchange.id),
        fault="server",
        grounds=(Ground.INFERENCE,),
        facts=f"The gateway at {wording.address(case.connection)} got the response from "
        f"{wording.address(behind.connection)} (connection {behind.connection.id}), and passed none of it on "
        f"for {wording.span(waited)}: {plurals.some(came.event_stream.events, 'event')} had come in the end.",
        evidence=(
            Evidence(case.request.packet, "the request, at the gateway"),
            Evidence(came.packet, "the response begins behind the gateway"),
            Evidence(passed.packet, f"it begins in front, {wording.span(waited)} later"),
        ),
        runner_up="a slow server: refuted, what is behind the gateway had answered",
        time_ns=case.request.time_ns,
        failure=False,
    )


def _held(failed: FailedExchange, behind: Leg, ended: int) -> Verdict:
    came, passed = behind.exchange.response, failed.exchange.response
    assert came is not None  # noqa: S101 - asked before
    passed_on = "not a byte" if passed is None else "only the head of it"
    events = came.event_stream
    what = plurals.some(events.events, "event") if events is not None and events.events else "its first bytes"
    waited = wording.span(ended - failed.request.time_ns)
    return Verdict(
        code="gateway-holds-back",
        connection=failed.connection,
        exchanges=(failed.exchange.id, behind.exchange.id),
        fault="server",
        grounds=(Ground.INFERENCE,),
        facts=f"The gateway at {wording.address(failed.connection)} carried the request on to "
        f"{wording.address(behind.connection)} (connection {behind.connection.id}) and got the response from "
        f"there: its head {wording.span(came.time_ns - failed.request.time_ns)} after the request, {what} "
        f"({plurals.count(came.body_size, 'byte')}) before the end. To the client it passed on {passed_on}, "
        f"until that gave up after {waited}; the gateway's own close behind followed from that.",
        evidence=(
            Evidence(failed.request.packet, "the request, at the gateway"),
            *(
                (Evidence(behind.exchange.request.packet, "the same request, behind the gateway"),)
                if behind.exchange.request is not None
                else ()
            ),
            Evidence(came.packet, "the response begins behind the gateway"),
            Evidence(
                came.last_packet, f"the last of it there, {plurals.count(came.body_size, 'byte')} so far"
            ),
            *(Evidence(close.packet, f"{wording.act(close)}: the end in front") for close in _close(failed)),
        ),
        runner_up="a server that was silent: refuted, what is behind the gateway had answered",
        retry_safe=failed.idempotent,
        time_ns=failed.request.time_ns,
    )


def _close(failed: FailedExchange) -> tuple[CloseEvent, ...]:
    close = failed.first_close
    return () if close is None or failed.exchange.reset is not None else (close,)
