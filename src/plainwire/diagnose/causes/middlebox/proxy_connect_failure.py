"""Rule proxy-connect-failure: the proxy did not open the tunnel."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.evidence.exchanges import SUCCESS
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.traffic.copies import value
from plainwire.diagnose.verdict import IDEMPOTENT, Verdict, quoted
from plainwire.model import Evidence, Side

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.answered import Answered, AnsweredExchanges
    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.diagnose.verdict import FailedExchange
    from plainwire.model import Connection, Request, Response


_CHALLENGE = 407
"""RFC 9110 section 15.5.8."""

_REFUSED = 403
"""RFC 9110 section 15.5.4."""

_OF_A_PROXY = frozenset((502, 503, 504))
"""RFC 9110 sections 15.6.3 to 15.6.5."""

_PROXIES = ("squid", "tinyproxy", "privoxy", "mcafee", "bluecoat", "zscaler")
"""How forward proxies call themselves in Server."""

_ANSWERED_LATER_NS = 60_000_000_000
"""A tunnel that is granted within a minute shows that the challenge was answered."""


def proxy_connect_failure(failed: FailedExchange) -> Verdict | None:
    """A verdict where CONNECT was answered with another status than 2xx, or not at all.

    A 407 that is followed by a CONNECT which succeeds is how authentication goes, and no failure. Whatever
    became of the connection after another status: that status had decided.
    """
    request, response = failed.request, failed.exchange.response or failed.late
    if request.method != "CONNECT" or failed.exchange.outcome == "unseen":
        return None
    if response is None:
        return _no_answer(failed)
    if response.status in SUCCESS or (response.status == _CHALLENGE and _answered_later(failed)):
        return None
    return Verdict(
        code="proxy-connect-failure",
        connection=failed.connection,
        exchanges=(failed.exchange.id,),
        fault="client" if response.status == _CHALLENGE else "path",
        grounds=(Ground.SAID,),
        facts=f"The proxy answered CONNECT with status {response.status} after "
        f"{wording.span(max(0, response.time_ns - request.last_ns))}: no connection to the server was made, "
        f"and nothing of the request behind it was sent.{_why(failed, response)}",
        evidence=(
            Evidence(request.packet, "the CONNECT request"),
            Evidence(response.packet, f"the proxy's response, status {response.status}"),
        ),
        runner_up="a failure of the TLS handshake behind the proxy: refuted, there was no tunnel for it",
        retry_safe=True,
        time_ns=request.time_ns,
    )


def proxys_own_answer(exchanges: AnsweredExchanges) -> list[Verdict]:
    """Errors of a forward proxy itself, to requests that name it a whole URL (RFC 9112 section 3.2.2)."""
    return [
        _own_answer(case)
        for case in exchanges.errors
        if case.response.status in _OF_A_PROXY and case.request.target.lower().startswith("http://")
    ]


def _own_answer(case: Answered) -> Verdict:
    request, response = case.request, case.response
    reason = value(response, "x-squid-error")
    marked = reason is not None or (value(response, "server") or "").lower().startswith(_PROXIES)
    took = wording.span(max(0, response.time_ns - request.last_ns))
    return Verdict(
        code="proxy-connect-failure",
        connection=case.connection,
        exchanges=(case.exchange.id,),
        fault="path",
        grounds=(Ground.SAID,) if marked else (Ground.INFERENCE,),
        facts=f"The request names a whole URL: it went to a proxy, which answered with status "
        f"{response.status} after {took}"
        + (
            ", by its marks in an answer of its own: the server was not reached, or gave no answer."
            if marked
            else ". It has no mark of the server's: the server was probably not reached."
        ),
        evidence=(
            Evidence(request.packet, "the request to the proxy, with a whole URL"),
            Evidence(response.packet, f"the proxy's answer, status {response.status}"),
        ),
        runner_up="overload-5xx by the server: the answer is the proxy's own",
        retry_safe=request.method in IDEMPOTENT,
        quotes=quoted(response.packet, "the proxy's reason", reason or ""),
        time_ns=request.time_ns,
        advice_client="Ask whether the proxy can reach the server, or leave it out: unset http_proxy, or set "
        "NO_PROXY for this host.",
    )


def _why(failed: FailedExchange, response: Response) -> str:
    """What the status and the two ends of the tunnel say about the reason."""
    if _is_loopback(failed.request.target):
        return (
            " The address that it was to connect to is the loopback: at the proxy that is the proxy's own "
            "host. Such names belong in NO_PROXY."
        )
    if response.status == _CHALLENGE and _has(failed.request, "proxy-authorization"):
        ends = (
            " and closes the connection, which NTLM and Negotiate need kept open" if _closes(response) else ""
        )
        return f" The request did carry credentials: the proxy does not accept them{ends}."
    if response.status == _REFUSED:
        return " That is the proxy's own policy: the server was not asked."
    return ""


def _has(request: Request, name: str) -> bool:
    return any(field.lower() == name for field, _ in request.headers)


def _closes(response: Response) -> bool:
    return response.close_announced or any(
        name.lower() == "proxy-connection" and value.strip().lower() == "close"
        for name, value in response.headers
    )


def _is_loopback(target: str) -> bool:
    host = target.rpartition(":")[0].strip("[]").lower()
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _no_answer(failed: FailedExchange) -> Verdict | None:
    """The proxy closed, or kept the client waiting, without a status."""
    request, close = failed.request, failed.first_close
    if close is None:
        return None
    by_proxy = close.side == Side.SERVER
    waited, act = wording.span(max(0, close.time_ns - request.last_ns)), wording.act(close)
    what = (
        f"The proxy's side ended the connection ({act}) {waited} after CONNECT, without a status"
        if by_proxy
        else f"The proxy gave no response to CONNECT for {waited}; then the client gave up ({act})"
    )
    return Verdict(
        code="proxy-connect-failure",
        connection=failed.connection,
        exchanges=(failed.exchange.id,),
        fault="path" if by_proxy else "unknown",
        grounds=(Ground.SAID,) if by_proxy else (Ground.SAID, Ground.INFERENCE),
        facts=f"{what}: there was no tunnel, and nothing of the request behind it was sent.",
        evidence=(
            Evidence(request.packet, "the CONNECT request"),
            Evidence(close.packet, f"{wording.act(close)} from the {'proxy' if by_proxy else 'client'}"),
        ),
        runner_up="a failure of the server behind the proxy: it was not spoken to by this client",
        retry_safe=True,
        time_ns=request.time_ns,
    )


def proxy_refused(connection: Connection, traffic: Traffic) -> Verdict | None:
    """A verdict where a SOCKS proxy, or the HTTP one in front, refused the tunnel in its own language."""
    del traffic
    refused = next((tunnel for tunnel in connection.tunnels if tunnel.refused), None)
    if refused is None or connection.mid_stream:
        return None
    return Verdict(
        code="proxy-connect-failure",
        connection=connection,
        exchanges=(),
        fault="path",
        grounds=(Ground.SAID,),
        facts="The proxy refused to open the tunnel (plainwire show tells why): no connection to the server "
        "was made.",
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
            if request.method == "CONNECT" and response.status in SUCCESS and 0 < late <= _ANSWERED_LATER_NS:
                return True
    return False
