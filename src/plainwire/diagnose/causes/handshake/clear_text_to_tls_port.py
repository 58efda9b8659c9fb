"""Rule clear-text-to-tls-port: the client spoke HTTP in clear text to a port that speaks TLS.

Servers take that in different ways: nginx, Apache and Go answer 400, OpenSSL's users (haproxy, Node.js,
gunicorn) close or reset at once, since the first bytes are no TLS record. Nothing in such a close says so;
the port does, or another connection to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.evidence.closes import client_first
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence

if TYPE_CHECKING:
    from plainwire.diagnose.grounds import Grounds
    from plainwire.diagnose.traffic.answered import AnsweredExchanges
    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.diagnose.verdict import FailedExchange
    from plainwire.model import Connection, Exchange, Request

_HTTPS = 443
"""The port of https (RFC 9110 section 4.2.2)."""
_USUAL = frozenset((_HTTPS, 6443, 8443, 9443))
"""Ports of TLS: IANA's registry, and what Kubernetes, Tomcat and others use by default."""
_WITHOUT_WORK_NS = 500_000_000
"""ns; our own choice: a server that cannot read a request as TLS says so or leaves without any work."""
_BAD_REQUEST = 400
"""RFC 9110 section 15.5.1."""


def clear_text_to_tls_port(failed: FailedExchange) -> Verdict | None:
    """A verdict where the server left at once, without a word that is HTTP."""
    request, response, close = failed.request, failed.exchange.response, failed.server_close
    if close is None or not request.complete or (response is not None and response.status):
        return None
    if client_first(failed.connection) is not None:
        return None  # it did not wait for the answer
    if not 0 <= close.time_ns - request.last_ns <= _WITHOUT_WORK_NS:
        return None
    known = _speaks_tls(failed.connection, request, failed.traffic)
    if known is None:
        return None
    return _verdict(
        failed.connection,
        failed.exchange,
        request,
        known,
        f"the server ended the connection ({wording.act(close)}) "
        f"{wording.span(close.time_ns - request.last_ns)} later, as one does that cannot read it as TLS",
        Evidence(close.packet, f"{wording.act(close)} from the server"),
    )


def refused_clear_text(exchanges: AnsweredExchanges) -> list[Verdict]:
    """Verdicts where the server answered 400 and closed."""
    found = []
    for case in exchanges.errors:
        if case.response.status != _BAD_REQUEST or not case.response.close_announced:
            continue
        known = _speaks_tls(case.connection, case.request, exchanges.traffic)
        if known is not None:
            says = "the server answered 400 and closed, as nginx, Apache and Go do there"
            cited = Evidence(case.response.packet, "the response, status 400")
            found.append(_verdict(case.connection, case.exchange, case.request, known, says, cited))
    return found


def _speaks_tls(connection: Connection, request: Request, traffic: Traffic) -> tuple[Grounds, str] | None:
    """How it is known that the port speaks TLS; None where it is not, or the request is one to a proxy."""
    if connection.tls is not None or connection.transport != "tcp" or connection.tunnels:
        return None
    first = connection.exchanges[0].request
    if connection.mid_stream or first is None or first.start != request.start or request.method == "CONNECT":
        return None
    if "://" in request.target:
        return None
    other = traffic.speaks_tls.get(connection.server)
    if other is not None:
        return (Ground.INFERENCE,), f"On connection {other.id} the same port speaks TLS."
    if connection.server.port not in _USUAL:
        return None
    sure = Ground.INFERENCE if connection.server.port == _HTTPS else Ground.GUESS
    return (sure,), f"Port {connection.server.port} is one of TLS, as a rule."


def _verdict(
    connection: Connection,
    exchange: Exchange,
    request: Request,
    known: tuple[Grounds, str],
    did: str,
    cited: Evidence,
) -> Verdict:
    grounds, why = known
    return Verdict(
        code="clear-text-to-tls-port",
        connection=connection,
        exchanges=(exchange.id,),
        fault="client",
        grounds=grounds,
        facts=f"The client sent a request in clear text, and {did}. {why}",
        evidence=(Evidence(request.packet, "the request, in clear text"), cited),
        runner_up="a server that fails by itself (close-mid-request): possible, if it speaks clear text",
        retry_safe=True,
        time_ns=request.time_ns,
    )
