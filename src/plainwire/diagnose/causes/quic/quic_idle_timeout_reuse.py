"""Rule quic-idle-timeout-reuse: the request left after the connection's idle timeout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import stage, stream_verdict

if TYPE_CHECKING:
    from plainwire.diagnose.verdict import FailedExchange, Verdict


def quic_idle_timeout_reuse(failed: FailedExchange) -> Verdict | None:
    """A verdict where the request left after the idle timeout that both agreed on (RFC 9000, 10.1)."""
    quic, idle = failed.connection.quic, failed.exchange.idle_before_ns
    if quic is None or quic.idle_timeout_ns is None or idle is None or failed.exchange.response is not None:
        return None
    if idle <= quic.idle_timeout_ns:
        return None
    return stream_verdict(
        failed,
        "quic-idle-timeout-reuse",
        "client",
        (Ground.INFERENCE,),
        f"The request left after {wording.span(idle)} of idleness; both ends had agreed to forget the "
        f"connection after {wording.span(quic.idle_timeout_ns)}. The exchange got no answer, "
        f"{stage(failed, failed.connection.last_ns)}.",
        retry_safe=failed.idempotent,
        runner_up="a path that lost the request: less likely, the agreed time had passed",
    )
