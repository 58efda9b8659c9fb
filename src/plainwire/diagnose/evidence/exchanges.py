"""What one exchange says of itself: its end, its status, the size of its header."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plainwire.model import Connection, Exchange, Request, Response


BODILESS = frozenset((204, 304))
"""Statuses without content (RFC 9110 sections 15.3.5 and 15.4.5)."""

IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"})
"""Methods that may be repeated without further thought (RFC 9110 section 9.2.2)."""
SUCCESS = range(200, 300)
"""RFC 9110 section 15.3."""

MISREAD = frozenset(("bad-framing", "content-length-mismatch", "response-desync"))
"""Codes of responses that some clients take and others refuse: where the program failed, they may be why."""

ERROR_STATUS, SERVER_ERROR_STATUS = 400, 500
"""The lowest of each kind (RFC 9110 sections 15.5 and 15.6)."""

REDIRECTS = frozenset((301, 302, 303, 307, 308))
"""RFC 9110 section 15.4."""

UNSOLICITED_STATUSES = (408, 400)
"""What servers and load balancers write onto a connection on which no request came."""


def shares_connection(exchange: Exchange) -> bool:
    """Whether these rules, and not those of HTTP/1, are for the exchange."""
    return exchange.protocol != "http/1.1"


def place_of(connection: Connection, exchange: Exchange) -> int:
    """Where the exchange, or the one of which it is a part, stands among those of its connection."""
    exchanges = connection.exchanges
    place = bisect_left(exchanges, exchange.id, key=_id)  # numbered in their order
    if place < len(exchanges) and exchanges[place].id == exchange.id:
        return place
    return next(index for index, other in enumerate(exchanges) if other.id == exchange.id)


def _id(exchange: Exchange) -> int:
    return exchange.id


def finished_ns(exchange: Exchange) -> int:
    """When the last byte of the exchange, in either direction, passed the point of capture."""
    request = exchange.request.last_ns if exchange.request else 0
    response = exchange.response.last_ns if exchange.response else 0
    return max(request, response)


def header_size(message: Request | Response) -> int:
    """Bytes of the header fields as HTTP/1.1 writes them."""
    return sum(len(name) + len(text) + 4 for name, text in message.headers)
