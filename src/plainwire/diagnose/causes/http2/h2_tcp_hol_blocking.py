"""Rule h2-tcp-hol-blocking: bytes that had come, and that TCP held back for others before them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire import plurals
from plainwire.arrays import np
from plainwire.diagnose import wording
from plainwire.diagnose.evidence import opening
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.thresholds import DRAWN_OUT_NS
from plainwire.diagnose.verdict import Verdict
from plainwire.model import RST, SYN, Evidence, Side

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from plainwire.diagnose.evidence.opening import Segment
    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.model import Connection, Exchange, Segments


_FEWEST_STREAMS = 2
"""It takes two streams to see one held up by bytes that are not its own."""

_MOST_NAMED = 4


class _Hole(Struct, frozen=True):
    """Missing bytes of the server's stream: ``start`` to ``end``; what had come behind reached to ``high``.

    ``behind`` is the first segment that came from behind the hole, ``filling`` the one that closed it.
    """

    start: int
    end: int
    high: int
    behind: Segment
    filling: Segment

    @property
    def lasted_ns(self) -> int:
        return self.filling.time_ns - self.behind.time_ns


def h2_tcp_hol_blocking(traffic: Traffic, verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Holes in the server's stream for which whole responses of other HTTP/2 streams had to wait.

    Only where the capture lies behind the loss, so that the hole shows: at the client, as a rule.
    """
    del verdicts
    found: list[Verdict] = []
    for connection in traffic.connections:
        if connection.application != "h2" or len(connection.exchanges) < _FEWEST_STREAMS or connection.gaps:
            continue
        if connection.segments is None or connection.transport != "tcp" or connection.snapped:
            continue
        if not _out_of_order(connection.segments):
            continue
        rows = opening.rows(connection.segments)
        for hole in _holes(rows):
            verdict = _verdict(connection, hole, rows) if hole.lasted_ns >= DRAWN_OUT_NS else None
            if verdict is not None:
                found.append(verdict)
    return found


def _out_of_order(segments: Segments) -> bool:
    """Whether any of the server's segments lies beyond all that came before it: the quick answer."""
    data = (segments.side == Side.SERVER) & (segments.length > 0) & (segments.flags & (SYN | RST) == 0)
    seq = segments.seq[data]
    reached = np.maximum.accumulate(seq + segments.length[data])
    return bool((seq[1:] > reached[:-1]).any())


def _holes(rows: Sequence[Segment]) -> Iterator[_Hole]:
    """The holes that were filled, by the time at which they were."""
    data = (s for s in rows if s.side == Side.SERVER and s.length and not s.flags & (SYN | RST))
    expected: int | None = None
    early: list[Segment] = []  # from behind the hole, in the order in which they came
    for segment in data:
        if expected is None or (segment.seq <= expected and not early):
            expected = max(expected or 0, segment.end)
        elif segment.seq > expected:
            early.append(segment)
        elif segment.end > expected:
            start, end = expected, min(s.seq for s in early)
            expected = segment.end
            high = max(s.end for s in early)
            for known in sorted(early, key=lambda s: s.seq):
                if known.seq <= expected:
                    expected = max(expected, known.end)
            if segment.end >= end:
                yield _Hole(start, end, high, early[0], segment)
            early = [s for s in early if s.seq > expected]


def _verdict(connection: Connection, hole: _Hole, rows: Sequence[Segment]) -> Verdict | None:
    waiting = [e for e in connection.exchanges if _overlaps(e, hole)]
    innocent = [e for e in waiting if e.response is not None and e.response.start >= hole.end]
    if len(waiting) < _FEWEST_STREAMS or not innocent:
        return None
    asked = [s for s in rows if _repeats(s, hole)]
    listed = ", ".join(str(exchange.id) for exchange in innocent[:_MOST_NAMED])
    listed += f" and {len(innocent) - _MOST_NAMED} more" if len(innocent) > _MOST_NAMED else ""
    noun = plurals.plural(len(innocent), "exchange")
    late = wording.span(hole.lasted_ns)
    return Verdict(
        code="h2-tcp-hol-blocking",
        connection=connection,
        exchanges=tuple(exchange.id for exchange in innocent),
        fault="path",
        grounds=(Ground.INFERENCE,),
        facts=f"{hole.end - hole.start} bytes of the server's were missing. {hole.high - hole.end} bytes "
        f"from behind them were there, among them responses of other streams ({noun} {listed}), and could "
        f"not be read for {late}, until the missing ones came.",
        evidence=(
            Evidence(hole.behind.packet, "the first bytes from behind the hole"),
            *(
                Evidence(
                    s.packet, f"the client still has only what is before it, Ack={wording.number(s.ack)}"
                )
                for s in asked[:1]
            ),
            Evidence(hole.filling.packet, f"the missing bytes, {late} later"),
        ),
        runner_up="slow-first-byte: refuted, the responses had come",
        retry_safe=None,
        time_ns=hole.behind.time_ns,
    )


def _overlaps(exchange: Exchange, hole: _Hole) -> bool:
    response = exchange.response
    return response is not None and response.start < hole.high and response.end > hole.end


def _repeats(segment: Segment, hole: _Hole) -> bool:
    """Whether it is the client's word that it still waits for the hole."""
    between = hole.behind.time_ns <= segment.time_ns <= hole.filling.time_ns
    return segment.side == Side.CLIENT and between and segment.ack == hole.start
