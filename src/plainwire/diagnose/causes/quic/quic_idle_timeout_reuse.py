"""Rule quic-idle-timeout-reuse: the connection's idle timeout was over when, or before, a response came."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import stage, stream_verdict
from plainwire.model import Evidence, Side

if TYPE_CHECKING:
    from plainwire.diagnose.verdict import FailedExchange, Verdict


_NO_ANSWER_NS = 1_000_000_000
"""An answer that has not come by then does not come in one round trip (chosen)."""

_ABOUT_OVER = 0.98
"""Both ends count from a packet that the other may have had a little sooner."""


def quic_idle_timeout_reuse(failed: FailedExchange) -> Verdict | None:
    """A verdict where the idle timeout that both agreed on was over (RFC 9000, 10.1).

    It ends a connection without a packet: that it did shows only where the capture goes on for longer.
    """
    quic, connection = failed.connection.quic, failed.connection
    if quic is None or not quic.idle_timeout_ns:
        return None
    idle, limit = failed.exchange.idle_before_ns, quic.idle_timeout_ns
    watched_ns = quic.watched_until_ns - connection.last_ns
    open_still = failed.exchange.outcome == "unseen"
    if open_still and quic.lost_by_capture(Side.SERVER):
        return None  # the response may have been among what the capture lacks
    if idle is not None and idle > limit and failed.exchange.response is None:
        if open_still and quic.watched_until_ns - failed.request.last_ns < _NO_ANSWER_NS:
            return None
        return _used_again(failed, idle, limit)
    return _ran_out(failed, limit) if open_still and watched_ns >= limit * _ABOUT_OVER else None


def _ran_out(failed: FailedExchange, limit: int) -> Verdict:
    connection = failed.connection
    return stream_verdict(
        failed,
        "quic-idle-timeout-reuse",
        "both",
        (Ground.INFERENCE,),
        f"{'No response' if failed.exchange.response is None else 'The response'} had come "
        f"{'' if failed.exchange.response is None else 'in part '}when both ends fell silent. Both had "
        "agreed to "
        f"forget the connection after {wording.span(limit)} without a packet, and none came any more, not "
        "even "
        "a PING: what was awaited took longer.",
        Evidence(connection.last_packet, "the last packet of the connection"),
        retry_safe=failed.idempotent,
        runner_up="a server that died: not excluded, its silence looks the same",
    )


def _used_again(failed: FailedExchange, idle: int, limit: int) -> Verdict:
    return stream_verdict(
        failed,
        "quic-idle-timeout-reuse",
        "client",
        (Ground.INFERENCE,),
        f"The request left after {wording.span(idle)} of idleness; both ends had agreed to forget the "
        f"connection after {wording.span(limit)}. The exchange got no answer, "
        f"{stage(failed, failed.connection.last_ns)}.",
        retry_safe=failed.idempotent,
        runner_up="a path that lost the request: less likely, the agreed time had passed",
    )
