"""Rules client-abort and client-timeout-too-short for streams: the client reset the stream, or left."""

from __future__ import annotations

from bisect import bisect_right
from operator import attrgetter
from typing import TYPE_CHECKING

from msgspec.structs import replace

from plainwire import plurals
from plainwire.diagnose import wording
from plainwire.diagnose.evidence.acknowledgments import last_ack
from plainwire.diagnose.evidence.closes import is_reactive
from plainwire.diagnose.evidence.stream_errors import GRPC_MESSAGE
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.thresholds import LONG_NS, PATIENCE_NS, STALL_NS
from plainwire.diagnose.traffic.given_up import given_up
from plainwire.diagnose.verdict import (
    of_what_was_coming,
    one_decision,
    quoted,
    stage,
    stream_name,
    stream_verdict,
)
from plainwire.model import Evidence, Side

from .goaway import beyond, frame_words, goaways, in_parentheses, limit_words
from .reset_family import reset_family

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.given_up import GivenUp
    from plainwire.diagnose.verdict import FailedExchange, Verdict
    from plainwire.model import Grpc, StreamEvent


_CHANGES_OF_MIND = frozenset(("CANCEL", "NO_ERROR", "H3_REQUEST_CANCELLED", "H3_NO_ERROR"))

_DUE, _LATE_NS = 0.97, 100_000_000
"""How much sooner, and later, than its grpc-timeout a client may give a call up."""

_PONG_NS, _ROUND_TRIPS = 90_000_000, 3
"""Who ends a connection sooner than this after a PING did not wait for the answer (chosen)."""


def stream_cancelled(failed: FailedExchange) -> Verdict | None:
    """The client gave the stream up."""
    reset, response = failed.exchange.reset, failed.exchange.response
    if failed.exchange.outcome != "aborted" or reset is None or reset.side != Side.CLIENT:
        return None
    over = failed.first_close
    if over is not None and over.side == Side.SERVER and over.time_ns <= reset.time_ns:
        return None  # gRPC's libraries reset a stream whose connection is already gone
    dead = _dead(failed, reset.time_ns, Evidence(reset.packet, f"{frame_words(reset)} from the client"))
    if dead is not None:
        return dead
    quiet = reset.time_ns - max(failed.request.last_ns, response.last_ns if response else 0)
    says, fault = "", "client" if quiet < PATIENCE_NS else "unknown"
    if reset.name not in _CHANGES_OF_MIND:
        broken = response is not None and bool(response.defects)
        fault = "server" if broken else "unknown"
        said = reset_family(failed).said(reset.name, Side.CLIENT)
        says = "" if said is None else f" By this code it says that {said.means}."
        says += " The response does break the rules of HTTP." if broken else ""
    verdict = stream_verdict(
        failed,
        "client-abort",
        "server" if fault == "server" else "client" if fault == "client" else "unknown",
        (Ground.SAID,),
        f"The client gave {stream_name(failed)} up with {reset.name}, {stage(failed, reset.time_ns)}.{says}",
        Evidence(reset.packet, f"{frame_words(reset)} from the client"),
        retry_safe=failed.idempotent,
        runner_up="a reset by the server: refuted, the client's frame came first",
    )
    if reset.name not in _CHANGES_OF_MIND:
        return verdict
    return _explained(failed, verdict)


def deadline_at_server(failed: FailedExchange) -> Verdict | None:
    """The server gave a call up because the deadline that the client had sent was over (Go, Java)."""
    reset, grpc = failed.exchange.reset, failed.exchange.grpc
    if reset is None or reset.side != Side.SERVER or reset.name not in _CHANGES_OF_MIND:
        return None
    age_ns = reset.time_ns - failed.request.time_ns
    if grpc is None or not _is_due(grpc, age_ns):
        return None
    return stream_verdict(
        failed,
        "client-timeout-too-short",
        "client" if age_ns < 2 * PATIENCE_NS else "unknown",
        (Ground.INFERENCE,),
        f"The server gave {stream_name(failed)} up with {reset.name}, {stage(failed, reset.time_ns)}. That "
        "is "
        f"the client's own deadline: its request had set {wording.span(grpc.timeout_ns or 0)} "
        "(grpc-timeout), "
        "and both sides keep it. The capture cannot show whether a response was coming.",
        Evidence(reset.packet, f"{frame_words(reset)} from the server"),
        retry_safe=failed.idempotent,
        runner_up="a server, or a proxy in front of it, that gave up by itself: it would not keep the "
        "client's "
        "time",
    )


