"""Rule quic-udp-blocked: what began over UDP met with nothing, and the client turned to TCP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.model import Evidence

from . import words
from .verdict import Verdict

if TYPE_CHECKING:
    from plainwire.model import Connection

    from .world import World

_RACED_NS = 1_000_000_000
_FALLBACK_NS = 60_000_000_000
_NEIGHBOURS = 200
_FEWEST_SENDINGS = 2


def quic_udp_blocked(connection: Connection, world: World) -> Verdict | None:
    """A verdict where a client's Initial packets got no answer, and TCP to the same place did.

    Without the latter nothing is said: the server may be down, or only one direction was captured.
    """
    quic = connection.quic
    if quic is None or quic.answered or connection.mid_stream or connection.icmp_errors:
        return None
    if connection.packets < _FEWEST_SENDINGS or connection.tls is None:
        return None
    other = _over_tcp(connection, world)
    if other is None:
        return None
    after = other.opened_ns - connection.opened_ns
    order = f"{words.span(abs(after))} {'after' if after >= 0 else 'before'} the first of them"
    lasted = words.span(connection.last_ns - connection.opened_ns)
    return Verdict(
        code="quic-udp-blocked",
        connection=connection,
        exchanges=(),
        fault="unknown",
        certainty="possible",
        facts=f"The client sent {connection.packets} datagrams of QUIC in {lasted}, and nothing came back; "
        f"connection {other.id} to the same server over TCP, opened {order}, was accepted. That the network "
        "drops UDP is one reason, a server that does not speak QUIC there another.",
        evidence=(
            Evidence(connection.first_packet, "the client's first Initial packet"),
            Evidence(connection.last_packet, "the last of its packets, none of which was answered"),
            Evidence(other.first_packet, f"the SYN of connection {other.id}"),
        ),
        runner_up="a server that is down: refuted, it accepts connections over TCP",
        retry_safe=True,
        time_ns=connection.opened_ns,
    )


def _over_tcp(connection: Connection, world: World) -> Connection | None:
    """A connection over TCP to the same address, or by the same server name, that came about."""
    place = world.position[connection.id]
    for other in world.connections[max(0, place - _NEIGHBOURS) : place + _NEIGHBOURS]:
        if other.transport != "tcp" or not other.established:
            continue
        if not -_RACED_NS <= other.opened_ns - connection.opened_ns <= _FALLBACK_NS:
            continue
        if other.server.address == connection.server.address or _same_name(connection, other):
            return other
    return None


def _same_name(one: Connection, other: Connection) -> bool:
    name = one.tls.server_name if one.tls is not None else None
    return name is not None and other.tls is not None and other.tls.server_name == name
