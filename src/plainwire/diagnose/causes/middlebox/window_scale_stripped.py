"""Rule window-scale-stripped: two ends that read the same window field differently.

Both ends scale their windows, or none does: a SYN-ACK without the option says none (RFC 7323 section 2.2).
That alone is a server's right. So it counts only where the segments behind it show that the server scales
all the same: its window falls at once to a small part of what the SYN-ACK (whose window is never scaled)
had offered, which no TCP does to its peer (RFC 9293 section 3.8.6); or it sends beyond the client's window.
And it is said only where requests or responses were held up by that.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import islice
from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire import plurals
from plainwire.diagnose import wording
from plainwire.diagnose.evidence import opening
from plainwire.diagnose.evidence.acknowledgments import last_ack
from plainwire.diagnose.evidence.ends import syns_of
from plainwire.diagnose.evidence.exchanges import finished_ns
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict
from plainwire.model import RST, SYN, Evidence, Side

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from plainwire.diagnose.evidence.opening import Segment
    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.diagnose.verdict import FailedExchange
    from plainwire.model import Connection, Exchange, Syn


_FILLED_SHARE = 16
"""Windows are mostly scaled by 64 (BSD) to 1024 (Linux). One that fell by less may have another reason."""

_FEWEST_HELD = 3
"""So many transmissions that each fill the window to its last byte are no accident."""

_HELD_NS = 200_000_000
"""Linux waits for so long at least before it fills a window once more, or sends a segment again."""

_HELD_BACK_NS = 1_000_000_000
"""A request held back for less than a second may only be on its way."""

_PROBE = 1
"""A byte beyond the window asks whether it is still closed (RFC 9293 section 3.8.6.1)."""

_MOST_CITED = 4

_NEIGHBOURS = 200


class _Misread(Struct, frozen=True):
    """What shows on a connection that the server scales windows and the client does not."""

    syn: Syn
    offer: Syn
    fallen: Segment | None
    """The server's first segment behind its SYN-ACK, with a window so small."""
    filling: list[Segment]
    """The client's segments that fill such a window to its last byte."""
    beyond: list[Segment]
    """The server's segments outside of the client's window that it had to send again."""

    def held(self, begin_ns: int, end_ns: int) -> list[Segment]:
        """What was held up between these times: the client's segments, or the server's."""
        found: list[Segment] = []
        for segments in (self.filling, self.beyond):
            first = bisect_left(segments, begin_ns, key=_time)
            found = segments[first : bisect_right(segments, end_ns, key=_time)]
            if len(found) >= _FEWEST_HELD:
                return found
        return []


def window_scale_stripped(failed: FailedExchange) -> Verdict | None:
    """A verdict where an exchange failed while the window that one end meant was not what the other read."""
    misread = _misread(failed.connection)
    if misread is None:
        return None
    held = misread.held(failed.request.time_ns, failed.connection.last_ns)
    if not held or not _decided(failed, held):
        return None
    known = last_ack(failed.connection, Side.SERVER) or 0
    safe = failed.idempotent or known <= failed.request.start
    return _verdict(failed.connection, failed.exchange, misread, held, failed.traffic, failed=True, safe=safe)


def _decided(failed: FailedExchange, held: list[Segment]) -> bool:
    """Whether being held up was most of what happened, and not only the start of it."""
    took = held[-1].time_ns - held[0].time_ns
    if failed.exchange.outcome == "unseen" and took < _HELD_BACK_NS:
        return False  # still on its way when the capture ended
    if held[0].side == Side.SERVER:
        return failed.server_close is None
    if failed.exchange.response is not None and failed.request.complete:
        return False  # the request got through; what became of its response is another matter
    return 2 * took >= failed.connection.last_ns - failed.request.time_ns


