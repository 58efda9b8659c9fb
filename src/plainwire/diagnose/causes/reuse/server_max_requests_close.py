"""Rule server-max-requests-close: the server closes a connection after a fixed number of requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import wording

from .idle_close_named import named_close, surroundings

if TYPE_CHECKING:
    from plainwire.diagnose.verdict import FailedExchange, Verdict


_RACE = "keepalive-idle-race"


def server_max_requests_close(failed: FailedExchange) -> Verdict | None:
    """A verdict where the server closes after the same number of requests on each connection."""
    met, facts = surroundings(failed), failed.traffic.servers.get(failed.connection.server)
    if met is None or facts is None:
        return None
    own, closes = met
    if not own.at_once or own.announced or own.ordinal != facts.max_requests:
        return None
    return named_close(
        failed,
        "server-max-requests-close",
        f"It closed {facts.max_requests_count} connections with the response to request {own.ordinal} and "
        "carried no more on any: a limit of requests on a connection, which it did not announce here.",
        f"{_RACE}: refuted, the close came {wording.span(own.idle_ns)} after a response, always the same one",
        closes.at_once,
    )
