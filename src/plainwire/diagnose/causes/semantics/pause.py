"""Slow exchanges: always against what the same server does otherwise, never by a number alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose.evidence.acknowledgments import first_ack
from plainwire.model import Side

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.answered import Answered
    from plainwire.model import Connection, Request


FEWEST_OF_ITS_KIND = 8
"""Exchanges of the same kind that make a baseline."""

TIMES = 10
"""So many times the median is slow, whatever the server's pace."""

SHARE = 4
"""Where more than one of so many is slow, being slow is how the server is."""

_SWITCHING = 101
"""RFC 9110 section 15.2.2."""


def is_endless(case: Answered) -> bool:
    """Whether the response was made to last, or to wait for something: streams of events, other protocols."""
    response = case.response
    return response.status == _SWITCHING or response.events is not None or case.exchange.grpc is not None


def acknowledgment_of(connection: Connection, request: Request) -> tuple[int, int] | None:
    """(packet, time) of the first segment that acknowledges the whole request."""
    if connection.transport != "tcp":
        return None
    return first_ack(connection, Side.SERVER, request.end)
