"""What a second place decides about each failure: where a request vanished, and who made the reset.

A close that stands in both captures at the same offset of its stream came from beyond the far place. One that
only the near capture has was made between the two, as far as the far capture is whole: then it was neither
the server nor the client.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct, field

from plainwire.model import Side

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainwire.model import Certainty, CloseEvent, Connection, Exchange, Finding, Response

    from .clocks import Clocks
    from .matching import Matched

Who = Literal["server", "client", "between", "unknown"]
_FAILED = frozenset({"unanswered", "truncated", "refused", "aborted"})
_UNTOUCHED = frozenset({32, 64, 128, 255})
"""Hop limits that packets begin with: nothing has forwarded one that still has it."""
_FAULTS = {"server": {"server", "both"}, "client": {"client", "both"}, "between": {"path"}}
"""Whom a finding may blame where that is who it was."""


class Seen(Struct, frozen=True):
    """A packet of one of the captures, and what it shows."""

    place: str
    packet: int
    says: str


class Decided(Struct):
    """What the second place says of one exchange of the near capture, or of one connection without any.

    ``before`` is the finding of the near capture alone; ``holds`` whether who it blames is who it was.
    """

    exchange: Exchange | None
    connection: Connection
    far: list[Exchange]
    who: Who
    certainty: Certainty
    says: str
    evidence: list[Seen] = field(default_factory=list)
    before: Finding | None = None

    @property
    def holds(self) -> bool | None:
        """None where nothing was decided, or the near capture blamed nobody."""
        if self.before is None or self.who == "unknown" or self.before.fault == "unknown":
            return None
        return self.before.fault in _FAULTS[self.who]


class TwoPlaces(Struct):
    """The same traffic at two places. ``unmatched``: near exchanges that are nowhere in the far capture."""

    near: str
    far: str
    clocks: Clocks | None
    connections: int
    exchanges: int
    of: int
    unmatched: list[int]
    decided: list[Decided]


def judge(matched: Matched) -> TwoPlaces:
    """Decide what can be decided."""
    near = matched.near
    findings: dict[int, Finding] = {}
    ends: dict[int, Finding] = {}
    for finding in near.report.findings:
        if finding.failure:
            for number in finding.exchanges:
                findings.setdefault(number, finding)
            if not finding.exchanges:
                ends |= {number: finding for number in finding.connections if number not in ends}
    asked = [e for e in near.report.exchanges if e.request is not None]
    failed = [e for e in asked if e.id in findings or e.outcome in _FAILED]
    decided = [_exchange(each, findings.get(each.id), matched) for each in failed]
    decided += [_connection(near.connections[number], ends[number], matched) for number in sorted(ends)]
    return TwoPlaces(
        near.name,
        matched.far.name,
        matched.clocks,
        len(matched.connections),
        sum(e.id in matched.exchanges for e in asked),
        len(asked),
        [e.id for e in asked if e.id not in matched.exchanges],
        decided,
    )


def _exchange(exchange: Exchange, finding: Finding | None, matched: Matched) -> Decided:
    near = matched.near.connection(exchange)
    far = matched.exchanges.get(exchange.id, [])
    if near.id in matched.same_tcp:
        made = _same_connection(near, matched, exchange)
    else:
        made = _through(exchange, far, matched)
    who, certainty, says, evidence = made
    return Decided(exchange, near, far, who, certainty, says, evidence, finding)


def _connection(near: Connection, finding: Finding, matched: Matched) -> Decided:
    if near.id in matched.same_tcp:
        who, certainty, says, evidence = _same_connection(near, matched, None)
    else:
        who, certainty, says, evidence = _unseen(near.opened_ns, matched, "The connection", near.first_packet)
    return Decided(None, near, [], who, certainty, says, evidence, finding)


_Made = tuple[Who, "Certainty", str, list[Seen]]


# --- one TCP connection, captured twice ---------------------------------------------------------------


def _same_connection(near: Connection, matched: Matched, exchange: Exchange | None) -> _Made:
    far = matched.connections[near.id]
    lost = _lost_request(exchange, matched, far)
    if lost is not None:
        return lost
    close = _deciding(near, exchange)
    if close is None:
        return "unknown", "possible", "Neither place shows how it ended.", []
    a, b, word = matched.near.name, matched.far.name, _word(close)
    cited = [Seen(a, close.packet, f"{word} from the {_side(close)}'s side")]
    twin = _twin(close, far)
    who: Who = "server" if close.side is Side.SERVER else "client"
    if close.side is Side.CLIENT:
        return who, "proved", f"The client's side ended it first ({word}), as {a} shows.", cited
    if twin is not None:
        cited.append(Seen(b, twin.packet, f"the same {word}, at the same offset of the stream"))
        own = not twin.ttl or twin.ttl in _UNTOUCHED
        says = f"The server's side made the {word}: it was there when it passed {b}."
        if not own:
            says += f" Its hop limit there is {twin.ttl}: it may have come from a hop before the server."
        return who, "proved" if own else "likely", says, cited
    covered = _covers(close, matched)
    if far.gaps or matched.far.report.coverage.packets_dropped or not covered:
        says = f"{b} does not have the {word}, but its capture is not whole there."
        return "unknown", "possible", says, cited
    cited += _other_side(near, far, matched)
    return "between", covered, f"The {word} was made between {a} and {b}: the server never sent it.", cited


def _lost_request(exchange: Exchange | None, matched: Matched, far: Connection) -> _Made | None:
    """Where the request itself did not come to the far place."""
    if exchange is None or exchange.request is None or exchange.id in matched.exchanges:
        return None
    if not matched.far.is_whole or far.last_ns < far.opened_ns:
        return None
    segments = far.segments
    if segments is None or not len(segments):
        return None
    sent = (
        (segments.side == 0)
        & (segments.length > 0)
        & (segments.seq + segments.length > exchange.request.start)
    )
    if sent.any():
        return None
    a, b = matched.near.name, matched.far.name
    cited = [Seen(a, exchange.request.packet, "the request, as it left the client's side")]
    return (
        "between",
        "proved",
        f"The request passed {a} and never came to {b}: it was lost between them.",
        cited,
    )


def _deciding(near: Connection, exchange: Exchange | None) -> CloseEvent | None:
    """The close that ended it for the client: the first behind the request."""
    begun = exchange.request.time_ns if exchange is not None and exchange.request is not None else 0
    late = [close for close in near.closes if close.time_ns >= begun and not close.repeated]
    return next(iter(late or near.closes[-1:]), None)


def _twin(close: CloseEvent, far: Connection) -> CloseEvent | None:
    return next(
        (c for c in far.closes if (c.kind, c.side, c.seq) == (close.kind, close.side, close.seq)), None
    )


def _covers(close: CloseEvent, matched: Matched) -> Certainty | None:
    """How sure it is that the far place was still capturing when a close would have passed it; None: not.

    Its last packet tells: one behind that moment proves it, one within the time of the way makes it likely.
    """
    clocks = matched.clocks
    ahead, error = (clocks.ahead_ns, clocks.error_ns) if clocks is not None else (0, 0)
    if matched.far.saw(close.time_ns + ahead):
        return "proved"
    return "likely" if matched.far.saw(close.time_ns + ahead - error) else None


def _other_side(near: Connection, far: Connection, matched: Matched) -> Iterator[Seen]:
    """What the server was told instead, in the client's name."""
    for close in far.closes:
        if close.side is Side.CLIENT and _twin(close, near) is None:
            word = _word(close)
            yield Seen(matched.far.name, close.packet, f"{word} in the client's name, which it never sent")


