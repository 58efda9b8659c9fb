"""Rules about slow exchanges: always against what the same server does otherwise, never by a number alone."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from plainwire.model import RST, SYN, Evidence, Side

from . import beginning, primitives, words
from .middle import median
from .survey import DRAWN_OUT_NS, LONG_NS, value
from .verdict import Verdict

if TYPE_CHECKING:
    from plainwire.model import Connection, Fault, Request, Response

    from .beginning import Segment
    from .survey import Case, Survey
    from .verdict import Scene

_FEWEST = 8
_TIMES = 10
_SHARE = 4
"""Where more than one of so many is slow, being slow is how the server is."""

_PROMPT_NS = 300_000_000
_STALL_NS = 2_000_000_000
"""Packets of the server that are lost ahead of the place of capture look like silence too, but are sent again
sooner than this, mostly (RFC 6298 section 2)."""

_CONTINUE_NS = 300_000_000


def slow_first_byte(survey: Survey) -> list[Verdict]:
    """Answers that let wait for much longer than others of the same kind."""
    found: list[Verdict] = []
    for case in survey.slow:
        if case.first_byte_ns < LONG_NS or _endless(case):
            continue
        usual = _usual(survey, case)
        if usual is not None:
            verdict = _slow_first_byte(case, *usual)
            if verdict is not None:
                found.append(verdict)
    return found


def _endless(case: Case) -> bool:
    """Whether the answer was made to last, or to wait for something: streams of events, other protocols."""
    response = case.response
    return response.status == 101 or response.events is not None or case.exchange.grpc is not None


def _usual(survey: Survey, case: Case) -> tuple[int, int] | None:
    """Median time to the first byte of exchanges of the same kind, and how many; None without a baseline."""
    others = [c.first_byte_ns for c in survey.neighbours(case)]
    if len(others) < _FEWEST:
        return None
    usual = int(median(others))
    slow = sum(other >= LONG_NS for other in others) + 1
    if case.first_byte_ns < _TIMES * usual or slow * _SHARE > len(others) + 1:
        return None
    return usual, len(others)


def _slow_first_byte(case: Case, usual: int, count: int) -> Verdict | None:
    request, response = case.request, case.response
    acked = _acknowledged(case.connection, request)
    if acked is not None and acked[1] - request.last_ns > _PROMPT_NS and acked[0] != response.packet:
        return None  # the request itself was late in arriving: the path's matter
    prompt = acked is not None and acked[0] != response.packet
    when = (
        f" It had acknowledged the request {words.span(acked[1] - request.last_ns)} after it left."
        if prompt and acked
        else ""
    )
    return Verdict(
        code="slow-first-byte",
        connection=case.connection,
        exchanges=(case.exchange.id,),
        fault="server",
        certainty="proved" if prompt and case.first_byte_ns >= _STALL_NS else "likely",
        facts=f"The server took {words.span(case.first_byte_ns)} to the first byte of its answer; the "
        f"median of {count} "
        f"others of the same kind is {words.span(usual)}.{when}",
        evidence=(
            Evidence(request.last_packet, "the end of the request"),
            *((Evidence(acked[0], "the server acknowledges it"),) if prompt and acked else ()),
            Evidence(
                response.packet, f"the first byte of the answer, {words.span(case.first_byte_ns)} later"
            ),
        ),
        runner_up="retransmission-loss: refuted, the request was acknowledged in time"
        if prompt
        else "retransmission-loss: nothing of the request was sent again",
        retry_safe=None,
        time_ns=request.time_ns,
    )


def _acknowledged(connection: Connection, request: Request) -> tuple[int, int] | None:
    """(packet, time) of the first segment that acknowledges the whole request."""
    if connection.transport != "tcp":
        return None
    return primitives.first_ack(connection, Side.SERVER, request.end)


class _Silence(NamedTuple):
    before: Segment
    after: Segment | None
    ns: int


def slow_body(survey: Survey) -> list[Verdict]:
    """Bodies of known length that stopped in their middle, where others of the same kind do not."""
    found: list[Verdict] = []
    for case in survey.slow:
        response = case.response
        if (
            response.last_ns - response.time_ns < LONG_NS
            or response.framing != "content-length"
            or _endless(case)
        ):
            continue
        others = [c.response.last_ns - c.response.time_ns for c in survey.neighbours(case)]
        slow = sum(other >= LONG_NS for other in others) + 1
        silence = _longest_silence(case.connection, response)
        if len(others) < _FEWEST or slow * _SHARE > len(others) + 1 or silence is None:
            continue
        if silence.ns >= _STALL_NS and silence.ns >= _TIMES * int(median(others)):
            found.append(_stalled(case, silence, len(others)))
    return found


def _longest_silence(connection: Connection, response: Response) -> _Silence | None:
    """The longest pause between new bytes of a response; None where the path or the client made it."""
    if connection.segments is None or connection.transport != "tcp":
        return None
    rows = beginning.rows(connection.segments)
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


def _stalled(case: Case, silence: _Silence, count: int) -> Verdict:
    response = case.response
    return Verdict(
        code="slow-body-stall",
        connection=case.connection,
        exchanges=(case.exchange.id,),
        fault="server",
        certainty="likely",
        facts=f"In the middle of the body ({response.body_size} bytes) the server was silent for "
        f"{words.span(silence.ns)}, with all that it had sent acknowledged and room for more. {count} "
        f"others of the same "
        "kind had no such pause.",
        evidence=(
            Evidence(silence.before.packet, "the last bytes before the silence"),
            *(
                (Evidence(silence.after.packet, f"the next ones, {words.span(silence.ns)} later"),)
                if silence.after
                else ()
            ),
        ),
        runner_up="loss ahead of the place of capture: it would have been made good sooner; "
        "client-stall: refuted, "
        "the client's window was open",
        retry_safe=None,
        time_ns=case.request.time_ns,
    )


def stall_given_up(scene: Scene) -> Verdict | None:
    """A verdict where the client gave up on a body of known length that did not go on."""
    response, close = scene.exchange.response, primitives.client_first(scene.connection)
    if response is None or close is None or scene.late is not None or scene.connection.segments is None:
        return None
    if response.framing != "content-length" or response.complete or response.defects or not response.status:
        return None
    rows = beginning.rows(scene.connection.segments)
    data = [s for s in rows if s.side == Side.SERVER and s.length and s.time_ns <= close.time_ns]
    if not data or close.time_ns - data[-1].time_ns < _STALL_NS or not _taken(rows, data[-1], close.time_ns):
        return None
    quiet = close.time_ns - data[-1].time_ns
    return Verdict(
        code="slow-body-stall",
        connection=scene.connection,
        exchanges=(scene.exchange.id,),
        fault="server",
        certainty="likely",
        facts=f"{response.body_size} of {response.declared_size} bytes of the body had come. Then the "
        f"server was silent "
        f"for {words.span(quiet)}, with all that it had sent acknowledged and room for more, until the "
        f"client gave up.",
        evidence=(
            Evidence(response.packet, f"the response begins, status {response.status}"),
            Evidence(data[-1].packet, "the last bytes from the server"),
            Evidence(close.packet, f"{words.act(close)} from the client, {words.span(quiet)} later"),
        ),
        runner_up="client-abort: the client hung up, but only after this silence",
        retry_safe=scene.idempotent,
        time_ns=scene.request.time_ns,
    )


def waited_for_continue(survey: Survey) -> list[Verdict]:
    """Requests whose body waited for a 100 (Continue) that did not come."""
    return [verdict for case in survey.slow if (verdict := _continue(case)) is not None]


def never_continued(scene: Scene) -> Verdict | None:
    """A verdict where the client waited for a 100 (Continue) for ever."""
    exchange, request = scene.exchange, scene.request
    if request.complete or exchange.interim or exchange.response is not None:
        return None
    expectation = value(request, "expect")
    acked = _acknowledged(scene.connection, request)
    if expectation is None or expectation.lower() != "100-continue" or request.body_size or acked is None:
        return None
    quiet = scene.connection.last_ns - request.last_ns
    if quiet < LONG_NS:
        return None
    return Verdict(
        code="100-continue-stall",
        connection=scene.connection,
        exchanges=(exchange.id,),
        fault="both",
        certainty="proved",
        facts="The client sent the head of its request and asked the server to say whether to go on; "
        "the server had "
        f"acknowledged the head, and neither of them said anything more for {words.span(quiet)}.",
        evidence=(
            Evidence(request.packet, "the head of the request, which expects 100-continue"),
            Evidence(acked[0], "the server acknowledges it"),
        ),
        runner_up="retransmission-loss: refuted, the head was acknowledged",
        retry_safe=True,
        time_ns=request.time_ns,
    )


def _continue(case: Case) -> Verdict | None:
    connection, request = case.connection, case.request
    if case.exchange.interim or not request.body_size or request.last_ns - request.time_ns < _CONTINUE_NS:
        return None
    expectation = value(request, "expect")
    if expectation is None or expectation.lower() != "100-continue" or connection.segments is None:
        return None
    rows = beginning.rows(connection.segments)
    data = [s for s in rows if s.side == Side.CLIENT and s.length and request.start <= s.seq < request.end]
    if len(data) < 2 or data[1].time_ns - data[0].time_ns < _CONTINUE_NS:
        return None
    waited = data[1].time_ns - data[0].time_ns
    acked = primitives.first_ack(connection, Side.SERVER, data[0].end)
    if acked is None or acked[1] >= data[1].time_ns:
        return None
    return Verdict(
        code="100-continue-stall",
        connection=connection,
        exchanges=(case.exchange.id,),
        fault="server",
        certainty="proved",
        facts="The client asked whether to send the body and waited; the server had acknowledged that "
        "and said "
        f"nothing. After {words.span(waited)} the client sent the body unasked.",
        evidence=(
            Evidence(data[0].packet, "the head of the request, which expects 100-continue"),
            Evidence(acked[0], "the server acknowledges it, without a word of HTTP"),
            Evidence(data[1].packet, f"the body, {words.span(waited)} later"),
        ),
        runner_up="a slow client: refuted, it waits for just this answer",
        retry_safe=None,
        time_ns=request.time_ns,
        failure=False,
    )


def body_too_slow(survey: Survey) -> list[Verdict]:
    """Requests that the server answered with 408: their body did not come, or not in time."""
    return [
        _body_timeout(case)
        for case in survey.errors
        if case.response.status == 408
        and not survey.mended(case)
        and (not case.request.complete or case.request.last_ns - case.request.time_ns >= LONG_NS)
    ]


def _body_timeout(case: Case) -> Verdict:
    request, response = case.request, case.response
    short = not request.complete
    took = (request.last_ns if request.complete else response.time_ns) - request.time_ns
    fault: Fault = "client" if short else "unknown"
    missing = ""
    if short and request.declared_size is not None:
        missing = f" Of {request.declared_size} declared bytes of the body it had sent {request.body_size}."
    return Verdict(
        code="request-body-timeout",
        connection=case.connection,
        exchanges=(case.exchange.id,),
        fault=fault,
        certainty="possible" if not short else case.certainty,
        facts=f"The server gave up waiting for the request (status 408) "
        f"{words.span(response.time_ns - request.time_ns)} "
        f"after its first byte; the client had spent {words.span(took)} on sending it.{missing}",
        evidence=(
            Evidence(request.packet, "the request begins"),
            Evidence(request.last_packet, "the last byte of it that was sent ahead of the answer"),
            Evidence(response.packet, "the response, status 408"),
        ),
        runner_up="unsolicited-408: refuted, the server had the beginning of the request",
        retry_safe=True,
        time_ns=request.time_ns,
    )


def upload_given_up(scene: Scene) -> Verdict | None:
    """A verdict where the server closed on a request whose sender had stopped in its middle."""
    request, close = scene.request, scene.server_close
    if request.complete or scene.exchange.response is not None or close is None:
        return None
    if primitives.client_first(scene.connection) is not None or request.declared_size is None:
        return None
    quiet = close.time_ns - request.last_ns
    had = close.ack if close.ack is not None else primitives.last_ack(scene.connection, Side.SERVER, close)
    if quiet < LONG_NS or had is None or had < request.end or request.body_size >= request.declared_size:
        return None
    return Verdict(
        code="request-body-timeout",
        connection=scene.connection,
        exchanges=(scene.exchange.id,),
        fault="client",
        certainty="proved",
        facts=f"The client sent {request.body_size} of {request.declared_size} declared bytes of its "
        f"request's body and "
        f"then nothing for {words.span(quiet)}, although the server had acknowledged all of them. Then "
        f"the server "
        f"closed ({words.act(close)}).",
        evidence=(
            Evidence(request.packet, "the request begins"),
            Evidence(request.last_packet, "the last byte of it that was sent"),
            Evidence(close.packet, f"{words.act(close)} from the server, Ack={words.number(had)}"),
        ),
        runner_up="close-mid-request: refuted, the request was not complete",
        retry_safe=True,
        time_ns=request.time_ns,
    )


def resent_requests(survey: Survey) -> list[Verdict]:
    """Requests that arrived only when sent again: lost on the way, and late for it."""
    found: list[Verdict] = []
    for case in survey.resent:
        connection, request = case.connection, case.request
        if connection.segments is None or connection.transport != "tcp":
            continue
        rows = [s for s in beginning.rows(connection.segments) if request.start <= s.seq < request.end]
        sent = [s for s in rows if s.side == Side.CLIENT and s.length and s.time_ns <= case.response.time_ns]
        again = next(((a, b) for a, b in _same_bytes(sent) if b.time_ns - a.time_ns >= DRAWN_OUT_NS), None)
        acked = None if again is None else primitives.first_ack(connection, Side.SERVER, again[0].end)
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


def _resent(case: Case, first: Segment, again: Segment, acked: tuple[int, int]) -> Verdict:
    late = words.span(again.time_ns - first.time_ns)
    return Verdict(
        code="retransmission-loss",
        connection=case.connection,
        exchanges=(case.exchange.id,),
        fault="path",
        certainty="likely",
        facts=f"{first.length} bytes of the request were not acknowledged and went out again {late} "
        f"later; only then did "
        "they arrive. The exchange was that much slower, and succeeded.",
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
