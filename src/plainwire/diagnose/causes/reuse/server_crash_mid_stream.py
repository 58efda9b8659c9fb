"""Rule server-crash-mid-stream: the end of the process that served these connections."""

from __future__ import annotations

from bisect import bisect_left
from itertools import islice
from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence

if TYPE_CHECKING:
    from plainwire.diagnose.verdict import FailedExchange
    from plainwire.model import CloseEvent, Connection


_TOGETHER_NS = 50_000_000
"""Resets of one dying process leave within this time (chosen: a kernel sends them in one loop)."""

_REFUSED_SOON_NS = 10_000_000_000
"""Several resets, and a refusal within ten seconds: the process was gone."""

_REFUSED_AT_ONCE_NS = 2_000_000_000
"""One reset alone needs a refusal within two."""

_MOST_CITED = 4


def server_crash_mid_stream(failed: FailedExchange) -> Verdict | None:
    """A verdict where a reset in an exchange goes together with others, and new connections are refused."""
    close = failed.server_close
    if close is None or close.kind != "rst" or close.time_ns < failed.request.time_ns:
        return None
    if failed.reset_origin(close).fault == "path":
        return None
    resets = failed.traffic.resets.get(failed.connection.server, [])
    first, last = (_place(resets, close.time_ns + shift) for shift in (-_TOGETHER_NS, _TOGETHER_NS + 1))
    count = last - first
    refusal = _refusal(failed, close, _REFUSED_SOON_NS if count > 1 else _REFUSED_AT_ONCE_NS)
    if refusal is None:
        return None
    connection, refused = refusal
    others = (pair for pair in resets[first:last] if pair[0] is not failed.connection)
    together = [(failed.connection, close), *islice(others, _MOST_CITED - 1)]
    what = f"{count} connections were reset" if count > 1 else "The connection was reset"
    return Verdict(
        code="server-crash-mid-stream",
        connection=failed.connection,
        exchanges=(failed.exchange.id,),
        fault="server",
        grounds=(Ground.INFERENCE,),
        facts=f"{what} {'within 50 ms, ' if count > 1 else ''}in the middle of an exchange, and "
        f"{wording.span(refused.time_ns - close.time_ns)} later the same address refused a new connection: "
        "nobody was listening any more.",
        evidence=(
            Evidence(failed.request.packet, f"the request, {wording.run(failed.request)}"),
            *(
                Evidence(reset.packet, f"{wording.act(reset)} from the server on connection {other.id}")
                for other, reset in together
            ),
            Evidence(refused.packet, f"{wording.act(refused)}: connection {connection.id} is refused"),
        ),
        runner_up="reset-mid-request by a limit or a load balancer: refuted, the address then refused "
        "connections",
        retry_safe=failed.idempotent,
        time_ns=failed.request.time_ns,
    )


def _place(resets: list[tuple[Connection, CloseEvent]], time_ns: int) -> int:
    return bisect_left(resets, time_ns, key=lambda pair: pair[1].time_ns)


def _refusal(failed: FailedExchange, close: CloseEvent, within: int) -> tuple[Connection, CloseEvent] | None:
    """A connection attempt that was refused soon after ``close``."""
    refusals = failed.traffic.refusals.get(failed.connection.server, [])
    place = bisect_left(refusals, close.time_ns, key=lambda pair: pair[0].opened_ns)
    if place == len(refusals) or refusals[place][0].opened_ns - close.time_ns > within:
        return None
    return refusals[place]
