"""Rule stream-idle-timeout: a response was cut after a silence that only a time limit keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.evidence.cuts import cut_of
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence

if TYPE_CHECKING:
    from plainwire.diagnose.evidence.cuts import Cut
    from plainwire.diagnose.traffic.silent_cuts import SilenceLimit
    from plainwire.diagnose.verdict import FailedExchange
    from plainwire.model import Response


def stream_idle_timeout(failed: FailedExchange) -> Verdict | None:
    """A verdict where the server's side cut a begun response after constant, or usual, silence.

    A cut at any other time is for the rules about responses that were cut, which name the silence as well.
    """
    cut = cut_of(failed.connection, failed.exchange)
    limit = None if cut is None else failed.traffic.silent_cuts(failed.connection.server).limit_of(cut)
    if cut is None or limit is None:
        return None
    response = cut.response
    return Verdict(
        code="stream-idle-timeout",
        connection=failed.connection,
        exchanges=(failed.exchange.id,),
        fault="server",
        certainty="likely" if limit.count > 1 else "possible",
        facts=f"{_came(response)} had come; then nothing for {wording.span(cut.silence_ns)}, and the "
        f"server's side cut the response ({cut.act}). {limit.says}{_heartbeats(response)}",
        evidence=(
            Evidence(cut.request.packet, "the request"),
            Evidence(response.packet, f"the response begins, status {response.status}"),
            Evidence(response.last_packet, "the last byte of the response"),
            Evidence(cut.packet, f"{cut.act} from the server, {wording.span(cut.silence_ns)} later"),
        ),
        runner_up=_rival(cut, limit),
        retry_safe=failed.idempotent,
        time_ns=failed.request.time_ns,
    )


def _came(response: Response) -> str:
    events = response.event_stream
    if events is not None and events.events:
        return f"{wording.count(events.events, 'event')} ({response.body_size} bytes)"
    if response.declared_size is not None:
        return f"{response.body_size} of {response.declared_size} bytes"
    return wording.count(response.body_size, "byte")


def _heartbeats(response: Response) -> str:
    events = response.event_stream
    if events is None or events.heartbeats:
        return ""
    return " The stream had no heartbeat (a comment line, a ping event) in it."


def _rival(cut: Cut, limit: SilenceLimit) -> str:
    if limit.count > 1:
        return "a crash of what is behind the server: it would not keep time"
    stated = "a crash of what is behind the server, or a client that had given up before and did not say so"
    return f"{stated}: not excluded by one sample, but {wording.span(cut.silence_ns)} is a round time"
