"""Rule stale-connection-reuse: a request on a connection that the server had closed before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.evidence.acknowledgments import ack_at
from plainwire.diagnose.evidence.round_trip import shortest_rtt
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.thresholds import AT_ONCE_NS, BLINDNESS_NS
from plainwire.diagnose.verdict import Verdict

from .crossing import close_before_request, crossing_evidence, idle_before_ns, idle_close_words

if TYPE_CHECKING:
    from plainwire.diagnose.verdict import FailedExchange
    from plainwire.model import CloseEvent


_SURELY_NOTICED_NS = 50_000_000
"""A busy machine keeps a program from running for tens of milliseconds between looking and sending."""

_WENT_ON_NS = 200_000_000
"""A client that sends its next request within this time of a response was about to, when the close came."""


def stale_connection_reuse(failed: FailedExchange) -> Verdict | None:
    """A verdict where the client's stack had received the close, and its program had time to notice."""
    close = close_before_request(failed)
    if close is None:
        return None
    margin = failed.request.time_ns - close.time_ns
    seen = _client_had(failed, close)
    if seen is False or margin <= BLINDNESS_NS or _hardly_to_be_noticed(failed, close, margin):
        return None
    return Verdict(
        code="stale-connection-reuse",
        connection=failed.connection,
        exchanges=(failed.exchange.id,),
        fault="client",
        grounds=(Ground.NUMBERS,)
        if seen and margin > _SURELY_NOTICED_NS
        else (Ground.NUMBERS, Ground.INFERENCE),
        facts=f"The server's {wording.act(close)} had arrived {wording.span(margin)} before the client sent "
        f"its request{idle_close_words(failed, close)}.",
        evidence=crossing_evidence(failed, close),
        runner_up=f"keepalive-idle-race: refuted, the close came {wording.span(margin)} before the request"
        + (", which acknowledges it" if seen else ""),
        retry_safe=True,
        time_ns=failed.request.time_ns,
    )


def _hardly_to_be_noticed(failed: FailedExchange, close: CloseEvent, margin: int) -> bool:
    """Whether the close came with a response after which the client went on at once.

    It may have looked at the connection before the close was there, and then been kept from sending; and
    clients that do look see only that something has come, a close_notify not being a FIN.
    """
    idle, rtt = idle_before_ns(failed, close), shortest_rtt(failed.connection) or 0
    return idle is not None and idle < AT_ONCE_NS and margin < max(_WENT_ON_NS, rtt)


def _client_had(failed: FailedExchange, close: CloseEvent) -> bool | None:
    """Whether the client's stack had the close when it sent the request; None where no segment says."""
    ack = ack_at(failed.connection, failed.request.packet)
    return None if ack is None else ack > close.seq
