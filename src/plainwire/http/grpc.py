"""gRPC over HTTP/2 or HTTP/3: which method, how many messages, and how it ended.

gRPC's own specification ("gRPC over HTTP2"): a call is a POST with the content type ``application/grpc``;
messages are prefixed with a flag and a four-byte length; status and message are in the trailers, or in the
only header block of a response without messages (Trailers-Only). In gRPC-Web the trailers are the last
prefixed message.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from plainwire.http.semantics import value_of
from plainwire.model import Grpc, Side

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plainwire.http.hpack import Field
    from plainwire.http.semantics import Place
    from plainwire.model import Request

_PREFIX = 5
_COMPRESSED, _TRAILERS = 0x01, 0x80
_MOST_TRAILERS = 1 << 16
_LONGEST_STATUS = 9
_TIMEOUT = re.compile(r"([0-9]{1,8})([HMSmun])").fullmatch
_UNITS_NS = {
    "H": 3_600_000_000_000,
    "M": 60_000_000_000,
    "S": 1_000_000_000,
    "m": 1_000_000,
    "u": 1_000,
    "n": 1,
}
_KIND = re.compile(r"application/(grpc(?:-web(?:-text)?)?)(?:[+; ]|$)", re.IGNORECASE).match


class GrpcReader:
    """Follows one call and notes it in ``facts``."""

    def __init__(
        self, facts: Grpc, prefixes: Sequence[bytes] = (b"", b""), left: Sequence[int] = (0, 0)
    ) -> None:
        """Begin a call, or go on where a part of each side's next prefix, or of its message, was read."""
        self.facts = facts
        self._prefixes = list(prefixes)
        self._left = list(left)
        self._kept: bytearray | None = None  # the trailers of gRPC-Web

    def feed(self, side: Side, part: bytes, place: Place) -> None:
        """Take a part of one side's body, which is at ``place``."""
        if self.facts.kind == "grpc-web-text":
            return  # base64: messages are not counted
        at, size = 0, len(part)
        while at < size:
            left = self._left[side]
            if left:
                taken = min(left, size - at)
                if self._kept is not None and side == Side.SERVER:
                    self._kept += part[at : at + taken]
                self._left[side] = left - taken
                at += taken
                if not self._left[side]:
                    self._message_over(side, place)
                continue
            taken = min(_PREFIX - len(self._prefixes[side]), size - at)
            self._prefixes[side] += part[at : at + taken]
            at += taken
            if len(self._prefixes[side]) == _PREFIX:
                self._begin(side, place)

    def _begin(self, side: Side, place: Place) -> None:
        prefix, self._prefixes[side] = self._prefixes[side], b""
        size = self._left[side] = int.from_bytes(prefix[1:])
        trailers = side == Side.SERVER and prefix[0] & _TRAILERS and self.facts.kind == "grpc-web"
        self._kept = bytearray() if trailers and size <= _MOST_TRAILERS else None
        if not trailers:
            self.facts.largest[side] = max(self.facts.largest[side], size)
            self.facts.compressed += side == Side.SERVER and bool(prefix[0] & _COMPRESSED)
        if not size:
            self._message_over(side, place)

    def _message_over(self, side: Side, place: Place) -> None:
        if self._kept is None or side == Side.CLIENT:
            self.facts.messages[side] += 1
            return
        lines = bytes(self._kept).decode("latin-1").split("\r\n")
        self._kept = None
        pairs = (line.partition(":") for line in lines)
        self.trailers([(name.strip().lower(), value.strip()) for name, _, value in pairs], place)

    def trailers(self, fields: Sequence[Field], place: Place) -> None:
        """Take the trailers, or the header block of a Trailers-Only response."""
        status = value_of(fields, "grpc-status")
        if status.isascii() and status.isdigit() and len(status) <= _LONGEST_STATUS:
            self.facts.status = int(status)
            self.facts.message = unquote_to_bytes(value_of(fields, "grpc-message")).decode("utf-8", "replace")
            self.facts.status_packet, self.facts.status_ns = place.packet, place.time_ns
            begun = len(self._prefixes[Side.SERVER])
            self.facts.missing = self._left[Side.SERVER] or (_PREFIX - begun if begun else 0)


def grpc_of(request: Request) -> GrpcReader | None:
    """A reader if the request begins a call."""
    match = _KIND(value_of(request.headers, "content-type"))
    if match is None:
        return None
    return GrpcReader(Grpc(request.target, kind=match[1].lower(), timeout_ns=_timeout_of(request)))


def _timeout_of(request: Request) -> int | None:
    """The call's deadline as the client sent it, in ns: at most eight digits and a unit."""
    match = _TIMEOUT(value_of(request.headers, "grpc-timeout"))
    return int(match[1]) * _UNITS_NS[match[2]] if match else None
