"""Rule h2-stream-reset: the server reset the stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose.evidence.stream_errors import OWN_FAILURES
from plainwire.diagnose.verdict import stage, stream_name, stream_verdict
from plainwire.model import Evidence, Side

from .goaway import frame_words

if TYPE_CHECKING:
    from plainwire.diagnose.verdict import FailedExchange, Verdict
    from plainwire.model import Fault


def h2_stream_reset(failed: FailedExchange) -> Verdict | None:
    """The server gave the stream up."""
    reset, exchange = failed.exchange.reset, failed.exchange
    if reset is None or reset.side != Side.SERVER:
        return None
    accuses = reset.name not in OWN_FAILURES
    says = " The code accuses the client." if accuses else ""
    if accuses and failed.request.defects:
        says += " Its request does break the rules of HTTP."
    fault: Fault = "server" if not accuses else "client" if failed.request.defects else "unknown"
    last = failed.request.last_packet if exchange.response is None else exchange.response.last_packet
    return stream_verdict(
        failed,
        "h2-stream-reset",
        fault,
        "proved",
        f"The server reset {stream_name(failed)} with {reset.name}, {stage(failed, reset.time_ns)}.{says}",
        Evidence(last, "the last that was seen of the exchange before"),
        Evidence(reset.packet, f"{frame_words(reset)} from the server"),
        retry_safe=failed.idempotent,
        runner_up="a client that gave up: refuted, the server's frame came first",
    )
