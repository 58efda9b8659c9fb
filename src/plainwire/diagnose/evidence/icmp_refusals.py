"""ICMP errors in answer to the first packets of a connection: which of them refuse it, and for whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plainwire.model import Connection, Fault, IcmpError

_UNREACHABLE, _TIME_EXCEEDED = 3, 11
"""Types of ICMP (RFC 792)."""

_UNREACHABLE6, _TIME_EXCEEDED6 = 1, 3
"""Types of ICMPv6 (RFC 4443 sections 3.1 and 3.3)."""

_TOO_BIG_CODE = 4
"""A code of ICMP type 3 (RFC 1191 section 4): no refusal."""

_PROHIBITED, _PROHIBITED6 = (9, 10, 13), (1, 5, 6)
"""Codes of unreachable destinations, by a rule: RFC 1812 section 5.2.7.1, RFC 4443 section 3.1."""


def is_unreachable(error: IcmpError) -> bool:
    """Whether the error says that its packet cannot be delivered there, whatever its size."""
    if ":" in error.sender:
        return error.type == _UNREACHABLE6
    return error.type == _UNREACHABLE and error.code != _TOO_BIG_CODE


def refuses(error: IcmpError) -> bool:
    """Whether the error says that its packet cannot be delivered, or was on the way for too long."""
    return is_unreachable(error) or error.type == (_TIME_EXCEEDED6 if ":" in error.sender else _TIME_EXCEEDED)


def by_rule(error: IcmpError) -> bool:
    """Whether a rule of a packet filter forbids it (RFC 1812 section 5.2.7.1, RFC 4443 section 3.1)."""
    return is_unreachable(error) and error.code in (_PROHIBITED6 if ":" in error.sender else _PROHIBITED)


def refuser(connection: Connection, error: IcmpError) -> tuple[Fault, str]:
    """Whose error it is: the server's own or that of somebody on the way, and its address in words."""
    if error.sender == connection.server.address:
        return "server", "the server's own address"
    return "path", "another address on the way"
