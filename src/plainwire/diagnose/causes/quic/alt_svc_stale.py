"""Rule alt-svc-stale: the client went to an alternative service that is gone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire.diagnose import wording
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.thresholds import SECOND_NS
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence

from .neighbours import FALLBACK_NS, FEWEST_DATAGRAMS, near_in_time, over_tcp, same_name

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.model import Connection, Response


_MOST_EXCHANGES = 10_000

_ALTERNATIVE = re.compile(r'\bh3(?:-\d+)?="([^":]*):(\d{1,5})"([^,]*)')

_LIFETIME = re.compile(r"\bma=(\d{1,10})\b")

_DEFAULT_LIFETIME = 86_400  # seconds (RFC 7838 section 3.1)

_PORT_UNREACHABLE = "port unreachable"


class _Promise(Struct, frozen=True):
    """What an Alt-Svc field said: the response, and for how long, in s."""

    connection: Connection
    response: Response
    lifetime: int


def alt_svc_stale(connection: Connection, traffic: Traffic) -> Verdict | None:
    """A verdict where a response had promised an alternative service that does not answer.

    That UDP passes at all must show: by another QUIC connection that was answered, or by an ICMP error that
    came for these datagrams.
    """
    quic = connection.quic
    if quic is None or quic.answered or connection.mid_stream:
        return None
    unreachable = next((e for e in connection.icmp_errors if _PORT_UNREACHABLE in e.says), None)
    other = None if unreachable is not None else _answered(connection, traffic)
    if unreachable is None and (other is None or connection.packets < FEWEST_DATAGRAMS):
        return None
    promise = _promised(connection, traffic)
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
        grounds=(Ground.INFERENCE,),
        facts=f"{wording.span(before)} earlier a response on connection {promise.connection.id} had named "
        f"{wording.address(connection)} as an alternative, over HTTP/3, for {promise.lifetime} s. The client "
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
        failure=False if over_tcp(connection, traffic) is not None else None,
    )


def _answered(connection: Connection, traffic: Traffic) -> Connection | None:
    """A QUIC connection of the same client, not much earlier or later, to which something answered."""
    for other in near_in_time(connection, traffic):
        if other.quic is None or not other.quic.answered or other is connection:
            continue
        apart = abs(other.opened_ns - connection.opened_ns)
        if other.client.address == connection.client.address and apart <= FALLBACK_NS:
            return other
    return None


def _promised(connection: Connection, traffic: Traffic) -> _Promise | None:
    """The last response before it that named the connection's server as an alternative, still in force."""
    seen = 0
    for origin in reversed(near_in_time(connection, traffic)):
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
            in_force = connection.opened_ns - response.last_ns <= lifetime * SECOND_NS
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
        same = origin.server.address == connection.server.address or same_name(connection, origin)
        named = connection.tls is not None and connection.tls.server_name == host
        if same if not host else named or host == connection.server.address:
            lifetime = _LIFETIME.search(parameters)
            return int(lifetime[1]) if lifetime is not None else _DEFAULT_LIFETIME
    return None
