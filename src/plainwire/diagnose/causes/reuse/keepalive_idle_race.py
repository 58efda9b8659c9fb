"""Rule keepalive-idle-race: the server closed the idle connection while the next request was on its way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.evidence.acknowledgments import first_ack
from plainwire.diagnose.evidence.exchanges import finished_ns
from plainwire.diagnose.evidence.round_trip import SLOWEST_PHYSICS, shortest_rtt
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.servers.idle_timeout import fits, timeout_words
from plainwire.diagnose.thresholds import AT_ONCE_NS
from plainwire.diagnose.verdict import Verdict

from .closed_on_request import waited_ns
from .crossing import close_before_request, crossing_evidence, idle_before_ns, idle_close_words

if TYPE_CHECKING:
    from plainwire.diagnose.grounds import Grounds
    from plainwire.diagnose.verdict import FailedExchange
    from plainwire.model import CloseEvent


_LATE_ROUND_TRIPS = 2
"""A close that crosses a request arrives within one round trip; twice that leaves room for queues."""

_TELLING_ROUND_TRIPS = 4
"""A limit for the client makes sense only where idleness is longer than so many (two are its margin)."""

_JITTER_NS = 20_000_000
"""Slack for a busy sender (chosen)."""


def keepalive_idle_race(failed: FailedExchange) -> Verdict | None:
    """A verdict where close and request crossed on the wire."""
    close = close_before_request(failed)
    if close is None:
        return _race_behind_a_relay(failed) or _race_in_the_kernel(failed)
    return Verdict(
        code="keepalive-idle-race",
        connection=failed.connection,
        exchanges=(failed.exchange.id,),
        fault="both",
        grounds=_race_grounds(failed, close),
        facts=_race_facts(failed, close),
        evidence=crossing_evidence(failed, close),
        runner_up=f"{'reset' if close.kind == 'rst' else 'close'}-mid-request: refuted, the server's "
        f"{wording.act(close)} acknowledges {wording.number(close.ack or 0)}, the request begins at "
        f"{wording.number(failed.request.start)}",
        retry_safe=True,
        advice_client=_client_advice(failed, close),
        time_ns=failed.request.time_ns,
    )


def _race_grounds(failed: FailedExchange, close: CloseEvent) -> Grounds:
    """The two acknowledgment numbers, and more where the close is a bare RST or comes oddly late."""
    rtt = shortest_rtt(failed.connection)
    behind = close.time_ns - failed.request.time_ns
    late = rtt is not None and behind > _LATE_ROUND_TRIPS * rtt + _JITTER_NS
    return (Ground.NUMBERS, Ground.INFERENCE) if late or close.kind == "rst" else (Ground.NUMBERS,)


def _race_facts(failed: FailedExchange, close: CloseEvent) -> str:
    margin = failed.request.time_ns - close.time_ns
    rtt = shortest_rtt(failed.connection)
    trip = "" if rtt is None else f" (one round trip is {wording.span(rtt)})"
    if margin > 0:
        order = f"came only {wording.span(margin)} before the request left, too little to notice"
    else:
        order = f"came {wording.span(-margin)} after the request had left{trip}"
    return (
        f"The server's {wording.act(close)} {order}, and acknowledges no byte of the request: the server had "
        f"closed before it could know of it{idle_close_words(failed, close)}."
    )


def _client_advice(failed: FailedExchange, close: CloseEvent) -> str:
    idle, rtt = idle_before_ns(failed, close), shortest_rtt(failed.connection)
    if idle is None or rtt is None or idle < AT_ONCE_NS or idle <= _TELLING_ROUND_TRIPS * rtt:
        return ""
    limit = wording.span((failed.idle_timeout.low_ns if failed.idle_timeout else idle) - 2 * rtt)
    return (
        f"Do not use a connection again that was idle for more than {limit}, and retry such a request once "
        "on a new connection: the server did not receive it."
    )


def _race_behind_a_relay(failed: FailedExchange) -> Verdict | None:
    """A relay acknowledges what it took, whoever had closed by then: only the time tells that they crossed.

    What answers a request comes a round trip later; what came sooner had left the server before.
    """
    close, connection = failed.server_close, failed.connection
    if not connection.relayed or close is None or failed.previous is None:
        return None
    rtt = failed.traffic.shortest_rtt[connection.server]
    if (
        failed.exchange.response is not None
        or rtt is None
        or (failed.exchange.idle_before_ns or 0) < AT_ONCE_NS
    ):
        return None
    if not 0 <= waited_ns(failed, close) < SLOWEST_PHYSICS * rtt:
        return None
    return Verdict(
        code="keepalive-idle-race",
        connection=connection,
        exchanges=(failed.exchange.id,),
        fault="both",
        grounds=(Ground.INFERENCE,),
        facts=f"The server's {wording.act(close)} came {wording.span(waited_ns(failed, close))} after the "
        f"request had left, and a round trip takes {wording.span(rtt)}: the server had closed before the "
        f"request could be there{idle_close_words(failed, close)}. That the request was acknowledged is the "
        "word of the relay that makes this network.",
        evidence=crossing_evidence(failed, close),
        runner_up=f"{'reset' if close.kind == 'rst' else 'close'}-mid-request: it came too soon for that",
        retry_safe=failed.idempotent,
        time_ns=failed.request.time_ns,
    )


def _race_in_the_kernel(failed: FailedExchange) -> Verdict | None:
    """The server's stack took the request in while its program was closing for idleness.

    The close then acknowledges the request, in the very segment, at the very age of idleness at which
    this server closes its other connections. It only looks like close-mid-request.
    """
    close, known = failed.server_close, failed.idle_timeout
    if close is None or known is None or failed.previous is None or failed.exchange.response is not None:
        return None
    first = first_ack(failed.connection, close.side, failed.request.end)
    idle = close.time_ns - finished_ns(failed.previous)
    if first is None or first[0] != close.packet or not fits(known, idle):
        return None
    return Verdict(
        code="keepalive-idle-race",
        connection=failed.connection,
        exchanges=(failed.exchange.id,),
        fault="both",
        grounds=(Ground.INFERENCE,),
        facts=f"The request reached the server's stack in the moment of its {wording.act(close)}, after "
        f"{wording.span(idle)} of idleness, its idle timeout ({timeout_words(known)}).",
        evidence=crossing_evidence(failed, close),
        runner_up="close-mid-request: the close does acknowledge the request, but in the same segment and "
        "just when the idle timer fires",
        retry_safe=failed.idempotent,
        time_ns=failed.request.time_ns,
    )
