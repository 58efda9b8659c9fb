"""Rule proxy-connect-failure: the proxy did not open the tunnel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.evidence.ends import on_one_host
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.diagnose.verdict import FailedExchange
    from plainwire.model import Certainty, Connection


_CHALLENGE = 407

_SOON_NS = 60_000_000_000


def proxy_connect_failure(failed: FailedExchange) -> Verdict | None:
    """A verdict where CONNECT was answered with another status than 2xx.

    A 407 that is followed by a CONNECT which succeeds is how authentication goes, and no failure.
    """
    request, response = failed.request, failed.exchange.response
    if request.method != "CONNECT" or response is None or 200 <= response.status < 300:
        return None
    if not response.complete or (response.status == _CHALLENGE and _answered_later(failed)):
        return None
    return Verdict(
        code="proxy-connect-failure",
        connection=failed.connection,
        exchanges=(failed.exchange.id,),
        fault="client" if response.status == _CHALLENGE else "path",
        certainty=_certainty(failed.connection),
        facts=f"The proxy answered CONNECT with status {response.status} after "
        f"{wording.span(response.time_ns - request.last_ns)}: no connection to the server came about.",
        evidence=(
            Evidence(request.packet, "the CONNECT request"),
            Evidence(response.packet, f"the proxy's answer, status {response.status}"),
        ),
        runner_up="a failure of the TLS handshake behind the proxy: refuted, there was no tunnel for it",
        retry_safe=True,
        time_ns=request.time_ns,
    )


def proxy_refused(connection: Connection, traffic: Traffic) -> Verdict | None:
    """A verdict where a SOCKS proxy, or the HTTP one in front, refused the tunnel in its own language."""
    del traffic
    refused = next((tunnel for tunnel in connection.tunnels if tunnel.refused), None)
    if refused is None:
        return None
    return Verdict(
        code="proxy-connect-failure",
        connection=connection,
        exchanges=(),
        fault="path",
        certainty=_certainty(connection),
        facts="The proxy refused to open the tunnel (plainwire show tells why): no connection to the server "
        "came about.",
        evidence=(Evidence(refused.packet, "the negotiation with the proxy that failed"),),
        runner_up="a failure of the server behind the proxy: refuted, there was no tunnel to it",
        retry_safe=True,
        time_ns=connection.opened_ns,
    )


def _answered_later(failed: FailedExchange) -> bool:
    for connection in failed.traffic.by_server.get(failed.connection.server, ()):
        for exchange in connection.exchanges:
            request, response = exchange.request, exchange.response
            if request is None or response is None or request.target != failed.request.target:
                continue
            late = request.time_ns - failed.request.time_ns
            if request.method == "CONNECT" and 200 <= response.status < 300 and 0 < late <= _SOON_NS:
                return True
    return False


def _certainty(connection: Connection) -> Certainty:
    authentic = connection.tls is not None and connection.decrypted
    return "proved" if authentic or on_one_host(connection) else "likely"