def held_windows(traffic: Traffic, verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Exchanges that were through in the end, but held up by the same for long; and requests of which so
    little got through that none can be seen.
    """
    judged = {number for verdict in verdicts for number in verdict.exchanges}
    found: list[Verdict] = []
    for connection in traffic.connections:
        misread = _misread(connection)
        if misread is None:
            continue
        for exchange in connection.exchanges:
            end = finished_ns(exchange)
            if exchange.request is None or exchange.outcome != "complete" or exchange.id in judged:
                continue
            held = misread.held(exchange.request.time_ns, end)
            if held and (held[0].side == Side.SERVER or held[-1].time_ns - held[0].time_ns >= _HELD_NS):
                found.append(_verdict(connection, exchange, misread, held, traffic, failed=False, safe=None))
        if connection.exchanges and all(e.outcome == "complete" for e in connection.exchanges):
            verdict = _unseen(connection, misread, traffic)
            found += [verdict] if verdict is not None else []
    return found


def window_scale_unseen(connection: Connection, traffic: Traffic) -> Verdict | None:
    """The same on a connection on which no request can be seen: its first record never came to its end."""
    misread = _misread(connection)
    return None if misread is None else _unseen(connection, misread, traffic)


def _unseen(connection: Connection, misread: _Misread, traffic: Traffic) -> Verdict | None:
    """Where the client's bytes behind the last exchange, or all of them, were held up."""
    begin = max((finished_ns(exchange) for exchange in connection.exchanges), default=0)
    held = misread.held(begin, connection.last_ns)
    if not held or held[0].side == Side.SERVER or connection.segments is None:
        return None
    took = held[-1].time_ns - held[0].time_ns
    answered = connection.segments.time_ns[
        (connection.segments.side == Side.SERVER) & (connection.segments.length > 0)
    ]
    failed = not (answered > held[-1].time_ns).any()
    since = max(begin, connection.opened_ns)
    if took < _HELD_BACK_NS or (failed and 2 * took < connection.last_ns - since):
        return None
    return _verdict(connection, None, misread, held, traffic, failed=failed, safe=None)


def _misread(connection: Connection) -> _Misread | None:
    agreed = _without_scale(connection)
    if agreed is None or connection.segments is None:
        return None
    fits = connection.sizes[Side.SERVER] <= agreed[0].window
    if fits and not (connection.segments.window * _FILLED_SHARE <= agreed[1].window).any():
        return None  # the quick answer for a server that does not scale
    rows = opening.rows(connection.segments)
    fallen = _fallen(rows, agreed[1])
    filling = list(_filling(rows)) if fallen is not None else []
    beyond = [] if connection.gaps else list(_beyond(rows, agreed[0]))
    if len(filling) < _FEWEST_HELD and len(beyond) < _FEWEST_HELD:
        return None
    return _Misread(*agreed, fallen, filling, beyond)


def _without_scale(connection: Connection) -> tuple[Syn, Syn] | None:
    """SYN and SYN-ACK where every one of the client's offers to scale, and no SYN-ACK agrees to it."""
    if connection.roles_guessed or connection.mid_stream:
        return None
    mine, theirs = syns_of(connection)
    if not mine or not theirs or not all(_scales(syn) for syn in mine):
        return None
    if any(syn.options is None or syn.options.window_scale is not None for syn in theirs):
        return None
    return mine[0], theirs[-1]


def _scales(syn: Syn) -> bool:
    return syn.options is not None and syn.options.window_scale is not None


def _fallen(rows: list[Segment], offer: Syn) -> Segment | None:
    """The server's first segment behind the SYN-ACK, where it takes most of the window back."""
    first = next((s for s in rows if s.side == Side.SERVER and not s.flags & (SYN | RST)), None)
    if first is None or first.ack < 0 or first.window * _FILLED_SHARE > offer.window - first.ack:
        return None
    return first if first.window else None


def _filling(rows: list[Segment]) -> Iterator[Segment]:
    """The client's segments with new data that end where the server's window, as it was sent, ends."""
    edge: int | None = None
    sent = 0
    for row in rows:
        if row.side == Side.SERVER and not row.flags & (SYN | RST) and row.ack >= 0:
            edge = row.ack + row.window
        elif row.side == Side.CLIENT and row.length and row.seq >= sent:
            sent = row.end
            if row.end == edge:
                yield row


def _beyond(rows: list[Segment], syn: Syn) -> Iterator[Segment]:
    """The server's segments that begin beyond the client's window and that it sent again by a timer."""
    last = {row.seq: row.time_ns for row in rows if row.side == Side.SERVER and row.length}
    edge = syn.window if rows and rows[0].packet <= syn.packet else None
    for row in rows:
        if row.side == Side.CLIENT and row.ack >= 0 and not row.flags & RST:
            edge = max(edge or 0, row.ack + row.window)
        elif edge is None or row.side == Side.CLIENT or row.length <= _PROBE or row.seq <= edge:
            continue
        elif last[row.seq] - row.time_ns >= _HELD_NS:
            yield row


def _time(segment: Segment) -> int:
    return segment.time_ns


def _verdict(
    connection: Connection,
    exchange: Exchange | None,
    misread: _Misread,
    held: list[Segment],
    traffic: Traffic,
    *,
    failed: bool,
    safe: bool | None,
) -> Verdict:
    other = next(_with_scale(traffic, connection), None)
    contrast = (
        "No other SYN-ACK of this address shows whether it scales windows."
        if other is None
        else "On other connections the SYN-ACKs of the same address have it."
    )
    shown = (
        "its window is a small part of what its SYN-ACK offered"
        if held[0].side == Side.CLIENT
        else "it sends more than a window without scale allows"
    )
    return Verdict(
        code="window-scale-stripped",
        connection=connection,
        exchanges=() if exchange is None else (exchange.id,),
        fault="path",
        grounds=(Ground.GUESS,) if other is None else (Ground.INFERENCE,),
        facts="The SYN offers to scale windows, and the SYN-ACK that came back has no such option, but the "
        f"server goes on as if it had: {_consequence(misread, held)} {contrast}",
        evidence=tuple(_evidence(misread, held, other)),
        runner_up=f"a server without window scaling: refuted, {shown}",
        retry_safe=safe,
        time_ns=exchange.request.time_ns if exchange and exchange.request else held[0].time_ns,
        failure=None if failed else False,
    )


def _consequence(misread: _Misread, held: list[Segment]) -> str:
    took = wording.span(held[-1].time_ns - held[0].time_ns)
    if held[0].side == Side.SERVER or misread.fallen is None:
        return (
            f"it sent {len(held)} segments beyond the client's window, each of which it had to send again "
            f"{wording.span(_HELD_NS)} later or more."
        )
    sent = sum(segment.length for segment in held)
    return (
        f"its window falls from {misread.offer.window} to {misread.fallen.window}, which the client takes "
        f"for bytes. So {sent} bytes went out in {took}, in {len(held)} segments, each of which filled that "
        "window."
    )


def _evidence(misread: _Misread, held: list[Segment], other: Syn | None) -> Iterable[Evidence]:
    scale = misread.syn.options.window_scale if misread.syn.options else 0
    yield Evidence(misread.syn.packet, f"SYN from the client, window scale {scale}")
    yield Evidence(misread.offer.packet, f"SYN, ACK without window scale, window {misread.offer.window}")
    if misread.fallen is not None:
        yield Evidence(misread.fallen.packet, f"the server's next segment, window {misread.fallen.window}")
    for segment in held[:_MOST_CITED]:
        if segment.side == Side.CLIENT:
            says = f"{plurals.count(segment.length, 'byte')} from the client, up to the end of the window"
        else:
            says = f"{plurals.count(segment.length, 'byte')} from the server, beyond the client's window"
        yield Evidence(segment.packet, says)
    if other is not None:
        yield Evidence(other.packet, "SYN, ACK with window scale, from the same address")


def _with_scale(traffic: Traffic, connection: Connection) -> Iterator[Syn]:
    """SYN-ACKs of the same address that agree to scale windows."""
    for neighbour in islice(traffic.by_server.get(connection.server, ()), _NEIGHBOURS):
        yield from filter(_scales, syns_of(neighbour)[1])
