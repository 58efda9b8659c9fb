"""Rule close-mid-request: the server had the request and closed the connection without a response."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.evidence.closes import client_first, ground_of, reset_after
from plainwire.diagnose.evidence.tunnels import is_tunnelled
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.thresholds import BLINDNESS_NS
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence, Side

from .closed_on_request import (
    arrival_words,
    closing_fault,
    crossing_grounds,
    defect_words,
    delay_words,
    had_some,
    had_up_to,
    race_refuted,
    request_evidence,
)

if TYPE_CHECKING:
    from plainwire.diagnose.verdict import FailedExchange
    from plainwire.model import CloseEvent


_BEFORE_WORK_NS = 1_000_000_000
"""A server that works on a request before it fails mostly takes longer."""


def close_mid_request(failed: FailedExchange) -> Verdict | None:
    """A verdict where an orderly close (close_notify, alert, FIN) came with the request acknowledged."""
    close = failed.server_close
    if close is None or close.kind == "rst" or not had_some(failed, close):
        return None
    whole = had_up_to(failed, close) >= failed.request.end
    reset = reset_after(failed.connection, close)
    return Verdict(
        code="close-mid-request",
        connection=failed.connection,
        exchanges=(failed.exchange.id,),
        fault=closing_fault(failed, close, whole=whole),
        grounds=(
            Ground.NUMBERS,
            ground_of(close, failed.connection),
            *(() if whole else (Ground.INFERENCE,)),
            *crossing_grounds(failed, close),
        ),
        facts=f"{arrival_words(failed, close)}. It closed ({wording.act(close)}) without a byte of "
        f"response{delay_words(failed, close)}.{_reset_words(close, reset)}{defect_words(failed, close)}"
        f"{_gateway_words(failed, close)}",
        evidence=(*request_evidence(failed, close), *_reset_evidence(reset)),
        runner_up=race_refuted(failed, close),
        retry_safe=failed.idempotent,
        time_ns=failed.request.time_ns,
    )


def closed_on_half_close(failed: FailedExchange) -> Verdict | None:
    """A verdict where the client closed its own direction with the request, and the server took it for gone.

    A client that gives up does so later. In clear text only: TLS has no half-close that clients use.
    """
    mine, theirs = client_first(failed.connection), failed.server_close
    if mine is None or mine.kind != "fin" or theirs is None or failed.connection.tls is not None:
        return None
    waited = mine.time_ns - failed.request.last_ns
    if failed.exchange.response is not None or not failed.request.complete:
        return None
    gone = any(c.side == Side.CLIENT and c.kind == "rst" for c in failed.connection.closes)
    if gone or not 0 <= waited <= BLINDNESS_NS or not theirs.knew_of(mine):
        return None
    return Verdict(
        code="close-mid-request",
        connection=failed.connection,
        exchanges=(failed.exchange.id,),
        fault="both",
        grounds=(Ground.NUMBERS, Ground.INFERENCE),
        facts=f"The client closed its own direction (FIN) {wording.span(waited)} behind the request, too "
        "soon to have given up: a half-close, which TCP allows and behind which an answer may come. The "
        f"server had the request, took the FIN for a departure and closed ({wording.act(theirs)}) "
        f"{wording.span(theirs.time_ns - mine.time_ns)} later without an answer (nginx logs 499).",
        evidence=(
            Evidence(failed.request.packet, f"the request, {wording.run(failed.request)}"),
            Evidence(mine.packet, "FIN from the client, right behind the request"),
            Evidence(theirs.packet, f"{wording.act(theirs)} from the server; no response byte before it"),
        ),
        runner_up="client-abort: a client that gives up waits first",
        retry_safe=failed.idempotent,
        time_ns=failed.request.time_ns,
        advice_client="Do not close your direction before the answer is there (shutdown(SHUT_WR), nc -N).",
        advice_server="Let a half-closed connection be answered: nginx proxy_ignore_client_abort on; haproxy "
        "without option abortonclose.",
    )


def _gateway_words(failed: FailedExchange, close: CloseEvent) -> str:
    """What a close at once on a connection that had served before leaves open, and one behind a proxy."""
    if is_tunnelled(failed.connection) and close.kind == "fin" and failed.connection.decrypted:
        return (
            " TLS was not ended before it (no close_notify), as a server mostly does and a proxy in between "
            "cannot: a time limit of the proxy's on silent tunnels ends them so."
        )
    if failed.previous is None or close.time_ns - failed.request.last_ns > _BEFORE_WORK_NS:
        return ""
    return (
        " If this is a gateway or load balancer: one that loses its own kept connection to the server behind "
        "it (its upstream) at this moment closes in the same way, and says nothing."
    )


def _reset_words(close: CloseEvent, reset: CloseEvent | None) -> str:
    """Programs report whichever of the two they notice first: the exception's text does not tell which."""
    if reset is None:
        return ""
    later = wording.span(reset.time_ns - close.time_ns)
    return f" A reset followed {later} later, which the program may report in its place."


def _reset_evidence(reset: CloseEvent | None) -> tuple[Evidence, ...]:
    return () if reset is None else (Evidence(reset.packet, f"{wording.act(reset)} from the server"),)