def client_left(failed: FailedExchange) -> Verdict | None:
    """The client closed the connection while the stream was open."""
    close = failed.first_close
    if close is None or close.side != Side.CLIENT:
        return None
    dead = _dead(failed, close.time_ns, Evidence(close.packet, f"{wording.act(close)} from the client"))
    if dead is not None:
        return dead
    response = failed.exchange.response
    quiet = close.time_ns - max(failed.request.last_ns, response.last_ns if response else 0)
    promises = [e for e in goaways(failed) if e.time_ns <= close.time_ns and not beyond(failed, e)]
    hasty = bool(promises) and close.time_ns - promises[-1].time_ns < LONG_NS
    promised = (
        f" The server's GOAWAY, {wording.span(close.time_ns - promises[-1].time_ns)} before, had announced "
        "the end, but counted this stream among those that it would still answer: "
        f"{limit_words(failed, promises[-1])}."
        if promises
        else ""
    )
    verdict = stream_verdict(
        failed,
        "client-abort",
        "client" if quiet < PATIENCE_NS or hasty else "unknown",
        (Ground.NUMBERS, Ground.INFERENCE) if is_reactive(close) else (Ground.NUMBERS,),
        f"The client's side ended the connection ({wording.act(close)}) {stage(failed, close.time_ns)}, "
        f"before any close from the server.{promised}",
        *(
            Evidence(e.packet, f"GOAWAY{in_parentheses(e)} from the server, {limit_words(failed, e)}")
            for e in promises[-1:]
        ),
        Evidence(close.packet, f"{wording.act(close)} from the client"),
        retry_safe=failed.idempotent,
        runner_up="a close by the server: refuted, none came before",
        quotes=tuple(q for e in promises[-1:] for q in quoted(e.packet, "the GOAWAY's debug data", e.said)),
    )
    return verdict if hasty else _explained(failed, verdict)


def _dead(failed: FailedExchange, at_ns: int, end: Evidence) -> Verdict | None:
    """A verdict where the client ended it because its PING was not answered (RFC 9113 section 6.7)."""
    ping = _unanswered_ping(failed, at_ns)
    grpc = failed.exchange.grpc
    if ping is None or (grpc is not None and _is_due(grpc, at_ns - failed.request.time_ns)):
        return None
    acknowledged = _acknowledged(failed, ping)
    host = (
        "TCP had acknowledged the PING: the server's host was there, its program did not answer."
        if acknowledged
        else "Not even TCP acknowledged it."
    )
    return stream_verdict(
        failed,
        "h2-dead-connection",
        "server" if acknowledged else "unknown",
        (Ground.INFERENCE,),
        f"The client's PING got no answer for {wording.span(at_ns - ping.time_ns)}, nor did anything else "
        "come "
        f"from the server in that time, and the client gave {stream_name(failed)} up, "
        f"{stage(failed, at_ns)}. "
        f"{host}",
        Evidence(ping.packet, "the client's PING, not answered"),
        end,
        retry_safe=failed.idempotent,
        runner_up="a client that gave up for another reason: not excluded, but libraries send PINGs for this",
    )


def _unanswered_ping(failed: FailedExchange, at_ns: int) -> StreamEvent | None:
    """The client's first PING after which the server said nothing more, where it waited for an answer."""
    connection = failed.connection
    rows, pings = connection.segments, failed.traffic.pings(connection)
    if rows is None or connection.application != "h2" or not pings:
        return None
    said = rows.time_ns[(rows.side == Side.SERVER) & (rows.length > 0) & (rows.time_ns <= at_ns)]
    heard_ns = int(said.max()) if len(said) else 0
    place = bisect_right(pings, heard_ns, key=attrgetter("time_ns"))
    patience_ns = max(_PONG_NS, _ROUND_TRIPS * (connection.rtt_syn_ns or 0))
    waited = place < len(pings) and at_ns - pings[place].time_ns >= patience_ns
    return pings[place] if waited else None


def _acknowledged(failed: FailedExchange, ping: StreamEvent) -> bool:
    rows = failed.connection.segments
    if rows is None:
        return False
    sent = rows.number == ping.packet
    if not sent.any():
        return False
    end = int((rows.seq[sent] + rows.length[sent]).max())
    acknowledged = last_ack(failed.connection, Side.SERVER)
    return acknowledged is not None and acknowledged >= end


def _explained(failed: FailedExchange, verdict: Verdict) -> Verdict:
    """The verdict with what shows of the client's reason."""
    return _of_size(failed, verdict) or _stalled(failed, verdict) or _timed(failed, verdict)


