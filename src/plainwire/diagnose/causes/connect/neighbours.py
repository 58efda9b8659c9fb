"""What other connections to the same address, or of the same time, say of one that was not accepted."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from plainwire.diagnose import wording

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.model import Connection


_WORKS_AGAIN_NS = 60_000_000_000
"""An address that accepts a connection within a minute was not gone."""

MOST_CITED = 6

DNS_PORT = 53
"""RFC 1035 section 4.2."""

TCP_OF_CLIENT = (
    "Let TCP to port 53 of the name server through, or name another one in resolv.conf: what does not fit "
    "into UDP has to be asked for over TCP."
)
TCP_OF_SERVER = "Have the name server listen on TCP as well (RFC 7766), and let its firewall pass it."
"""What to do about a name server that cannot be reached over TCP."""

NEIGHBOURS = 200


def accepted_later(connection: Connection, traffic: Traffic) -> Connection | None:
    """A connection to the same address that was established within a minute."""
    same = traffic.by_server.get(connection.server, [])
    begin = bisect_right(same, connection.opened_ns, key=opened)
    end = bisect_right(same, connection.opened_ns + _WORKS_AGAIN_NS, key=opened)
    return next(
        (other for other in same[begin : min(end, begin + NEIGHBOURS)] if other.established),
        None,
    )


def opened(connection: Connection) -> int:
    """When the connection began: a key to search by."""
    return connection.opened_ns


def again_words(connection: Connection, later: Connection | None) -> str:
    """That the address accepted a later connection, in words."""
    if later is None:
        return ""
    after = wording.span(later.opened_ns - connection.opened_ns)
    return f" Connection {later.id} to the same address was accepted {after} later."


def next_opened(connection: Connection, traffic: Traffic) -> list[Connection]:
    """The next connections that were opened, to any address."""
    start = traffic.position[connection.id] + 1
    return list(traffic.connections[start : start + NEIGHBOURS])


def still_open(connection: Connection, traffic: Traffic) -> list[Connection]:
    """Connections to the same server address that were opened before, and open at that time; by time."""
    same = traffic.by_server.get(connection.server, [])
    place = bisect_right(same, connection.opened_ns, key=opened)
    return [
        other
        for other in same[max(0, place - NEIGHBOURS) : place]
        if other is not connection
        and other.established
        and (not other.closes or other.closes[0].time_ns > connection.opened_ns)
    ]


def name_server_words(connection: Connection, traffic: Traffic) -> str:
    """That it was a resolver that wanted to ask a name server over TCP; empty for any other port."""
    if connection.server.port != DNS_PORT:
        return ""
    cut = any(lookup.cut and lookup.server == connection.server.address for lookup in traffic.lookups)
    why = ", since its answer over UDP had been cut (TC)" if cut else ""
    return f" Port 53 is a name server's: it was to be asked over TCP{why}, and so the name was not resolved."
