"""Rules websocket-close-CODE: a side closed the WebSocket with a code of trouble."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.evidence.websocket_end import ORDINARY_CODES, first_close_frame
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import quoted
from plainwire.model import Evidence, Side

from .close_codes import code_of, said_by
from .websocket import SIDES, traffic_words, websocket_verdict

if TYPE_CHECKING:
    from plainwire.diagnose.verdict import FailedExchange, Verdict
    from plainwire.model import Fault, WebSocket, WebSocketClose

_ACCUSING = frozenset((1002, 1007))
"""Codes that say that the peer broke a rule (RFC 6455 section 7.4.1)."""

_FAULTS: dict[Side, Fault] = {Side.CLIENT: "client", Side.SERVER: "server"}

_TOO_BIG = 1009
"""RFC 6455 section 7.4.1."""


def websocket_close_code(failed: FailedExchange) -> Verdict | None:
    """A verdict where the Close frame that began the closing has another code than a normal one."""
    websocket = failed.exchange.websocket
    begun = first_close_frame(failed.connection, failed.exchange)
    if websocket is None or begun is None or begun[1].code in ORDINARY_CODES:
        return None
    side, close = begun
    said = said_by(close.code, side)
    wrong = close.code in _ACCUSING and websocket.violations[side.peer]
    right = _so_it_is(websocket, side) if wrong else ""
    return websocket_verdict(
        failed,
        code_of(close.code),
        _FAULTS[side.peer] if wrong else said.fault,
        (Ground.SAID,),
        f"The {SIDES[side]} closed the WebSocket with code {close.code}, "
        f"{wording.span(close.time_ns - failed.request.time_ns)} after it was asked for. By this code it "
        f"says that {said.means}.{right} {traffic_words(websocket)}{_size_words(websocket, side, close)}",
        Evidence(close.packet, f"Close ({close.code}) from the {SIDES[side]}"),
        runner_up="a connection that was cut: refuted, the Close frame came first",
        quotes=quoted(close.packet, "the Close frame's reason", close.reason),
        sender=side,
    )


def _so_it_is(websocket: WebSocket, side: Side) -> str:
    """What was seen of the rules that the peer broke; what a defect is stands in the exchange's facts."""
    times = websocket.violations[side.peer]
    often = "a frame" if times == 1 else f"{times} frames"
    return f" It is right: {often} of the {SIDES[side.peer]} did break a rule of RFC 6455."


def _size_words(websocket: WebSocket, side: Side, close: WebSocketClose) -> str:
    """What is too large is the last message of the other side: mostly cut, as nobody reads it to its end."""
    last = websocket.last[side.peer]
    if close.code != _TOO_BIG:
        return ""
    largest = max(websocket.largest[side.peer], last.size if last is not None else 0)
    return f" The largest message of the {SIDES[side.peer]} has {largest} bytes."
