"""The name that a client asked for, and those that a certificate is for (RFC 9525 section 6)."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from plainwire.model import Quoted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from plainwire.model import TlsInfo

_MOST_QUOTED = 8


def covers(names: Iterable[str], host: str) -> bool:
    """Whether a certificate with these names is for the host; a wildcard stands for one label, the first."""
    host = host.rstrip(".").lower()
    if is_address(host):
        return any(_same_address(name, host) for name in names)
    parent = host.partition(".")[2]
    for name in names:
        known = name.rstrip(".").lower()
        if known == host or (known.startswith("*.") and parent and known[2:] == parent):
            return True
    return False


def is_address(text: str) -> bool:
    """Whether it is an IP address, and no name."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _same_address(name: str, host: str) -> bool:
    return is_address(name) and ipaddress.ip_address(name) == ipaddress.ip_address(host)


def is_for_another_name(tls: TlsInfo) -> bool:
    """Whether the server's certificate is readable, and not for the name that the client asked for."""
    leaf = tls.leaf
    if leaf is None or leaf.defect or not tls.server_name or not leaf.names:
        return False
    return not covers(leaf.names, tls.server_name)


def quoted_names(tls: TlsInfo, hello: int, certificate: int) -> tuple[Quoted, ...]:
    """What was asked for and what the certificate is for; the arguments are packets."""
    leaf = tls.leaf
    if leaf is None or not tls.server_name:
        return ()
    more = f" and {len(leaf.names) - _MOST_QUOTED} more" if len(leaf.names) > _MOST_QUOTED else ""
    return (
        Quoted(hello, "the name that the client asked for", tls.server_name),
        Quoted(certificate, "the names in the certificate", ", ".join(leaf.names[:_MOST_QUOTED]) + more),
    )
