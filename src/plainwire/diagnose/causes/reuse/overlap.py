"""Requests on a connection whose last response was not at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.evidence.acknowledgments import ack_at
from plainwire.model import Evidence

if TYPE_CHECKING:
    from plainwire.diagnose.verdict import FailedExchange
    from plainwire.model import Exchange


def unfinished_before(failed: FailedExchange) -> Exchange | None:
    """The exchange just before, where its response was not complete at the client when this request left."""
    if failed.exchange.response is not None or failed.server_close is None:
        return None
    place = failed.exchange.ordinal - 2
    if not 0 <= place < len(failed.connection.exchanges):
        return None
    before = failed.connection.exchanges[place]
    if before.request is None or before.response is None or before.outcome != "complete":
        return None
    if before.response.last_ns <= failed.request.time_ns:
        return None
    had = ack_at(failed.connection, failed.request.packet)
    return None if had is not None and had >= before.response.end else before


def retry_is_safe(failed: FailedExchange) -> bool:
    """Whether the request may be sent again."""
    close = failed.server_close
    unread = close is not None and close.ack is not None and close.ack <= failed.request.start
    return unread or failed.idempotent


def overlap_evidence(failed: FailedExchange, before: Exchange) -> tuple[Evidence, ...]:
    """Both exchanges and the close."""
    found = [] if before.request is None else [Evidence(before.request.packet, "the request before")]
    had = ack_at(failed.connection, failed.request.packet)
    said = "" if had is None else f", Ack={wording.number(had)}"
    found.append(Evidence(failed.request.packet, f"the request, {wording.run(failed.request)}{said}"))
    if before.response is not None:
        found.append(Evidence(before.response.last_packet, f"the response to exchange {before.id}"))
    close = failed.server_close
    if close is not None:
        found.append(Evidence(close.packet, f"{wording.act(close)} from the server"))
    return tuple(found)
