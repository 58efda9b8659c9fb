"""A close that acknowledges nothing of the request: what each side knew, and when.

Acknowledgment numbers prove it, wherever the packets were captured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.evidence.acknowledgments import ack_at
from plainwire.diagnose.evidence.closes import reactive_reset
from plainwire.diagnose.evidence.exchanges import finished_ns
from plainwire.diagnose.servers.idle_timeout import fits, timeout_words
from plainwire.diagnose.thresholds import AT_ONCE_NS
from plainwire.model import Evidence

if TYPE_CHECKING:
    from plainwire.diagnose.verdict import FailedExchange
    from plainwire.model import CloseEvent


def close_before_request(failed: FailedExchange) -> CloseEvent | None:
    """The server's first close, where it acknowledges no byte of the request and no response came."""
    close = failed.server_close
    if close is None or failed.exchange.response is not None:
        return None
    if close.ack is None or close.ack > failed.request.start:
        return None
    return close


def idle_close_words(failed: FailedExchange, close: CloseEvent) -> str:
    """For how long the connection had been idle when the server closed it."""
    idle = idle_before_ns(failed, close)
    if failed.previous is None:
        return "; the connection had carried no exchange yet"
    if idle is None:
        return ""
    if idle < AT_ONCE_NS:
        return f"; it closed {wording.span(idle)} after its last response, without announcing it"
    known = failed.idle_timeout
    if known is not None and fits(known, idle):
        return (
            f"; it had been idle for {wording.span(idle)}, the server's idle timeout ({timeout_words(known)})"
        )
    return f"; it had been idle for {wording.span(idle)}"


def idle_before_ns(failed: FailedExchange, close: CloseEvent) -> int | None:
    """From the end of the exchange before to the close, in ns."""
    if failed.previous is None:
        return None
    idle = close.time_ns - finished_ns(failed.previous)
    return idle if idle >= 0 else None


def crossing_evidence(failed: FailedExchange, close: CloseEvent) -> tuple[Evidence, ...]:
    """The end of the exchange before, the close, the request that met it."""
    found = []
    if failed.previous is not None and failed.previous.response is not None:
        found.append(
            Evidence(
                failed.previous.response.last_packet, "last byte of the previous response; idle from here"
            )
        )
    found.append(
        Evidence(close.packet, f"{wording.act(close)} from the server, Ack={wording.number(close.ack or 0)}")
    )
    seen = ack_at(failed.connection, failed.request.packet)
    said = (
        "" if seen is None else f", Ack={wording.number(seen)}: the close at {wording.number(close.seq)} was "
    )
    had = (
        ""
        if seen is None
        else "known to the client's stack"
        if seen > close.seq
        else "not known to the client"
    )
    found.append(Evidence(failed.request.packet, f"the request, {wording.run(failed.request)}{said}{had}"))
    reset = reactive_reset(failed.connection, close)
    if reset is not None:
        says = (
            f"RST without ACK, Seq={wording.number(reset.seq)}: the answer to a request for a closed "
            "connection"
        )
        found.append(Evidence(reset.packet, says))
    return tuple(found)
