"""Rule retransmission-loss: bytes that went out again and again, or arrived only when sent again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire import plurals
from plainwire.diagnose import wording
from plainwire.diagnose.evidence import opening
from plainwire.diagnose.evidence.acknowledgments import first_ack, last_ack
from plainwire.diagnose.evidence.closes import client_first
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.thresholds import DRAWN_OUT_NS
from plainwire.diagnose.verdict import Verdict
from plainwire.model import RST, SYN, Evidence, Side

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainwire.diagnose.evidence.opening import Segment
    from plainwire.diagnose.traffic.answered import Answered, AnsweredExchanges
    from plainwire.diagnose.verdict import FailedExchange
    from plainwire.model import Connection


_FEWEST_REPEATS = 3
"""Transmissions of one segment: the first, and two that timers made (RFC 6298 section 5)."""

_MOST_CITED = 5


def retransmission_loss(failed: FailedExchange) -> Verdict | None:
    """A verdict where part of the request was sent again and again and never acknowledged."""
    connection, request = failed.connection, failed.request
    known = last_ack(connection, Side.SERVER, failed.server_close)
    if connection.segments is None or known is None or known >= request.end or connection.transport != "tcp":
        return None
    stuck = max(known, request.start)
    sent = [s for s in _sendings(connection, request.time_ns) if s.seq <= stuck < s.end]
    if len(sent) < _FEWEST_REPEATS or _window(connection, sent[-1].time_ns) == 0:
        return None
    took = wording.span(sent[-1].time_ns - sent[0].time_ns)
    return Verdict(
        code="retransmission-loss",
        connection=connection,
        exchanges=(failed.exchange.id,),
        fault="path",
        grounds=(Ground.INFERENCE,),
        facts=f"{plurals.count(sent[0].length, 'byte of the request', 'was')} sent {len(sent)} times in "
        f"{took} and never acknowledged; the server had acknowledged "
        f"{plurals.count(max(0, known - request.start), 'byte of it')} before.",
        evidence=_transmissions(sent, "the request"),
        runner_up="a slow server: refuted, its kernel acknowledges what arrives, whatever the program does",
        retry_safe=failed.idempotent or known <= request.start,
        time_ns=request.time_ns,
    )


def response_loss(failed: FailedExchange) -> Verdict | None:
    """A verdict where the client hung up over a response that was sent again and again to it in vain."""
    connection, close = failed.connection, client_first(failed.connection)
    if connection.segments is None or close is None or close.ack is None or connection.transport != "tcp":
        return None
    sent = [
        s
        for s in opening.rows(connection.segments)
        if s.side == Side.SERVER
        and s.length
        and failed.request.last_ns <= s.time_ns <= close.time_ns
        and s.seq <= close.ack < s.end
    ]
    if len(sent) < _FEWEST_REPEATS:
        return None
    took = wording.span(sent[-1].time_ns - sent[0].time_ns)
    return Verdict(
        code="retransmission-loss",
        connection=connection,
        exchanges=(failed.exchange.id,),
        fault="path",
        grounds=(Ground.INFERENCE,),
        facts=f"{plurals.count(sent[0].length, 'byte of the response', 'was')} sent {len(sent)} times in "
        f"{took}, and the client's TCP had not got them when the client hung up ({wording.act(close)}): they "
        "were lost behind the place of capture. Where that is the client's host, its own packet filter "
        "dropped them.",
        evidence=(
            *_transmissions(sent, "the response"),
            Evidence(close.packet, f"{wording.act(close)} from the client, which acknowledges none of them"),
        ),
        runner_up="a slow server: refuted, its response is in the capture",
        retry_safe=failed.idempotent,
        time_ns=failed.request.time_ns,
    )


def _transmissions(sent: list[Segment], what: str) -> tuple[Evidence, ...]:
    return tuple(
        Evidence(segment.packet, f"{segment.length} bytes of {what}, transmission {count}, not acknowledged")
        for count, segment in enumerate(sent[:_MOST_CITED], 1)
    )


def _sendings(connection: Connection, since: int) -> Iterator[Segment]:
    if connection.segments is not None:
        for segment in opening.rows(connection.segments):
            if segment.side == Side.CLIENT and segment.length and segment.time_ns >= since:
                yield segment


def _window(connection: Connection, until: int) -> int | None:
    """The window that the server last advertised."""
    if connection.segments is None:
        return None
    windows = [
        s.window
        for s in opening.rows(connection.segments)
        if s.side == Side.SERVER and not s.flags & (SYN | RST) and s.time_ns <= until
    ]
    return windows[-1] if windows else None


def resent_requests(exchanges: AnsweredExchanges) -> list[Verdict]:
    """Requests that arrived only when sent again: lost on the way, and late for it."""
    found: list[Verdict] = []
    for case in exchanges.resent:
        connection, request = case.connection, case.request
        if connection.segments is None or connection.transport != "tcp":
            continue
        rows = [s for s in opening.rows(connection.segments) if request.start <= s.seq < request.end]
        sent = [s for s in rows if s.side == Side.CLIENT and s.length and s.time_ns <= case.response.time_ns]
        again = next(((a, b) for a, b in _same_bytes(sent) if b.time_ns - a.time_ns >= DRAWN_OUT_NS), None)
        acked = None if again is None else first_ack(connection, Side.SERVER, again[0].end)
        if again is None or acked is None or acked[1] < again[1].time_ns:
            continue
        found.append(_resent(case, again[0], again[1], acked))
    return found


def _same_bytes(sent: list[Segment]) -> list[tuple[Segment, Segment]]:
    """Each segment that goes out again, with its first sending."""
    first: dict[int, Segment] = {}
    again = []
    for segment in sent:
        known = first.setdefault(segment.seq, segment)
        if known is not segment:
            again.append((known, segment))
    return again


def _resent(case: Answered, first: Segment, again: Segment, acked: tuple[int, int]) -> Verdict:
    late = wording.span(again.time_ns - first.time_ns)
    return Verdict(
        code="retransmission-loss",
        connection=case.connection,
        exchanges=(case.exchange.id,),
        fault="path",
        grounds=(Ground.INFERENCE,),
        facts=f"{plurals.count(first.length, 'byte of the request', 'was')} not acknowledged and went out "
        f"again {late} later; only that retransmission arrived. The exchange was that much slower, and "
        "succeeded.",
        evidence=(
            Evidence(first.packet, f"{first.length} bytes of the request"),
            Evidence(again.packet, f"the same bytes again, {late} later"),
            Evidence(acked[0], "their first acknowledgment"),
        ),
        runner_up="slow-first-byte: refuted, the server's kernel did not have the request before",
        retry_safe=None,
        time_ns=case.request.time_ns,
        failure=False,
    )
