"""Tunnels through proxies: CONNECT (RFC 9110 section 9.3.6) and SOCKS, and what stands at their ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .exchanges import SUCCESS

if TYPE_CHECKING:
    from plainwire.model import Connection, Exchange


def is_granted(exchange: Exchange) -> bool:
    """Whether an exchange is a CONNECT that opened its tunnel."""
    request, response = exchange.request, exchange.response
    return (
        request is not None
        and request.method == "CONNECT"
        and response is not None
        and response.status in SUCCESS
    )


def only_tunnels(connection: Connection) -> bool:
    """Whether no request was made on a connection but those that asked a proxy for the tunnel.

    Responses without a request (clear text in answer to a ClientHello) do not count.
    """
    asked = [exchange for exchange in connection.exchanges if exchange.request is not None]
    return not asked or (
        is_granted(asked[-1]) and all(e.request is not None and e.request.method == "CONNECT" for e in asked)
    )


def is_tunnelled(connection: Connection) -> bool:
    """Whether the connection leads through a proxy's tunnel: what TCP says is then the proxy's word."""
    return any(is_granted(exchange) for exchange in connection.exchanges) or any(
        tunnel.kind.startswith("SOCKS") and not tunnel.refused for tunnel in connection.tunnels
    )
