"""Rule websocket-ping-timeout: a PING was not answered, and its sender ended the WebSocket for that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.evidence.acknowledgments import first_ack
from plainwire.diagnose.evidence.round_trip import shortest_rtt
from plainwire.diagnose.evidence.websocket_end import ending_of, first_close_frame, unanswered_ping
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import quoted
from plainwire.model import Evidence

from .websocket import SIDES, party, websocket_verdict

if TYPE_CHECKING:
    from plainwire.diagnose.grounds import Grounds
    from plainwire.diagnose.verdict import FailedExchange, Verdict
    from plainwire.model import Side, WebSocket, WebSocketPing

_SHORTEST_NS = 100_000_000
"""Nobody waits for less for a response to a PING."""

_ROUND_TRIPS = 3
"""A PONG may take one; three leave room for queues."""
_FEW = 3
"""A side that sends so many PINGs without a response and goes on does not end a WebSocket for one."""


def websocket_ping_timeout(failed: FailedExchange) -> Verdict | None:
    """A verdict where the side that ended the WebSocket had waited for a PONG."""
    websocket, ending = failed.exchange.websocket, ending_of(failed.connection, failed.exchange)
    if websocket is None:
        return None
    begun = first_close_frame(failed.connection, failed.exchange)
    if begun is not None:
        side, packet, ended_ns, act = begun[0], begun[1].packet, begun[1].time_ns, f"Close ({begun[1].code})"
    elif ending is not None:
        side, packet, ended_ns, act = ending.side, ending.packet, ending.time_ns, ending.act
    else:
        return None
    ping = unanswered_ping(websocket, side, ended_ns)
    if ping is None or ended_ns - ping.time_ns < _patience(failed):
        return None
    waited, peer = wording.span(ended_ns - ping.time_ns), SIDES[side.peer]
    return websocket_verdict(
        failed,
        "websocket-ping-timeout",
        party(side.peer) if _reached(failed, ping, ended_ns) is not False else "unknown",
        _grounds(websocket, side, ping, ended_ns),
        f"The {SIDES[side]} sent a PING, got no PONG for {waited}, and ended the WebSocket ({act})."
        f"{_reach_words(failed, ping, ended_ns, peer)}{_late_words(ping, ended_ns, peer)}",
        Evidence(ping.packet, f"a PING from the {SIDES[side]}"),
        Evidence(packet, f"{act} from the {SIDES[side]}, {waited} later"),
        *((Evidence(ping.pong_packet, f"the {peer}'s PONG, too late"),) if ping.pong_packet else ()),
        runner_up="websocket-abnormal-close for another reason: less likely, the PING waited for its "
        "response",
        quotes=() if begun is None else quoted(packet, "the Close frame's reason", begun[1].reason),
    )


def _patience(failed: FailedExchange) -> int:
    return max(_SHORTEST_NS, _ROUND_TRIPS * (shortest_rtt(failed.connection) or 0))


def _grounds(websocket: WebSocket, side: Side, ping: WebSocketPing, ended_ns: int) -> Grounds:
    """One that went on sending PINGs without a response may have had another reason in the end."""
    later = sum(p.side == side and ping.time_ns <= p.time_ns <= ended_ns for p in websocket.pings)
    return (Ground.SAID, Ground.SILENCE) if later < _FEW else (Ground.GUESS,)


def _reached(failed: FailedExchange, ping: WebSocketPing, ended_ns: int) -> bool | None:
    """Whether TCP acknowledged the PING before the end: then its receiver's host was there."""
    segments = failed.connection.segments
    if segments is None:
        return None
    rows = (segments.number == ping.packet) & (segments.side == ping.side)
    if not rows.any():
        return None
    end = int((segments.seq[rows] + segments.length[rows]).max())
    acked = first_ack(failed.connection, ping.side.peer, end)
    return acked is not None and acked[1] <= ended_ns


def _reach_words(failed: FailedExchange, ping: WebSocketPing, ended_ns: int, peer: str) -> str:
    reached = _reached(failed, ping, ended_ns)
    if reached is None:
        return ""
    if reached:
        return f" TCP had acknowledged the PING: the {peer}'s host was there, its program did not answer."
    return f" TCP had not acknowledged the PING either: it is not known whether it reached the {peer}."


def _late_words(ping: WebSocketPing, ended_ns: int, peer: str) -> str:
    if ping.pong_ns is None:
        return ""
    late = wording.span(ping.pong_ns - ended_ns)
    return f" The {peer}'s PONG came {late} after that: its program had been busy or blocked."
