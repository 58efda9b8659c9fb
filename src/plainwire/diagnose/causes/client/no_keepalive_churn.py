"""Rule no-keepalive-churn: the client opens a connection for each request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.evidence.closes import client_first
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.diagnose.verdict import Failures
    from plainwire.model import Connection, Endpoint


_MANY_CONNECTIONS = 10
"""Connections with one request each, from which on it is a habit."""

_NEARLY_ALL = 0.9
"""Share of all connections that carried one request only."""


def no_keepalive_churn(traffic: Traffic, failures: Failures) -> Iterator[Verdict]:
    """Clients that open a connection for each request although the server would keep it."""
    for server in failures.servers:
        yield from _at_server(traffic, server)


def _at_server(traffic: Traffic, server: Endpoint) -> Iterator[Verdict]:
    used = [c for c in traffic.by_server.get(server, ()) if c.exchanges and c.established]
    single = [c for c in used if len(c.exchanges) == 1 and _given_up_by_client(c)]
    if len(single) < _MANY_CONNECTIONS or len(single) < _NEARLY_ALL * len(used):
        return
    for connection in single:
        request = connection.exchanges[0].request
        yield Verdict(
            code="no-keepalive-churn",
            connection=connection,
            exchanges=(),
            fault="client",
            grounds=(Ground.INFERENCE,),
            facts=f"{len(single)} of {len(used)} connections carried one request, and the client ended them: "
            "each request pays for a new TCP and TLS handshake.",
            evidence=(
                Evidence(request.packet if request else connection.first_packet, "the only request"),
                Evidence(connection.closes[0].packet, f"{wording.act(connection.closes[0])} from the client"),
            ),
            runner_up="a server that does not keep connections: refuted, the client closed them",
            time_ns=connection.opened_ns,
        )


def _given_up_by_client(connection: Connection) -> bool:
    exchange = connection.exchanges[0]
    announced = exchange.response is not None and exchange.response.close_announced
    return (
        exchange.outcome == "complete"
        and exchange.protocol == "http/1.1"
        and client_first(connection) is not None
        and not announced
    )
