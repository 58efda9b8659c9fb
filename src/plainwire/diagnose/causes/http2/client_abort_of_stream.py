"""Rule client-abort for streams: the client reset the stream, or left the connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.evidence.closes import is_reactive
from plainwire.diagnose.thresholds import PATIENCE_NS
from plainwire.diagnose.verdict import stage, stream_name, stream_verdict
from plainwire.model import Evidence, Side

from .goaway import beyond, frame_words, goaways, in_parentheses, limit_words

if TYPE_CHECKING:
    from plainwire.diagnose.verdict import FailedExchange, Verdict


_CHANGES_OF_MIND = frozenset(("CANCEL", "NO_ERROR", "H3_REQUEST_CANCELLED", "H3_NO_ERROR"))


def stream_cancelled(failed: FailedExchange) -> Verdict | None:
    """The client gave the stream up."""
    reset, response = failed.exchange.reset, failed.exchange.response
    if failed.exchange.outcome != "aborted" or reset is None or reset.side != Side.CLIENT:
        return None
    quiet = reset.time_ns - max(failed.request.last_ns, response.last_ns if response else 0)
    says, fault = "", "client" if quiet < PATIENCE_NS else "unknown"
    if reset.name not in _CHANGES_OF_MIND:
        broken = response is not None and bool(response.defects)
        fault = "server" if broken else "unknown"
        says = " The code accuses the server."
        says += " Its response does break the rules of HTTP." if broken else ""
    return stream_verdict(
        failed,
        "client-abort",
        "server" if fault == "server" else "client" if fault == "client" else "unknown",
        "proved",
        f"The client gave {stream_name(failed)} up with {reset.name}, {stage(failed, reset.time_ns)}.{says}",
        Evidence(reset.packet, f"{frame_words(reset)} from the client"),
        retry_safe=failed.idempotent,
        runner_up="a reset by the server: refuted, the client's frame came first",
    )


def client_left(failed: FailedExchange) -> Verdict | None:
    """The client closed the connection while the stream was open."""
    close = failed.first_close
    if close is None or close.side != Side.CLIENT:
        return None
    response = failed.exchange.response
    quiet = close.time_ns - max(failed.request.last_ns, response.last_ns if response else 0)
    promises = [e for e in goaways(failed) if e.time_ns <= close.time_ns and not beyond(failed, e)]
    promised = (
        " The server's GOAWAY had announced the end, but counted this stream among those that it would "
        f"still answer: {limit_words(failed, promises[-1])}."
        if promises
        else ""
    )
    return stream_verdict(
        failed,
        "client-abort",
        "client" if quiet < PATIENCE_NS else "unknown",
        "likely" if is_reactive(close) else "proved",
        f"The client's side ended the connection ({wording.act(close)}) {stage(failed, close.time_ns)}, "
        f"before any close from the server.{promised}",
        *(
            Evidence(e.packet, f"GOAWAY{in_parentheses(e)} from the server, {limit_words(failed, e)}")
            for e in promises[-1:]
        ),
        Evidence(close.packet, f"{wording.act(close)} from the client"),
        retry_safe=failed.idempotent,
        runner_up="a close by the server: refuted, none came before",
    )
