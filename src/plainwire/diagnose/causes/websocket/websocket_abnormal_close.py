"""Rule websocket-abnormal-close: the connection ended without a Close frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.evidence.websocket_end import ending_of, first_close_frame, frames_before
from plainwire.diagnose.thresholds import LONG_NS
from plainwire.model import Evidence, Side

from .accept import wrong_accept
from .websocket import SIDES, party, traffic_words, websocket_verdict

if TYPE_CHECKING:
    from plainwire.diagnose.evidence.websocket_end import Ending
    from plainwire.diagnose.grounds import Grounds
    from plainwire.diagnose.verdict import FailedExchange, Verdict
    from plainwire.model import Fault, WebSocket

_RECONNECT = "Reconnect after a pause; look whether it is always the same message after which it ends."
_LOOK = (
    "Look in the log at this time: an exception in what handles the messages, a process that ended or was "
    "restarted, here or behind a proxy. Catch it, and send a Close frame (1011)."
)
_SAY_SO = "Send a Close frame before the connection is closed; look for what ended the program or the socket."


def websocket_abnormal_close(failed: FailedExchange) -> Verdict | None:
    """A verdict where the transport ended and neither side had sent a Close frame (RFC 6455, 7.1.5)."""
    websocket, ending = failed.exchange.websocket, ending_of(failed.connection, failed.exchange)
    if websocket is None or ending is None or first_close_frame(failed.connection, failed.exchange):
        return None
    who = SIDES[ending.side]
    limit = failed.traffic.websocket_endings[failed.connection.server].limit_of(ending)
    if ending.side == Side.CLIENT and (wrong := wrong_accept(failed)) is not None:
        return wrong
    fault, grounds, source = _fault(failed, ending)
    return websocket_verdict(
        failed,
        "websocket-abnormal-close",
        fault,
        grounds,
        f"The {who}'s side ended the connection ({ending.act}) {wording.span(ending.quiet_ns)} after the "
        "last frame, without a Close frame from either side (code 1006 in the client's words). "
        f"{traffic_words(websocket)}{limit}{source}",
        *_last_frames(websocket, ending),
        Evidence(ending.packet, f"{ending.act} from the {who}"),
        runner_up=_rival(ending, limit),
        advice=_advice(ending),
    )


def _advice(ending: Ending) -> tuple[str, str]:
    """In the middle of traffic no heartbeat helps: for the client, and for the server."""
    if ending.quiet_ns >= LONG_NS:
        return "", ""
    if ending.side == Side.SERVER:
        return _RECONNECT, _LOOK
    return _SAY_SO, "Take the end for one of the client's; nothing to fix on the server."


def _fault(failed: FailedExchange, ending: Ending) -> tuple[Fault, Grounds, str]:
    """A reset in the server's name may be somebody else's."""
    close = ending.close
    if close is not None and close.kind == "rst" and ending.side == Side.SERVER:
        source = failed.reset_origin(close)
        return source.fault, source.grounds, f" {source.says}"
    return party(ending.side), (ending.ground(failed.connection),), ""


def _last_frames(websocket: WebSocket, ending: Ending) -> tuple[Evidence, ...]:
    frames = frames_before(websocket, ending.time_ns)
    last = max(frames, key=lambda frame: (frame.time_ns, frame.packet), default=None)
    return () if last is None else (Evidence(last.packet, f"the last frame, from the {SIDES[last.side]}"),)


def _rival(ending: Ending, limit: str) -> str:
    other = SIDES[ending.side.peer]
    if limit:
        return f"a failure of the {SIDES[ending.side]}: it would not keep time; the {other}: it ended nothing"
    if ending.quiet_ns < LONG_NS:
        return "an idle limit: refuted, frames had passed just before"
    return "an idle limit: not excluded, but the silence is none that people configure, and was seen once"
