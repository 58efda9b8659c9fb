"""Rules for QUIC connections that did not come about: quic-udp-blocked, alt-svc-stale, too small Initials."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from plainwire.model import Evidence

from . import words
from .verdict import Verdict

if TYPE_CHECKING:
    from plainwire.model import Connection, Response

    from .world import World

_RACED_NS = 1_000_000_000
_FALLBACK_NS = 60_000_000_000
_NEIGHBOURS = 200
_MOST_EXCHANGES = 10_000
_FEWEST_SENDINGS = 2
_SMALLEST = 1200
"""Bytes of UDP payload: servers drop smaller datagrams with Initial packets (RFC 9000 section 14.1)."""
_ALTERNATIVE = re.compile(r'\bh3(?:-\d+)?="([^":]*):(\d{1,5})"([^,]*)')
_LIFETIME = re.compile(r"\bma=(\d{1,10})\b")
_DEFAULT_LIFETIME = 86_400  # seconds (RFC 7838 section 3.1)
_PORT_UNREACHABLE = "port unreachable"


class _Promise(NamedTuple):
    """What an Alt-Svc field said: the response, and for how long, in s."""

    connection: Connection
    response: Response
    lifetime: int


def initial_too_small(connection: Connection, world: World) -> Verdict | None:
    """A verdict where all of the client's first datagrams are of a size that servers must not answer."""
    del world
    quic = connection.quic
    if quic is None or not 0 < quic.largest_initial < _SMALLEST or connection.snapped:
        return None
    if connection.mid_stream or (connection.tls is not None and connection.tls.handshake_complete):
        return None
    return Verdict(
        code="quic-pmtu-or-amplification-stall",
        connection=connection,
        exchanges=(),
        fault="client",
        certainty="likely",
        facts="The largest datagram with an Initial packet of the client's has "
        f"{quic.largest_initial} bytes; a server has to drop what is below {_SMALLEST}, and the handshake "
        "was not completed.",
        evidence=(
            Evidence(connection.first_packet, "the client's first Initial packet, in a datagram too small"),
            *(
                (Evidence(connection.last_packet, "the last packet of the connection"),)
                if connection.last_packet != connection.first_packet
                else ()
            ),
        ),
        runner_up="quic-udp-blocked: a larger datagram was not tried",
        retry_safe=True,
        time_ns=connection.opened_ns,
    )


def alt_svc_stale(connection: Connection, world: World) -> Verdict | None:
    """A verdict where a response had promised an alternative service that does not answer.

    That UDP passes at all must show: by another QUIC connection that was answered, or by an ICMP error that
    came for these datagrams.
    """
    quic = connection.quic
    if quic is None or quic.answered or connection.mid_stream:
        return None
    unreachable = next((e for e in connection.icmp_errors if _PORT_UNREACHABLE in e.says), None)
    other = None if unreachable is not None else _answered(connection, world)
    if unreachable is None and (other is None or connection.packets < _FEWEST_SENDINGS):
        return None
    promise = _promised(connection, world)
    if promise is None:
        return None
    before = connection.opened_ns - promise.response.last_ns
    passes = (
        f"an ICMP error (port unreachable) from {unreachable.sender} says that nobody listens there"
        if unreachable is not None
        else f"nothing came back, while QUIC connection {other.id if other else 0} was answered"
    )
    return Verdict(
        code="alt-svc-stale",
        connection=connection,
        exchanges=(),
        fault="server",
        certainty="likely",
        facts=f"{words.span(before)} earlier a response on connection {promise.connection.id} had named "
        f"{words.address(connection)} as an alternative, over HTTP/3, for {promise.lifetime} s. The client "
        f"turned to it, and {passes}.",
        evidence=(
            Evidence(promise.response.packet, "the response with the Alt-Svc field"),
            Evidence(connection.first_packet, "the client's first Initial packet to the alternative"),
            *((Evidence(unreachable.packet, "ICMP: port unreachable"),) if unreachable is not None else ()),
            *((Evidence(other.first_packet, f"QUIC connection {other.id} begins"),) if other else ()),
        ),
        runner_up="quic-udp-blocked: refuted, UDP passes",
        retry_safe=True,
        time_ns=connection.opened_ns,
        failure=False if _over_tcp(connection, world) is not None else None,
    )


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


CONNECTION_RULES = (initial_too_small, alt_svc_stale, quic_udp_blocked)
"""For QUIC connections that came to no request, in the order in which they are tried."""


def _answered(connection: Connection, world: World) -> Connection | None:
    """A QUIC connection of the same client, not much earlier or later, to which something answered."""
    for other in _near(connection, world):
        if other.quic is None or not other.quic.answered or other is connection:
            continue
        apart = abs(other.opened_ns - connection.opened_ns)
        if other.client.address == connection.client.address and apart <= _FALLBACK_NS:
            return other
    return None


def _promised(connection: Connection, world: World) -> _Promise | None:
    """The last response before it that named the connection's server as an alternative, still in force."""
    seen = 0
    for origin in reversed(_near(connection, world)):
        if origin.transport != "tcp" or origin.client.address != connection.client.address:
            continue
        for exchange in reversed(origin.exchanges):
            response = exchange.response
            seen += 1
            if seen > _MOST_EXCHANGES:
                return None
            if response is None or response.last_ns > connection.opened_ns:
                continue
            lifetime = _names(connection, origin, response)
            if lifetime is None:
                continue
            in_force = connection.opened_ns - response.last_ns <= lifetime * 1_000_000_000
            return _Promise(origin, response, lifetime) if in_force else None
    return None


def _names(connection: Connection, origin: Connection, response: Response) -> int | None:
    """For how many seconds an Alt-Svc field names the connection's server; 0 where it takes all back."""
    value = ",".join(text for name, text in response.headers if name.lower() == "alt-svc")
    if value.strip() == "clear":
        return 0
    for host, port, parameters in _ALTERNATIVE.findall(value[:4000]):
        if int(port) != connection.server.port:
            continue
        same = origin.server.address == connection.server.address or _same_name(connection, origin)
        named = connection.tls is not None and connection.tls.server_name == host
        if same if not host else named or host == connection.server.address:
            lifetime = _LIFETIME.search(parameters)
            return int(lifetime[1]) if lifetime is not None else _DEFAULT_LIFETIME
    return None


def _near(connection: Connection, world: World) -> list[Connection]:
    place = world.position[connection.id]
    return list(world.connections[max(0, place - _NEIGHBOURS) : place + _NEIGHBOURS])


def _over_tcp(connection: Connection, world: World) -> Connection | None:
    """A connection over TCP to the same address, or by the same server name, that came about."""
    for other in _near(connection, world):
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
