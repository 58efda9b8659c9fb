"""Sendings of one request, and what is known of one that failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire.diagnose.evidence.acknowledgments import last_ack
from plainwire.diagnose.evidence.closes import first_close
from plainwire.model import Side

if TYPE_CHECKING:
    from plainwire.model import Connection, Evidence, Exchange, Request


WITHIN_NS = 120_000_000_000
"""A twin later than this is a request of its own."""

Key = tuple[str, str, str | None, int | None]


class Sending(Struct, frozen=True):
    """One sending of a request."""

    connection: Connection
    exchange: Exchange
    request: Request


class Failure(Struct, frozen=True):
    """``end``: the packet that ended its connection, or its stream, where one did."""

    copy: Sending
    at_ns: int
    end: Evidence | None

    @property
    def refused(self) -> bool:
        """Whether the server said that it did not work on it (RFC 9113 section 8.7, RFC 9114, 4.1.1)."""
        return self.copy.exchange.outcome == "refused"

    @property
    def shared(self) -> bool:
        """Whether its connection carries several exchanges at a time."""
        return self.copy.exchange.protocol != "http/1.1"


REPEATED = frozenset((408, 429, 500, 502, 503, 504))
"""Statuses that HTTP libraries repeat: urllib3's and botocore's examples, axios-retry, Go's retryablehttp."""


def was_refused(exchange: Exchange) -> bool:
    """Whether it has a whole response whose status libraries take as a reason to try again."""
    return (
        exchange.outcome == "complete"
        and exchange.response is not None
        and exchange.response.status in REPEATED
    )


def was_received(failure: Failure) -> bool | None:
    """Whether the server's stack had the first copy when the connection ended; None where nothing says.

    One that it sent back untouched counts as not received.
    """
    if failure.refused:
        return False
    until = first_close(failure.copy.connection, Side.SERVER)
    ack = last_ack(failure.copy.connection, Side.SERVER, until)
    if ack is None:
        return None
    return ack >= failure.copy.request.end
