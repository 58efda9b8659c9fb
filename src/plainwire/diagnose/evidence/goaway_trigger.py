"""What a client did before its server ended the connection with a GOAWAY that names an error.

Servers count PINGs, reset streams and the size of header fields, and end a connection on which there are too
many of them (RFC 9113 section 10.5). Which limit it was is not in the frame, but in what came before it.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire import plurals
from plainwire.diagnose import wording
from plainwire.diagnose.statistics.median import median
from plainwire.model import Evidence, Side

if TYPE_CHECKING:
    from plainwire.model import Connection, StreamEvent

_FEWEST_PINGS = 3
"""Servers allow two strikes by default (gRPC), so that the third one may be too many."""

_FEWEST_RESETS = 50
"""Limits begin at about a hundred in a short time (Go 100, Netty 200, Node 1,000)."""

_LARGE_FIELD = 4096
"""Limits of header fields begin at about 8 KB in all; a field below this is ordinary."""

_LARGE_SECTION = 8192
"""Bytes of all fields of a request: a cookie is often cut into many (RFC 9113 section 8.2.3)."""

_COUNTED = "ENHANCE_YOUR_CALM"
_MOST_CITED = 4


class GoawayTrigger(Struct, frozen=True):
    """What most likely provoked the GOAWAY. ``by_request``: the same request would provoke it again."""

    says: str
    evidence: tuple[Evidence, ...]
    by_request: bool = False


def goaway_trigger(connection: Connection, goaway: StreamEvent) -> GoawayTrigger | None:
    """What provoked the server's GOAWAY; None where nothing that is counted stands out before it."""
    mine = [e for e in connection.events if e.side == Side.CLIENT and e.packet <= goaway.packet]
    resets = [e for e in mine if e.kind == "rst_stream" and e.time_ns <= goaway.time_ns]
    pings = [e for e in mine if e.kind == "ping" and not e.detail and e.time_ns <= goaway.time_ns]
    if len(resets) >= _FEWEST_RESETS and len(resets) > len(pings):
        return _resets(resets)
    if goaway.name != _COUNTED:
        return None
    return _pings(pings) if len(pings) >= _FEWEST_PINGS else _large_field(connection, goaway)


def _resets(resets: list[StreamEvent]) -> GoawayTrigger:
    took = wording.span(resets[-1].time_ns - resets[0].time_ns)
    return GoawayTrigger(
        f"The client had reset {plurals.count(len(resets), 'stream')} (RST_STREAM) within {took} before it.",
        (
            Evidence(resets[0].packet, "the client's first RST_STREAM"),
            Evidence(resets[-1].packet, f"its last one, the {len(resets)}th of this connection"),
        ),
    )


def _pings(pings: list[StreamEvent]) -> GoawayTrigger:
    apart = [b.time_ns - a.time_ns for a, b in pairwise(pings)]
    return GoawayTrigger(
        f"The client had sent {len(pings)} PINGs before it, about {wording.span(int(median(apart)))} apart.",
        (
            *(Evidence(ping.packet, "a PING from the client") for ping in pings[: _MOST_CITED - 1]),
            Evidence(pings[-1].packet, f"the last PING before the GOAWAY, the {len(pings)}th"),
        ),
    )


def _large_field(connection: Connection, goaway: StreamEvent) -> GoawayTrigger | None:
    requests = [e.request for e in connection.exchanges if e.request and e.request.packet <= goaway.packet]
    sizes = [[len(name) + len(value) for name, value in request.headers] for request in requests]
    totals = [sum(each) for each in sizes]
    most = max(totals, default=0)
    largest = max((max(each, default=0) for each in sizes), default=0)
    if largest < _LARGE_FIELD and most < _LARGE_SECTION:
        return None
    request = requests[totals.index(most)]
    return GoawayTrigger(
        f"The largest header section of a request before it has {most} bytes, its largest field {largest}.",
        (Evidence(request.packet, f"a request with header fields of {most} bytes in all"),),
        by_request=True,
    )
