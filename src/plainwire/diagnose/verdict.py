"""What passes between the rules: one failed exchange with what surrounds it, and the verdict on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire.model import Evidence, Quoted, Side

from . import wording
from .evidence.closes import first_close
from .evidence.defects import own_defects
from .evidence.exchanges import IDEMPOTENT, finished_ns, shares_connection
from .evidence.idleness import burst_before
from .thresholds import PATIENCE_NS
from .traffic.given_up import given_up, last_heard_ns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plainwire.model import (
        Bounds,
        CloseEvent,
        Connection,
        Endpoint,
        Exchange,
        Fault,
        Request,
        Response,
    )

    from .evidence.reset_sender import Origin
    from .grounds import Grounds
    from .traffic.given_up import Timer
    from .traffic.traffic import Traffic


ONE_DECISION_WHY = " (a cancellation, or its end)"

_WRONG = "what is wrong with it"

_MOST_QUOTED = 3
"""Defects of one message that are quoted: more say no more."""


class FailedExchange(Struct, frozen=True):
    """One exchange that needs explaining, with what surrounds it."""

    connection: Connection
    exchange: Exchange
    request: Request
    late: Response | None
    """The response that came when the client had gone; ``exchange`` is what the client saw."""
    previous: Exchange | None
    traffic: Traffic

    @property
    def idle_timeout(self) -> Bounds | None:
        """What the connections of this server address say about its idle timeout."""
        facts = self.traffic.servers.get(self.connection.server)
        return None if facts is None else facts.idle_timeout

    @property
    def server_close(self) -> CloseEvent | None:
        """The server's first act of closing."""
        return first_close(self.connection, Side.SERVER)

    @property
    def first_close(self) -> CloseEvent | None:
        """The first act of closing of either side."""
        closes = [first_close(self.connection, side) for side in Side]
        known = [close for close in closes if close is not None]
        return min(known, key=lambda c: (c.time_ns, c.packet), default=None)

    @property
    def given_up_ns(self) -> int:
        """When the exchange was given up: by a reset of its stream, else by the end of the connection."""
        reset = self.exchange.reset
        if reset is not None:
            return reset.time_ns
        closes = self.connection.closes
        return closes[0].time_ns if closes else self.connection.last_ns

    @property
    def given_up_by_client_ns(self) -> int | None:
        """When the client ended the exchange, by a reset of its stream or a close; None where it did not."""
        reset = self.exchange.reset
        if reset is not None and reset.side == Side.CLIENT:
            return reset.time_ns
        close = first_close(self.connection, Side.CLIENT)
        return None if close is None else close.time_ns

    @property
    def idle_ns(self) -> int | None:
        """How long the connection had been idle when the request left; None before its first exchange."""
        if shares_connection(self.exchange):
            burst = burst_before(self.connection, self.request.packet)
            return None if burst is None or self.exchange.ordinal == 1 else burst.idle_ns
        if self.previous is None:
            return None
        return max(0, self.request.time_ns - finished_ns(self.previous))

    def reset_origin(self, reset: CloseEvent) -> Origin:
        """Where a RST on its connection seems to come from."""
        return self.traffic.reset_origin(self.connection, reset)

    def survived(self, idle_ns: int) -> bool:
        """Whether a request to this server was answered after idleness as long as this."""
        return self.traffic.longest_survived.get(self.connection.server, -1) >= idle_ns

    @property
    def idempotent(self) -> bool:
        """Whether the method may be repeated whatever became of the first copy."""
        return self.request.method in IDEMPOTENT


class Verdict(Struct, frozen=True):
    """One rule's answer for one exchange, or (``exchanges`` empty) for a connection without any.

    ``facts`` is one sentence or two, with the numbers. ``grounds`` are all the classes of evidence that it
    needs; ``certainty.settled`` says how sure that makes it.
    """

    code: str
    connection: Connection
    exchanges: tuple[int, ...]
    fault: Fault
    grounds: Grounds
    facts: str
    evidence: tuple[Evidence, ...]
    runner_up: str = ""
    retry_safe: bool | None = None
    sender: Side | None = None  # of the alert, status or error code, where the code is one of a family
    advice_client: str = ""  # with numbers, in place of the catalogue's
    advice_server: str = ""  # the same
    quotes: tuple[Quoted, ...] = ()
    time_ns: int = 0  # of the request: the order in which verdicts are told
    failure: bool | None = None  # whether the exchanges failed, where the catalogue's word does not hold
    counts: bool = False  # whether ``facts`` say how many of how many, for one verdict on all of them


