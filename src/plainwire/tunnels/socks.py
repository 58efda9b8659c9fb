"""SOCKS 4, 4a (their de-facto specifications) and 5 (RFC 1928, RFC 1929)."""

from __future__ import annotations

import ipaddress

from plainwire.model.connection import UNANSWERED
from plainwire.tunnels.outcome import Done, Failed, Outcome

_CONNECT = 1
_GRANTED4 = 0x5A
_ANSWERS4 = range(_GRANTED4, _GRANTED4 + 4)  # granted, refused, and two about identd
_NO_AUTHENTICATION, _PASSWORD, _NONE_ACCEPTED = 0, 2, 0xFF
_IPV4, _NAME, _IPV6 = 1, 3, 4
_METHODS = range(10)
"""Those that are assigned (RFC 1928 section 3, and IANA's registry)."""
_LONGEST_STRING = 512
_REFUSALS = {
    1: "general failure",
    2: "not allowed by the rules",
    3: "network unreachable",
    4: "host unreachable",
    5: "connection refused",
    6: "TTL expired",
    7: "command not supported",
    8: "address type not supported",
}


class _Short(Exception):  # noqa: N818 - no error: more bytes are needed
    pass


class _Reader:
    """Takes bytes off the front; ``_Short`` where they have not come yet."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def take(self, size: int) -> bytes:
        if self.at + size > len(self._data):
            raise _Short
        self.at += size
        return self._data[self.at - size : self.at]

    def byte(self) -> int:
        return self.take(1)[0]

    def until_zero(self) -> bytes:
        end = self._data.find(b"\0", self.at, self.at + _LONGEST_STRING)
        if end < 0:
            raise _Short
        return self.take(end + 1 - self.at)[:-1]


def begins(client: bytes, server: bytes) -> bool | None:
    """Whether the first bytes are those of SOCKS; None: more are needed to tell.

    The answer decides: many protocols begin with 4 or 5, and few answer as a proxy does (Cassandra's requests
    begin as those of SOCKS 4).
    """
    if client[:1] == b"\x04":
        return _begins4(client, server)
    if client[:1] != b"\x05":
        return False
    greeting = 2 + client[1] if len(client) > 1 else 2
    if len(client) > greeting and client[greeting] not in (1, 5):
        return False
    if server[:1] not in (b"", b"\x05") or (len(server) > 1 and 0x0A <= server[1] < 0x80):
        return False  # RFC 1928 section 3: 5, and an assigned or a private method, or none
    return True if len(server) > 1 and len(client) > greeting else None


def _begins4(client: bytes, server: bytes) -> bool | None:
    """The same of SOCKS 4: command, port, address, and the user's name, which ends with a zero."""
    user, ended, _ = client[8 : 8 + _LONGEST_STRING].partition(b"\0")
    named = all(32 <= byte < 127 for byte in user) and len(user) < _LONGEST_STRING
    if client[1:2] not in (b"", b"\x01", b"\x02") or server[:1] not in (b"", b"\0") or not named:
        return False
    return server[1] in _ANSWERS4 if ended and len(server) > 1 else None


def negotiate(client: bytes, server: bytes) -> Outcome:
    """Follow the negotiation as far as both sides have come."""
    try:
        negotiation = _socks4 if client[:1] == b"\x04" else _socks5
        return negotiation(_Reader(client), _Reader(server))
    except _Short:
        return None


def unanswered(client: bytes, server: bytes) -> Outcome:
    """What a negotiation came to that will not go on: ``Failed`` where the proxy did not answer to its end.

    None where it need not have been SOCKS, or the client had not asked to the end either. Here no answer
    tells, so that the client's bytes must be all of a greeting, and no byte more.
    """
    reader, kind = _Reader(client), "SOCKS 4" if client[:1] == b"\x04" else "SOCKS 5"
    try:
        if reader.byte() == 4:
            command, port = reader.byte(), reader.take(2)
            address = reader.take(4)
            reader.until_zero()
            if address[:3] == b"\0\0\0" and address[3]:
                reader.until_zero()
            asked = command == _CONNECT and any(port)
        else:
            methods = reader.take(reader.byte())
            asked = bool(methods) and all(method in _METHODS for method in methods)
    except _Short:
        return None
    begun = server[: 1 if kind == "SOCKS 5" else 0] == b"\x05"
    if not asked or not (begun or (not server and reader.at == len(client))):
        return None
    return Failed(kind, UNANSWERED)


def credentials(client: bytes) -> list[tuple[int, int]]:
    """Where a user's name and password stand in what the client sent, as far as it goes."""
    reader, found = _Reader(client), []
    try:
        if reader.byte() == 4:
            reader.take(7)
            start = reader.at
            found.append((start, start + len(reader.until_zero())))
            return found
        reader.take(reader.byte())
        if reader.byte() == 1:  # RFC 1929; a request begins with 5
            for _ in range(2):
                size = reader.byte()
                found.append((reader.at, min(reader.at + size, len(client))))
                reader.take(size)
    except _Short:
        pass
    return found


def _socks4(client: _Reader, server: _Reader) -> Outcome:
    client.byte()
    if client.byte() != _CONNECT:
        return Failed("SOCKS 4", "not a CONNECT")
    port = int.from_bytes(client.take(2), "big")
    address = client.take(4)
    client.until_zero()
    named = address[:3] == b"\0\0\0" and address[3]
    host = (
        client.until_zero().decode("ascii", "backslashreplace")
        if named
        else str(ipaddress.IPv4Address(address))
    )
    reply = server.take(8)
    if reply[0] != 0 or reply[1] != _GRANTED4:
        return Failed("SOCKS 4", f"the proxy refused: code {reply[1]}")
    return Done("SOCKS 4a" if named else "SOCKS 4", f"{host}:{port}", client.at, server.at)


def _socks5(client: _Reader, server: _Reader) -> Outcome:
    kind = "SOCKS 5"
    client.byte()
    client.take(client.byte())
    version, method = server.take(2)
    if version != 5:
        return Failed(kind, "no answer of SOCKS 5")
    if method == _PASSWORD:
        client.byte()
        client.take(client.byte())
        client.take(client.byte())
        if server.take(2)[1]:
            return Failed(kind, "the proxy did not accept the password")
    elif method != _NO_AUTHENTICATION:
        why = (
            "the proxy accepts no method of authentication"
            if method == _NONE_ACCEPTED
            else f"method {method}"
        )
        return Failed(kind, why)
    _, command, _ = client.take(3)
    target = _address(client)
    _, code, _ = server.take(3)
    _address(server)
    if code:
        return Failed(kind, f"the proxy refused: {_REFUSALS.get(code, f'code {code}')}")
    if command != _CONNECT:
        return Failed(kind, "not a CONNECT")
    return Done(kind, target, client.at, server.at)


def _address(reader: _Reader) -> str:
    kind = reader.byte()
    if kind == _IPV4:
        host = str(ipaddress.IPv4Address(reader.take(4)))
    elif kind == _IPV6:
        host = f"[{ipaddress.IPv6Address(reader.take(16))}]"
    else:
        host = reader.take(reader.byte()).decode("ascii", "backslashreplace")
    return f"{host}:{int.from_bytes(reader.take(2), 'big')}"
