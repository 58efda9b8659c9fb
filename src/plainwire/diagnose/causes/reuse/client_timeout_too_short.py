"""Rule client-timeout-too-short: the client hung up after a time that only a timer keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from plainwire.diagnose.evidence.acknowledgments import last_ack
from plainwire.diagnose.evidence.closes import client_first
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.thresholds import HASTY_NS, PATIENCE_NS
from plainwire.diagnose.traffic.given_up import given_up
from plainwire.diagnose.verdict import of_what_was_coming
from plainwire.model import Side

from .client_abort import client_abort

if TYPE_CHECKING:
    from plainwire.diagnose.verdict import FailedExchange, Verdict


def client_timeout_too_short(failed: FailedExchange) -> Verdict | None:
    """A verdict where the wait was a usual round time, or the same as that of another abort.

    The server must have had the request: silence of the path is another matter.
    """
    close = client_first(failed.connection)
    if close is None or close.time_ns < failed.request.time_ns or not failed.request.complete:
        return None
    aborted = client_abort(failed)
    one = given_up(failed.connection, failed.exchange)
    timer = None if one is None else failed.traffic.given_up.timer_of(one)
    if aborted is None or one is None or timer is None:
        return None
    if failed.late is None and not _arrived(failed):
        return None
    hasty = timer.waited_ns < HASTY_NS or one.silence_ns < PATIENCE_NS
    return replace(
        aborted,
        code="client-timeout-too-short",
        fault="client" if failed.late is not None or hasty else "unknown",
        grounds=aborted.grounds if failed.late is not None else (*aborted.grounds, Ground.INFERENCE),
        facts=f"{aborted.facts}{timer.says}{of_what_was_coming(failed, timer)}",
        runner_up="client-abort by other means (a cancelled call, the end of the process): the time speaks "
        f"against it; {aborted.runner_up}",
    )


def _arrived(failed: FailedExchange) -> bool:
    acknowledged = last_ack(failed.connection, Side.SERVER)
    return failed.exchange.response is not None or (
        acknowledged is not None and acknowledged >= failed.request.end
    )