class Failures(Struct, frozen=True):
    """What remarks go by: all verdicts, and by server those on exchanges and connections that failed."""

    verdicts: Sequence[Verdict]
    servers: Sequence[Endpoint]
    """Those about which a cause of failures was found."""
    of_server: dict[Endpoint, list[Verdict]]


def idle_words(failed: FailedExchange) -> str:
    """What the longest pause that a connection to this server survived adds to a cause by idleness."""
    longest = failed.traffic.longest_survived.get(failed.connection.server, 0)
    if longest <= 0:
        return ""
    return f" The longest pause after which a request was answered here is {wording.span(longest)}."


def quoted(packet: int, what: str, text: str) -> tuple[Quoted, ...]:
    """A quotation, or none where there is nothing to quote. ``what`` is ours: what the words are."""
    return (Quoted(packet, what, text.strip()),) if text.strip() else ()


def quoted_defects(message: Request | Response) -> tuple[Quoted, ...]:
    """What a message does wrong, as its reader says it."""
    return tuple(Quoted(message.packet, _WRONG, text) for text in own_defects(message)[:_MOST_QUOTED])


def one_decision(failed: FailedExchange) -> str:
    """What exchanges of different ages that the client ended at one instant add; "" where there are none."""
    one = given_up(failed.connection, failed.exchange)
    together = None if one is None else failed.traffic.given_up.together(one)
    if together is None:
        return ""
    ages = f"{wording.span(together.youngest_ns)} to {wording.span(together.oldest_ns)}"
    return (
        f" {together.number} exchanges, {ages} old, ended at one instant: one decision of the client"
        f"{ONE_DECISION_WHY}."
    )


def stream_verdict(
    failed: FailedExchange,
    code: str,
    fault: Fault,
    grounds: Grounds,
    facts: str,
    *evidence: Evidence,
    retry_safe: bool | None = None,
    runner_up: str = "",
    sender: Side | None = None,
    quotes: tuple[Quoted, ...] = (),
) -> Verdict:
    """A verdict on the failed exchange, which cites its request first."""
    return Verdict(
        code=code,
        connection=failed.connection,
        exchanges=(failed.exchange.id,),
        fault=fault,
        grounds=grounds,
        facts=facts,
        evidence=(Evidence(failed.request.packet, f"the request on {stream_name(failed)}"), *evidence),
        runner_up=runner_up,
        sender=sender,
        retry_safe=retry_safe,
        time_ns=failed.request.time_ns,
        quotes=quotes,
    )


def stream_name(failed: FailedExchange) -> str:
    """What the exchange ran on, in words."""
    return "the connection" if failed.exchange.stream is None else f"stream {failed.exchange.stream}"


def stage(failed: FailedExchange, at_ns: int) -> str:
    """How far the exchange had come at a time."""
    response, request = failed.exchange.response, failed.request
    if response is None and at_ns < request.last_ns:
        return f"{wording.span(at_ns - request.time_ns)} after the request began, while it was being sent"
    if response is None:
        return f"{wording.span(at_ns - request.last_ns)} after the request, before any response"
    heard = last_heard_ns(failed.connection, response, at_ns)
    if response.last_ns > at_ns and heard is not None:
        return f"in the middle of the response, {wording.span(at_ns - heard)} after the last byte until then"
    return f"in the middle of the response, {wording.span(at_ns - response.last_ns)} after its last byte"


def of_what_was_coming(failed: FailedExchange, timer: Timer | None = None) -> str:
    """What the capture shows, or not, of a response that a client's time limit cut off."""
    response = failed.exchange.response
    if failed.late is not None:
        return ""
    if response is None:
        return " The capture cannot show whether a response was coming."
    one = given_up(failed.connection, failed.exchange)
    if timer is not None and timer.whole and one is not None and one.silence_ns < PATIENCE_NS:
        return " The response was still coming: the limit is one on all of it, not on a pause."
    return " The capture cannot show whether more of the response was coming."
