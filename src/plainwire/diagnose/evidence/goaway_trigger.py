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
    from plainwire.model import Connection, Request, StreamEvent

COMPRESSION_ERROR = "COMPRESSION_ERROR"

_FEWEST_PINGS = 3
"""Servers allow two strikes by default (gRPC), so that the third one may be too many."""

_FEWEST_RESETS = 50
"""Limits begin at about a hundred in a short time (Go 100, Netty 200, Node 1,000)."""

_LARGE_FIELD = 4096
"""Limits of header fields begin at about 8 KB in all; a field below this is ordinary."""

_LARGE_SECTION = 8192
"""Bytes of all fields of a request: a cookie is often cut into many (RFC 9113 section 8.2.3)."""

_MOST_FIELDS = 100
"""So many fields servers take as a rule (HAProxy: 101 with those of the request line)."""

_COUNTED = "ENHANCE_YOUR_CALM"

_OF_SIZE = frozenset(("REFUSED_STREAM", "PROTOCOL_ERROR"))
"""What Jetty (with "invalid_headers_frame") and Undertow say of a header that is too large for them."""

TOO_LARGE_SAID = frozenset((COMPRESSION_ERROR, *_OF_SIZE))
"""Codes by which servers say that a header is too large, without saying it."""

_WHEN_IT_CAME_NS = 1_000_000_000
"""Who refuses a header does so when it comes (chosen)."""

_OF_COMPRESSION = "RFC 7541"
"""Stands in every defect of a header block's coding."""

_MOST_CITED = 4


class GoawayTrigger(Struct, frozen=True):
    """What most likely provoked the GOAWAY.

    ``by_request``: its header did, so that the same request would provoke it again.
    """

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
    if goaway.name == COMPRESSION_ERROR:
        return _large_block(connection, goaway)
    if goaway.name in _OF_SIZE:
        return _large_last(connection, goaway)
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


def undecodable(connection: Connection) -> Request | None:
    """The first request whose header block does not decode here either."""
    requests = (e.request for e in connection.exchanges if e.request is not None)
    return next((r for r in requests if any(_OF_COMPRESSION in defect for defect in r.defects)), None)


def _large_block(connection: Connection, goaway: StreamEvent) -> GoawayTrigger | None:
    """A header that is too large for a server that calls this an error of compression.

    HAProxy does where it does not fit into a buffer (tune.bufsize) or has too many fields (tune.http.maxhdr),
    Go where one field is larger than the whole header may be (http.Server.MaxHeaderBytes).
    """
    if connection.mid_stream or connection.gaps or undecodable(connection) is not None:
        return None
    requests = [e.request for e in connection.exchanges if e.request and e.request.packet <= goaway.packet]
    last = max(requests, key=lambda request: request.packet, default=None)
    if last is None:
        return None
    sizes = [len(name) + len(value) for name, value in last.headers]
    if max(sizes, default=0) < _LARGE_FIELD and sum(sizes) < _LARGE_SECTION and len(sizes) <= _MOST_FIELDS:
        return None
    return GoawayTrigger(
        f"All header blocks of the client do decode here; that of the last request before it has "
        f"{plurals.count(len(sizes), 'field')} of {plurals.count(sum(sizes), 'byte')}, the largest of "
        f"{max(sizes)}: HAProxy and servers in Go call a header that is too large for them an error of its "
        "compression.",
        (Evidence(last.packet, f"a request with {len(sizes)} header fields of {sum(sizes)} bytes in all"),),
        by_request=True,
    )


def _large_last(connection: Connection, goaway: StreamEvent) -> GoawayTrigger | None:
    """The last request before it, where its header is large, and larger than those that were answered."""
    if connection.mid_stream or connection.gaps:
        return None
    before = [e for e in connection.exchanges if e.request and e.request.packet <= goaway.packet]
    last = before[-1] if before else None
    if last is None or last.request is None or last.response is not None:
        return None
    taken = max((_section(e.request) for e in before if e.request and e.response is not None), default=0)
    size = _section(last.request)
    if (
        size < _LARGE_FIELD
        or size <= taken
        or last.request.defects
        or goaway.time_ns - last.request.time_ns > _WHEN_IT_CAME_NS
    ):
        return None
    accepted = f", the largest that was answered {taken}" if taken else ""
    return GoawayTrigger(
        f"The header section of the last request before it has {plurals.count(size, 'byte')}{accepted}: "
        "Jetty and Undertow answer a header that is too large for them so (requestHeaderSize, "
        "MAX_HEADER_SIZE).",
        (Evidence(last.request.packet, f"a request with header fields of {size} bytes in all"),),
        by_request=True,
    )


def _section(request: Request) -> int:
    return sum(len(name) + len(value) for name, value in request.headers)


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
