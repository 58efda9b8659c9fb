"""Rule slow-body-stall: the body stopped in its middle."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire import plurals
from plainwire.diagnose import wording
from plainwire.diagnose.evidence import opening
from plainwire.diagnose.evidence.closes import client_first
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.statistics.median import median
from plainwire.diagnose.thresholds import LONG_NS, STALL_NS
from plainwire.diagnose.traffic.copies import value
from plainwire.diagnose.verdict import Verdict
from plainwire.model import RST, SYN, Evidence, Side

from .pause import FEWEST_OF_ITS_KIND, SHARE, TIMES, is_endless

if TYPE_CHECKING:
    from plainwire.diagnose.evidence.opening import Segment
    from plainwire.diagnose.traffic.answered import Answered, AnsweredExchanges
    from plainwire.diagnose.verdict import FailedExchange
    from plainwire.model import Connection, Response


class _Silence(Struct, frozen=True):
    before: Segment
    after: Segment | None
    ns: int


def slow_body(exchanges: AnsweredExchanges) -> list[Verdict]:
    """Bodies of known length that stopped in their middle, where others of the same kind do not."""
    found: list[Verdict] = []
    for case in exchanges.slow:
        response = case.response
        if (
            response.last_ns - response.time_ns < LONG_NS
            or response.framing != "content-length"
            or is_endless(case)
        ):
            continue
        others = [c.response.last_ns - c.response.time_ns for c in exchanges.neighbours(case)]
        slow = sum(other >= LONG_NS for other in others) + 1
        silence = _longest_silence(case.connection, response)
        if len(others) < FEWEST_OF_ITS_KIND or slow * SHARE > len(others) + 1 or silence is None:
            continue
        if silence.ns >= STALL_NS and silence.ns >= TIMES * int(median(others)):
            found.append(_stalled(case, silence, len(others)))
    return found


def _longest_silence(connection: Connection, response: Response) -> _Silence | None:
    """The longest pause between new bytes of a response; None where the path or the client made it."""
    if connection.segments is None or connection.transport != "tcp":
        return None
    rows = opening.rows(connection.segments)
    data = [
        s
        for s in rows
        if s.side == Side.SERVER
        and s.length
        and response.time_ns <= s.time_ns <= response.last_ns
        and not s.flags & RST
    ]
    pauses = [_Silence(a, b, b.time_ns - a.time_ns) for a, b in pairwise(data)]
    longest = max(pauses, key=lambda pause: pause.ns, default=None)
    if longest is None or longest.after is None or longest.after.seq != longest.before.end:
        return None  # bytes that were lost on the way and sent again
    if not _taken(rows, longest.before, longest.after.time_ns):
        return None
    return longest


def _taken(rows: list[Segment], last: Segment, until: int) -> bool:
    """Whether the client had acknowledged all up to ``last``, with room for more."""
    acks = [s for s in rows if s.side == Side.CLIENT and not s.flags & (SYN | RST) and s.time_ns <= until]
    return bool(acks) and acks[-1].ack >= last.end and acks[-1].window > 0


def _stalled(case: Answered, silence: _Silence, count: int) -> Verdict:
    response = case.response
    return Verdict(
        code="slow-body-stall",
        connection=case.connection,
        exchanges=(case.exchange.id,),
        fault="server",
        grounds=(Ground.INFERENCE,),
        facts=f"In the middle of the body ({plurals.count(response.body_size, 'byte')}) the server was "
        f"silent for {wording.span(silence.ns)}, with all that it had sent acknowledged and room for more. "
        f"{count} others of the same kind had no such pause.",
        evidence=(
            Evidence(silence.before.packet, "the last bytes before the silence"),
            *(
                (Evidence(silence.after.packet, f"the next ones, {wording.span(silence.ns)} later"),)
                if silence.after
                else ()
            ),
        ),
        runner_up="loss before the point of capture: retransmissions would have come sooner; client-stall: "
        "refuted, the client's window was open",
        retry_safe=None,
        time_ns=case.request.time_ns,
    )


def never_ends(failed: FailedExchange) -> Verdict | None:
    """A verdict where a body has no length, and the server says that it keeps the connection open.

    Then nothing ends the body (RFC 9112 section 6.3), and a client that waits for its end waits for ever.
    """
    response, close = failed.exchange.response, client_first(failed.connection)
    if response is None or close is None or response.framing != "close" or failed.connection.segments is None:
        return None
    kept = (value(response, "connection") or "").strip().lower() == "keep-alive"
    rows = opening.rows(failed.connection.segments)
    data = [s for s in rows if s.side == Side.SERVER and s.length and s.time_ns <= close.time_ns]
    if not kept or not data or close.time_ns - data[-1].time_ns < LONG_NS:
        return None
    quiet = wording.span(close.time_ns - data[-1].time_ns)
    return Verdict(
        code="bad-framing",
        connection=failed.connection,
        exchanges=(failed.exchange.id,),
        fault="server",
        grounds=(Ground.INFERENCE,),
        facts="The response has neither Content-Length nor Transfer-Encoding, so that only the end of the "
        "connection can end its body, and it says Connection: keep-alive: after "
        f"{plurals.count(response.body_size, 'byte')} the server kept the connection open, silent, until the "
        f"client gave up {quiet} later.",
        evidence=(
            Evidence(response.packet, f"the response, status {response.status}, without a length"),
            Evidence(data[-1].packet, "the last bytes from the server"),
            Evidence(close.packet, f"{wording.act(close)} from the client, {quiet} later"),
        ),
        runner_up="slow-body-stall: possible, where more was to come; then too nothing would tell its end",
        retry_safe=failed.idempotent,
        time_ns=failed.request.time_ns,
    )


def stall_given_up(failed: FailedExchange) -> Verdict | None:
    """A verdict where the client gave up on a body of known length that did not go on."""
    response, close = failed.exchange.response, client_first(failed.connection)
    if response is None or close is None or failed.late is not None or failed.connection.segments is None:
        return None
    if response.framing != "content-length" or response.complete or response.defects or not response.status:
        return None
    rows = opening.rows(failed.connection.segments)
    data = [s for s in rows if s.side == Side.SERVER and s.length and s.time_ns <= close.time_ns]
    if not data or close.time_ns - data[-1].time_ns < STALL_NS or not _taken(rows, data[-1], close.time_ns):
        return None
    quiet = close.time_ns - data[-1].time_ns
    return Verdict(
        code="slow-body-stall",
        connection=failed.connection,
        exchanges=(failed.exchange.id,),
        fault="server",
        grounds=(Ground.INFERENCE,),
        facts=f"{response.body_size} of {plurals.count(response.declared_size or 0, 'byte of the body')} had "
        f"come. Then the server was silent for {wording.span(quiet)}, with all that it had sent acknowledged "
        "and room for more, until the client gave up.",
        evidence=(
            Evidence(response.packet, f"the response begins, status {response.status}"),
            Evidence(data[-1].packet, "the last bytes from the server"),
            Evidence(close.packet, f"{wording.act(close)} from the client, {wording.span(quiet)} later"),
        ),
        runner_up="client-abort: the client hung up, but only after this silence",
        retry_safe=failed.idempotent,
        time_ns=failed.request.time_ns,
        failure=True,
    )
