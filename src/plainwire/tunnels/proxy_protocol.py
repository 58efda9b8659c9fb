"""The PROXY protocol: a load balancer says ahead of the client's bytes who the client is.

Versions 1 and 2 of haproxy's specification (proxy-protocol.txt, sections 2.1 and 2.2).
"""

from __future__ import annotations

import ipaddress
import re
import struct

from plainwire.tunnels.outcome import Done, Failed, Outcome

TEXT = b"PROXY "
BINARY = b"\r\n\r\n\0\r\nQUIT\n"
_LONGEST_LINE = 107
_LINE = re.compile(
    rb"PROXY (?:(UNKNOWN)[^\r\n]*|TCP[46] ([\x21-\x7e]+) ([\x21-\x7e]+) (\d{1,5}) (\d{1,5}))\r\n"
).match
_INET, _INET6 = 1, 2


def negotiate(client: bytes, server: bytes) -> Outcome:
    """Read the header; the server says nothing to it."""
    del server
    return _binary(client) if client.startswith(BINARY) else _text(client)


def _text(client: bytes) -> Outcome:
    kind = "PROXY protocol 1"
    match = _LINE(client)
    if match is None:
        ended = len(client) >= _LONGEST_LINE or b"\n" in client
        return Failed(kind, "the header is damaged") if ended else None
    if match[1]:
        return Done(kind, "unknown", match.end(), 0)
    source, _, port, _ = (match[n].decode("ascii") for n in (2, 3, 4, 5))
    return Done(kind, f"for {_joined(source, int(port))}", match.end(), 0)


def _binary(client: bytes) -> Outcome:
    kind = "PROXY protocol 2"
    if len(client) < 16:
        return None
    version, family, length = client[12], client[13] >> 4, int.from_bytes(client[14:16], "big")
    if version >> 4 != 2:
        return Failed(kind, "the header is damaged")
    if len(client) < 16 + length:
        return None
    body = client[16 : 16 + length]
    target = "unknown"
    if version & 15 and family == _INET and length >= 12:
        target = f"for {_joined(str(ipaddress.IPv4Address(body[:4])), struct.unpack_from('>H', body, 8)[0])}"
    elif version & 15 and family == _INET6 and length >= 36:
        target = (
            f"for {_joined(str(ipaddress.IPv6Address(body[:16])), struct.unpack_from('>H', body, 32)[0])}"
        )
    return Done(kind, target, 16 + length, 0)


def _joined(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
