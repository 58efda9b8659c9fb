"""Who speaks, by what one segment begins with: for a connection whose SYN was not captured."""

from __future__ import annotations

import functools
import re

_ASKS = re.compile(rb"(?:GET|HEAD|POST|PUT|DELETE|OPTIONS|PATCH|CONNECT) |\x16\x03.{3}\x01", re.DOTALL).match
_ANSWERS = re.compile(rb"HTTP/1\.\d|\x16\x03.{3}\x02", re.DOTALL).match
"""How requests and the two hellos of TLS begin (RFC 9112 sections 3 and 4, RFC 8446 section 4.1)."""

# HTTP/2 (RFC 9113 sections 4.1 and 6)
_FRAME_HEADER = 9
_HEADERS, _CONTINUATION = 1, 9
_PADDED, _PRIORITY = 0x08, 0x20
_HEADERS_FLAGS = 0x01 | 0x04 | _PADDED | _PRIORITY
_MOST_FRAMES = 8

# HPACK's static table (RFC 7541 appendix A): :authority, :method, :path and :scheme; then :status
_OF_REQUESTS = range(1, 8)
_OF_RESPONSES = range(8, 15)

_SIZES = functools.partial(re.compile(rb"\A(?:[\x20-\x3e]|\x3f[\x80-\xff]{0,4}[\0-\x7f])+").sub, b"")
"""Takes away new sizes of the dynamic table: they come ahead of all fields (RFC 7541 section 4.2)."""


def is_client(payload: bytes) -> bool | None:
    """Whether the client sent ``payload``, by how it begins; None where that cannot be told."""
    if _ASKS(payload):
        return True
    if _ANSWERS(payload):
        return False
    return _sent_header_block(payload)


def _sent_header_block(payload: bytes) -> bool | None:
    """By the first field of its HEADERS frame: pseudo-header fields come first (RFC 9113 section 8.3)."""
    at = 0
    for _ in range(_MOST_FRAMES):
        frame = payload[at : at + _FRAME_HEADER]
        if len(frame) < _FRAME_HEADER or frame[3] > _CONTINUATION:
            return None
        start, at = at + _FRAME_HEADER, at + _FRAME_HEADER + int.from_bytes(frame[:3], "big")
        if frame[3] != _HEADERS:
            continue
        stream, flags = int.from_bytes(frame[5:9], "big"), frame[4]
        if stream >> 31 or not stream & 1 or flags & ~_HEADERS_FLAGS:
            return None
        start += (1 if flags & _PADDED else 0) + (5 if flags & _PRIORITY else 0)
        return _begins_request(payload[start:at])
    return None


def _begins_request(block: bytes) -> bool | None:
    block = _SIZES(block)
    if not block:
        return None
    # indexed; literal, to be indexed; literal, not or never to be indexed (RFC 7541 section 6)
    byte = block[0]
    index = byte & 0x7F if byte & 0x80 else byte & 0x3F if byte & 0x40 else byte & 0x0F
    return index in _OF_REQUESTS if index in _OF_REQUESTS or index in _OF_RESPONSES else None