def _stalled(failed: FailedExchange, verdict: Verdict) -> Verdict | None:
    """The verdict where a body of known length did not go on, or where its stream was left open behind it.

    A time limit of the client's may have cut the first of the two short, as the rule for HTTP/1 has it.
    """
    one, response = given_up(failed.connection, failed.exchange), failed.exchange.response
    if one is None or response is None or response.declared_size is None or response.defects:
        return None
    left = response.declared_size - response.body_size
    if one.silence_ns < STALL_NS or response.complete or left < 0 or failed.traffic.given_up.together(one):
        return None
    if left and (failed.traffic.given_up.timer_of(one) is not None or _stopped_reading(failed, one)):
        return None
    whole = plurals.count(response.declared_size, "byte")
    came = (
        f"{response.body_size} of the {whole} of the body had come, and no more"
        if left
        else f"All {whole} of the body had come, but not the end of the stream (END_STREAM)"
    )
    return replace(
        verdict,
        code="slow-body-stall",
        fault="server",
        grounds=(Ground.INFERENCE,),
        facts=f"{came}: the server was silent for {wording.span(one.silence_ns)}, with the stream open, "
        "until the client gave up.",
        evidence=(
            verdict.evidence[0],
            Evidence(response.packet, f"the response begins, status {response.status}"),
            Evidence(response.last_packet, "the last of it"),
            *verdict.evidence[1:],
        ),
        runner_up="client-abort: the client hung up, but only after this silence",
        advice_server="End or reset the stream (RST_STREAM) where what writes the body fails: a stream that "
        "is left open keeps the client waiting.",
        failure=True,
    )


def _stopped_reading(failed: FailedExchange, one: GivenUp) -> bool:
    """Whether the client's kernel had no more room, as far as segments tell."""
    rows = failed.connection.segments
    if rows is None:
        return False
    windows = rows.window[(rows.side == Side.CLIENT) & (rows.time_ns < one.ended_ns)]
    return bool(len(windows)) and int(windows[-1]) == 0


def _timed(failed: FailedExchange, verdict: Verdict) -> Verdict:
    """The verdict with what the time says: a deadline, a timer, or one decision on several exchanges."""
    one = given_up(failed.connection, failed.exchange)
    due = None if one is None or not _arrived(failed) else _deadline(failed, one)
    together = "" if due else one_decision(failed)
    if together:
        return replace(verdict, fault="client", facts=verdict.facts + together)
    if one is None or not _arrived(failed):
        return verdict
    timer = failed.traffic.given_up.timer_of(one)
    says, waited = due or (("", 0) if timer is None else (timer.says, timer.waited_ns))
    if not says:
        return verdict
    return replace(
        verdict,
        code="client-timeout-too-short",
        fault="client" if waited < 2 * PATIENCE_NS or one.silence_ns < PATIENCE_NS else "unknown",
        grounds=(Ground.INFERENCE,),
        facts=f"{verdict.facts}{says}{of_what_was_coming(failed, timer)}",
        runner_up="client-abort by other means (a cancelled call, the end of the process): the time speaks "
        f"against it; {verdict.runner_up}",
    )


def _deadline(failed: FailedExchange, one: GivenUp) -> tuple[str, int] | None:
    """A gRPC client gives a call up when the deadline that it had sent is over."""
    grpc = failed.exchange.grpc
    if grpc is None or not _is_due(grpc, one.age_ns):
        return None
    limit = wording.span(grpc.timeout_ns or 0)
    return f" That is its own deadline: the request had set {limit} (grpc-timeout).", grpc.timeout_ns or 0


def _is_due(grpc: Grpc, age_ns: int) -> bool:
    limit_ns = grpc.timeout_ns
    return limit_ns is not None and limit_ns * _DUE <= age_ns <= limit_ns + _LATE_NS


def _of_size(failed: FailedExchange, verdict: Verdict) -> Verdict | None:
    """The verdict where a message is larger than gRPC's libraries take: they give the call up themselves."""
    largest = 0 if failed.exchange.grpc is None else failed.exchange.grpc.largest[Side.SERVER]
    if largest <= GRPC_MESSAGE:
        return None
    return replace(
        verdict,
        fault="both",
        grounds=(Ground.INFERENCE,),
        facts=f"{verdict.facts} The server's message has {plurals.count(largest, 'byte')}, and a client of "
        "gRPC "
        f"takes no more than {GRPC_MESSAGE} (4 MB) unless it is told to: it then says RESOURCE_EXHAUSTED "
        "itself.",
        retry_safe=None,
        runner_up=f"a client that gave up for another reason: not excluded; {verdict.runner_up}",
        advice_client="Raise the limit (max_receive_message_length, MaxCallRecvMsgSize, "
        "maxInboundMessageSize), or ask for less at a time.",
        advice_server="Send large answers in parts: a stream of messages, or pages.",
    )


def _arrived(failed: FailedExchange) -> bool:
    """Whether the server had the request: silence of the path is another matter."""
    if failed.exchange.response is not None:
        return True
    acknowledged = last_ack(failed.connection, Side.SERVER)
    return acknowledged is not None and acknowledged >= failed.request.end
