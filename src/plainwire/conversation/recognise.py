"""What is spoken on a pair of byte streams, by their first bytes. Nothing here keeps state."""

from __future__ import annotations

import enum
import re

from plainwire.http import http2_frames
from plainwire.streams.speaker import is_client
from plainwire.tunnels import proxy_protocol, socks, starttls

ENOUGH = 1 << 12
"""So many bytes of a side suffice to tell."""

_HTTP2_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"  # RFC 9113 section 3.4
_STATUS_PREFIX = b"HTTP/"
_SETTINGS, _SETTINGS_ENTRY = 4, 6
_ASKS = re.compile(rb"(?:GET|HEAD|POST|PUT|DELETE|OPTIONS|PATCH|CONNECT) [^\r\n ]+ HTTP/1\.[01]\r?\n").match
_TLS_RECORDS = range(20, 25)
_SEALED = re.compile(rb"\x17\x03\x03")
_SMALLEST, _LARGEST = 17, (1 << 14) + 256  # bytes of a record's body (RFC 8446 section 5.2)
TWO_RECORDS = 2 * (_LARGEST + 5)
"""So many bytes have a whole record in them, wherever they begin, and the next one's header."""


class Spoken(enum.Enum):
    """What is spoken."""

    TLS = enum.auto()
    HTTP1 = enum.auto()
    HTTP2 = enum.auto()
    PROXY_PROTOCOL = enum.auto()
    SOCKS = enum.auto()
    STARTTLS = enum.auto()
    OTHER = enum.auto()


def recognise(
    client: bytes, server: bytes, *, alpn: str | None, late: bool, final: bool, server_first: bool
) -> Spoken | None:
    """Tell by what both sides sent first; None: more bytes are needed (never where ``final``).

    ``late``: the capture may have begun in mid-connection, so that HTTP may come later. ``server_first``: its
    first bytes came before the client's. Whoever spoke first decides if that alone suffices: so it makes no
    difference whether the other side's bytes are known as well.
    """
    if alpn == "h2":
        return Spoken.HTTP2
    kind: Spoken | None = None
    if not client:
        return _by_server(server, late=late, final=final or len(server) >= ENOUGH)
    if server:
        if server_first:
            kind = _by_server(server, late=late, final=False)
        else:
            kind = _by_client(client, b"", late=late, final=False)
    return kind or _by_client(client, server, late=late, final=final)


def obvious(client: bytes, server: bytes, *, late: bool, alpn: str | None) -> Spoken | None:
    """What ``recognise`` would say whoever spoke first, in the two commonest cases; else None."""
    if not client or alpn == "h2":
        return None
    if not late and server.startswith(_STATUS_PREFIX) and _ASKS(client) is not None:
        return Spoken.HTTP1
    return Spoken.TLS if is_tls(client) and (not server or is_tls(server)) else None


def _by_client(client: bytes, server: bytes, *, late: bool, final: bool) -> Spoken | None:
    for kind, known in (
        (Spoken.TLS, is_tls(client)),
        (Spoken.HTTP2, _signed(client, _HTTP2_PREFACE)),
        (Spoken.PROXY_PROTOCOL, _signed(client, proxy_protocol.TEXT)),
        (Spoken.PROXY_PROTOCOL, _signed(client, proxy_protocol.BINARY)),
        (Spoken.SOCKS, socks.begins(client, server)),
    ):
        if known or (known is None and final and kind is Spoken.SOCKS):
            return kind
        if known is None and not final:
            return None
    if _ASKS(client) is None and (starttls.begins(client) or starttls.greets(server)):
        return Spoken.STARTTLS
    if late or client[:1].isalpha() or client[0] in b"\r\n":  # RFC 9112 section 2.2
        return Spoken.HTTP2 if late and _are_frames(client, server) else Spoken.HTTP1
    answered = _signed(server, _STATUS_PREFIX)  # no HTTP, so that the server may say in HTTP
    if answered:
        return Spoken.HTTP1
    return None if answered is None and not final else Spoken.OTHER


def _signed(data: bytes, signature: bytes) -> bool | None:
    """Whether the data begin with the signature; None: as far as they have come."""
    if data.startswith(signature):
        return True
    return None if signature.startswith(data) else False


def _by_server(server: bytes, *, late: bool, final: bool) -> Spoken | None:
    """Where only the server has spoken, or only it was captured."""
    if is_tls(server):
        return Spoken.TLS
    if server.startswith(_STATUS_PREFIX):
        return Spoken.HTTP1
    if not final:
        return None  # who greets may have been asked in HTTP
    if starttls.greets(server):
        return Spoken.STARTTLS
    if len(server) >= 9 and server[3] == _SETTINGS and not any(server[5:9]):
        return Spoken.OTHER if int.from_bytes(server[:3], "big") % _SETTINGS_ENTRY else Spoken.HTTP2
    if late and _are_frames(server):
        kind = Spoken.HTTP2
    else:
        kind = Spoken.HTTP1 if late or server[:1].isalpha() else Spoken.OTHER
    return kind


def _are_frames(*sides: bytes) -> bool:
    """Whether what was seen of HTTP/2 can begin with frames, without its preface.

    Two frames in a row of one side suffice, or fields that begin as those of a message do: the other may be
    seen from the middle of a frame on.
    """
    counts = [(http2_frames.chain(data)[0], data) for data in sides if data]
    return min(counts)[0] > 0 or any(n > 1 or (n == 1 and is_client(data) is not None) for n, data in counts)


def holds_frames(data: bytes) -> bool:
    """Whether frames of HTTP/2 follow each other somewhere in the bytes."""
    return http2_frames.holds_chain(data)


def holds_sealed_records(data: bytes) -> bool:
    """Whether records of TLS 1.3 begin in the middle of the bytes: one, and another behind it or nothing."""
    for match in _SEALED.finditer(data):
        size = int.from_bytes(data[match.end() : match.end() + 2], "big")
        end = match.end() + 2 + size
        if _SMALLEST <= size <= _LARGEST and (end == len(data) or _SEALED.match(data, end)):
            return True
    return False


def is_tls(data: bytes) -> bool:
    """Whether the bytes begin a TLS record, or the ClientHello of SSL 2.0 (RFC 5246 appendix E.2)."""
    if data[0] in _TLS_RECORDS:
        return len(data) == 1 or (data[1] == 3 and (len(data) == 2 or data[2] <= 4))
    return len(data) > 4 and data[0] & 0x80 != 0 and data[2] == 1 and data[3:5] in _VERSIONS


_VERSIONS = (b"\0\2", b"\3\0", b"\3\1", b"\3\2", b"\3\3")
