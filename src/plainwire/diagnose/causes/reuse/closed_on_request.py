"""What the server had of a request when it closed without a response."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire import plurals
from plainwire.diagnose import wording
from plainwire.diagnose.evidence.acknowledgments import first_ack, last_ack
from plainwire.diagnose.evidence.exchanges import header_size
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.thresholds import AT_ONCE_NS, LONG_HEADER_BYTES
from plainwire.model import Evidence, Side

if TYPE_CHECKING:
    from plainwire.diagnose.grounds import Grounds
    from plainwire.diagnose.verdict import FailedExchange
    from plainwire.model import CloseEvent, Fault


_RELAYS_DELAY_NS = 20_000_000
"""What a relay on a busy machine takes more than it took for the fastest round trip (chosen)."""
_QUIET_UPLOAD_NS = 1_000_000_000
"""A client that had sent nothing for a second had stopped its upload."""


def had_up_to(failed: FailedExchange, close: CloseEvent) -> int:
    """The offset up to which the server's stack had the client's bytes when it closed."""
    if close.ack is not None:
        return close.ack
    return last_ack(failed.connection, Side.SERVER, close) or 0


def had_some(failed: FailedExchange, close: CloseEvent) -> bool:
    """Whether the server had bytes of the request, and no response came."""
    return failed.exchange.response is None and had_up_to(failed, close) > failed.request.start


def waited_ns(failed: FailedExchange, close: CloseEvent) -> int:
    """From the request's last byte to the close."""
    return close.time_ns - failed.request.last_ns


def may_have_crossed(failed: FailedExchange, close: CloseEvent) -> bool:
    """Whether a relay's acknowledgments hide what the server had: it closed a connection that had been idle
    so soon that it need not have seen the request.
    """
    if not failed.connection.relayed or not failed.exchange.idle_before_ns:
        return False
    rtt = failed.traffic.shortest_rtt[failed.connection.server] or 0
    return failed.exchange.idle_before_ns >= AT_ONCE_NS and waited_ns(failed, close) < rtt + _RELAYS_DELAY_NS


def arrival_words(failed: FailedExchange, close: CloseEvent) -> str:
    """How much of the request the server had."""
    had, request = had_up_to(failed, close), failed.request
    who = "The relay of this network" if failed.connection.relayed else "The server"
    if had >= request.end:
        return f"{who} had acknowledged the whole request ({wording.run(request)}, Ack={wording.number(had)})"
    part = had - request.start
    return f"{who} had received only the first {part} of {request.end - request.start} bytes of the request"


def _upload_fault(failed: FailedExchange, close: CloseEvent) -> Fault:
    """Who is at fault where part of the request was missing: nobody, if the client had stopped sending."""
    return "unknown" if close.time_ns - failed.request.last_ns > _QUIET_UPLOAD_NS else "server"


def closing_fault(failed: FailedExchange, close: CloseEvent, *, whole: bool) -> Fault:
    """An alert is a complaint about the peer, except internal_error (RFC 8446 section 6.2).

    A server may refuse to answer what is not a proper request.
    """
    if close.kind == "alert":
        return "server" if "internal_error" in close.detail else "unknown"
    if failed.request.defects or _is_large(failed, close) or may_have_crossed(failed, close):
        return "unknown"
    return "server" if whole else _upload_fault(failed, close)


def crossing_grounds(failed: FailedExchange, close: CloseEvent) -> Grounds:
    """What makes a verdict weaker where it may be another's."""
    return (Ground.GUESS,) if may_have_crossed(failed, close) else ()


def _is_large(failed: FailedExchange, close: CloseEvent) -> bool:
    """Whether its header is one for which servers close at once, without a word (Tornado)."""
    acknowledged = first_ack(failed.connection, Side.SERVER, failed.request.end)
    at_once = acknowledged is not None and close.time_ns - acknowledged[1] <= AT_ONCE_NS
    return at_once and header_size(failed.request) >= LONG_HEADER_BYTES


def defect_words(failed: FailedExchange, close: CloseEvent) -> str:
    """That the request breaks the rules of HTTP, or is unusually large, where it is so."""
    if not failed.request.defects:
        if not _is_large(failed, close):
            return ""
        size = plurals.count(header_size(failed.request), "byte")
        return f" The request's header has {size}: some servers close on one that is above their limit."
    return " The request breaks the rules of HTTP (plainwire show tells how): that may be why."


def delay_words(failed: FailedExchange, close: CloseEvent) -> str:
    """How long the server took to close."""
    acknowledged = first_ack(failed.connection, Side.SERVER, failed.request.end)
    if acknowledged is None or acknowledged[1] > close.time_ns:
        return ""
    if acknowledged[0] == close.packet:
        delay = close.time_ns - failed.request.last_ns
        return f", {wording.span(delay)} after the request left" if delay >= 0 else ""
    return f", {wording.span(close.time_ns - acknowledged[1])} after acknowledging it"


def race_refuted(failed: FailedExchange, close: CloseEvent) -> str:
    """Why it is not a keepalive-idle-race."""
    if failed.connection.relayed:
        return "keepalive-idle-race: it came late for that; what the server had received only the relay says"
    begin = wording.number(failed.request.start)
    had = wording.number(had_up_to(failed, close))
    return (
        f"keepalive-idle-race: refuted, the server had received up to {had} and the request begins at {begin}"
    )


def request_evidence(failed: FailedExchange, close: CloseEvent) -> tuple[Evidence, ...]:
    """The request, its acknowledgment, the close."""
    request = failed.request
    found = [Evidence(request.packet, f"the request, {wording.run(request)}")]
    if request.last_packet != request.packet:
        found.append(Evidence(request.last_packet, "the last byte of the request"))
    acknowledged = first_ack(failed.connection, Side.SERVER, request.end)
    if acknowledged is not None and acknowledged[0] != close.packet and acknowledged[1] <= close.time_ns:
        found.append(
            Evidence(
                acknowledged[0], f"the server acknowledges all of it (Ack >= {wording.number(request.end)})"
            )
        )
    number = "" if close.ack is None else f", Ack={wording.number(close.ack)}"
    found.append(
        Evidence(close.packet, f"{wording.act(close)} from the server{number}; no response byte before it")
    )
    return tuple(found)
