"""Rules h2-stream-reset-... and h3-stream-reset-...: the server reset the stream, and its code says why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from plainwire.diagnose import wording
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.thresholds import LONG_NS
from plainwire.diagnose.verdict import quoted_defects, stage, stream_name, stream_verdict
from plainwire.model import Evidence, Side

from .goaway import frame_words
from .reset_family import reset_family

if TYPE_CHECKING:
    from plainwire.diagnose.verdict import FailedExchange, Verdict
    from plainwire.model import Fault, StreamEvent


_SAME, _SAME_NS = 0.03, 50_000_000
"""How far the ages of what one limit ends lie apart (chosen: a server's timers are seldom finer)."""


def h2_stream_reset(failed: FailedExchange) -> Verdict | None:
    """The server gave the stream up."""
    reset, exchange = failed.exchange.reset, failed.exchange
    if reset is None or reset.side != Side.SERVER:
        return None
    family = reset_family(failed)
    said = family.said(reset.name, Side.SERVER)
    own = said is not None and said.fault == "server"
    says = "" if said is None else f" By this code it says that {said.means}."
    if not own and failed.request.defects:
        says += " The request does break the rules of HTTP."
    fault: Fault = "server" if own else "client" if failed.request.defects else "unknown"
    last = failed.request.last_packet if exchange.response is None else exchange.response.last_packet
    verdict = stream_verdict(
        failed,
        family.code(reset.name),
        fault,
        (Ground.SAID,),
        f"The server reset {stream_name(failed)} with {reset.name}, {stage(failed, reset.time_ns)}.{says}"
        f"{_upload_words(failed)}{_time_words(failed, reset)}",
        Evidence(last, "the last that was seen of the exchange before"),
        Evidence(reset.packet, f"{frame_words(reset)} from the server"),
        retry_safe=failed.idempotent,
        runner_up=_rival(failed, reset),
        sender=Side.SERVER,
    )
    return replace(verdict, quotes=quoted_defects(failed.request))


def _upload_words(failed: FailedExchange) -> str:
    """A limit on the size of bodies may end a stream before it is answered (Undertow: MAX_ENTITY_SIZE)."""
    request, response = failed.request, failed.exchange.response
    if request.complete or response is not None or not request.body_size:
        return ""
    whole = "" if request.declared_size is None else f" of {request.declared_size}"
    return (
        f" The request's body was still coming ({request.body_size}{whole} bytes so far): a limit on its "
        "size is possible."
    )


def _time_words(failed: FailedExchange, reset: StreamEvent) -> str:
    """A limit on the whole of a response, which other resets of this server keep as well."""
    age_ns = reset.time_ns - failed.request.time_ns
    if age_ns < LONG_NS:
        return ""
    ages = failed.traffic.reset_ages[failed.connection.server][reset.name]
    apart_ns = max(_SAME_NS, age_ns * _SAME)
    if ages.number > 1 and age_ns - apart_ns <= ages.shortest_ns and ages.longest_ns <= age_ns + apart_ns:
        return (
            f" All {ages.number} that it reset so were {wording.span(ages.shortest_ns)} to "
            f"{wording.span(ages.longest_ns)} old then, as a time limit on the whole response makes it (Go: "
            "WriteTimeout; Envoy: a route's timeout, max_stream_duration)."
        )
    return "" if failed.exchange.response is None else f" The request was {wording.span(age_ns)} old."


def _rival(failed: FailedExchange, reset: StreamEvent) -> str:
    """A client need not say that it gave a stream up: after silence it may have timed out first."""
    response = failed.exchange.response
    heard = failed.request.last_ns if response is None else max(failed.request.last_ns, response.last_ns)
    if reset.time_ns - heard < LONG_NS:
        return "a client that gave up: refuted, the server's frame came first"
    return "a client that had given up before it without a frame: not excluded, only the program can tell"
