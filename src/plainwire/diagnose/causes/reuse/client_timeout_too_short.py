"""Rule client-timeout-too-short: the client hung up after a time that only a timer keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from plainwire.diagnose import wording
from plainwire.diagnose.evidence.acknowledgments import last_ack
from plainwire.diagnose.evidence.closes import client_first
from plainwire.diagnose.evidence.exchanges import wait_before_abort
from plainwire.model import Side

from .client_abort import client_abort

if TYPE_CHECKING:
    from plainwire.diagnose.verdict import FailedExchange, Verdict


_SECOND = 1_000_000_000

_USUAL = tuple(n * _SECOND for n in (1, 2, 3, 4, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 300, 600))
"""What people configure."""

_EARLY_NS, _LATE_NS = 2_000_000, 30_000_000
"""A timer fires a little late, never early; clocks of capture and program differ by little."""

_SHORTEST_NS = 200_000_000

_HASTY_NS = 2_000_000_000
"""A client that waits for less is impatient whatever the server does."""

_SAME_NS, _SAME_SHARE = 30_000_000, 0.01


def client_timeout_too_short(failed: FailedExchange) -> Verdict | None:
    """A verdict where the wait was a usual round time, or the same as that of another abort.

    The server must have had the request: silence of the path is another matter.
    """
    close = client_first(failed.connection)
    if close is None or close.time_ns < failed.request.time_ns or not failed.request.complete:
        return None
    aborted = client_abort(failed)
    waited = wait_before_abort(failed.connection, failed.exchange)
    if aborted is None or waited is None or waited < _SHORTEST_NS:
        return None
    if failed.late is None and not _arrived(failed):
        return None
    equal = sum(_same(waited, other) for other in failed.traffic.aborted_waits)
    if equal < 2 and not _round(waited):  # itself is among them
        return None
    pattern = f" {equal} exchanges were given up after the same time." if equal > 1 else ""
    unknown = "" if failed.late is not None else " Whether the server would have answered is not to be seen."
    return replace(
        aborted,
        code="client-timeout-too-short",
        fault="client" if failed.late is not None or waited < _HASTY_NS else "unknown",
        certainty="likely" if failed.late is None and aborted.certainty == "proved" else aborted.certainty,
        facts=f"{aborted.facts} It had waited for {wording.span(waited)}: a timer of its "
        f"own.{pattern}{unknown}",
        runner_up="client-abort by other means (a cancelled call, the end of the process): the time speaks "
        f"against it; {aborted.runner_up}",
    )


def _arrived(failed: FailedExchange) -> bool:
    acknowledged = last_ack(failed.connection, Side.SERVER)
    return failed.exchange.response is not None or (
        acknowledged is not None and acknowledged >= failed.request.end
    )


def _round(waited: int) -> bool:
    return any(usual - _EARLY_NS <= waited <= usual + _LATE_NS for usual in _USUAL)


def _same(one: int, other: int) -> bool:
    return abs(one - other) <= max(_SAME_NS, _SAME_SHARE * one)