# --- two connections, with something between that ends both -------------------------------------------


def _through(exchange: Exchange, far: list[Exchange], matched: Matched) -> _Made:
    a, b = matched.near.name, matched.far.name
    begun = exchange.request.time_ns if exchange.request is not None else 0
    packet = exchange.request.packet if exchange.request is not None else 0
    if not far:
        return _unseen(begun, matched, "The request", packet)
    last = far[-1]
    asked = last.request.packet if last.request is not None else 0
    cited = [Seen(a, packet, "the request"), Seen(b, asked, f"the same request, exchange {last.id} there")]
    if last.outcome == "complete" and last.response is not None:
        return _answered(exchange, last.response, matched, cited)
    ended = _end_behind(last, matched.far.connection(last))
    if ended is None:
        return "unknown", "possible", f"{b} does not show how the request ended there.", cited
    word = _word(ended)
    cited.append(Seen(b, ended.packet, f"{word} from {_who_behind(ended)}, without a whole response"))
    if ended.side is Side.SERVER:
        says = f"The server behind {b} ended its connection ({word}) with the request on it."
        return "server", "proved", says, cited
    says = f"What is between {a} and {b} gave the request up ({word}), not the server."
    return "between", "proved", says, cited


def _answered(exchange: Exchange, answer: Response, matched: Matched, cited: list[Seen]) -> _Made:
    """The server behind gave a whole answer."""
    a, b = matched.near.name, matched.far.name
    cited.append(Seen(b, answer.packet, f"its whole answer, status {answer.status}"))
    came = exchange.response.status if exchange.response is not None else None
    if came == answer.status and exchange.outcome == "complete":
        return "server", "proved", f"The server behind {b} answered so: status {answer.status}.", cited
    says = f"The server answered with status {answer.status}, whole: what is between {a} and {b} made of it"
    made = f"status {came}" if came is not None and came != answer.status else f"an end ({exchange.outcome})"
    return "between", "proved", f"{says} {made}.", cited


def _who_behind(close: CloseEvent) -> str:
    return "the server" if close.side is Side.SERVER else "what is between"


def _end_behind(exchange: Exchange, connection: Connection) -> CloseEvent | None:
    begun = exchange.request.time_ns if exchange.request is not None else 0
    return next((close for close in connection.closes if close.time_ns >= begun), None)


def _unseen(time_ns: int, matched: Matched, what: str, packet: int) -> _Made:
    a, b = matched.near.name, matched.far.name
    ahead = matched.clocks.ahead_ns if matched.clocks is not None else 0
    cited = [Seen(a, packet, f"{what[4:]}, which {b} does not have")]
    if not matched.far.is_whole or not matched.far.saw(time_ns + ahead):
        return (
            "unknown",
            "possible",
            f"{b} does not have it, but its capture is not whole at that time.",
            cited,
        )
    return (
        "between",
        "proved",
        f"{what} never came to {b}: what is between {a} and {b} answered, or lost it.",
        cited,
    )


def _word(close: CloseEvent) -> str:
    words = {"rst": "reset", "fin": "FIN", "close_notify": "close_notify (TLS)"}
    return f"alert {close.detail}" if close.kind == "alert" else words.get(close.kind, close.kind)


def _side(close: CloseEvent) -> str:
    return "server" if close.side is Side.SERVER else "client"
