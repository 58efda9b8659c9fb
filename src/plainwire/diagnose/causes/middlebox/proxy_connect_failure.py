"""Rule proxy-connect-failure: the proxy did not open the tunnel. Those of SOCKS: ``proxy_in_socks``."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.evidence.exchanges import IDEMPOTENT, SUCCESS
from plainwire.diagnose.evidence.proxys_answers import (
    is_passed_on,
    is_the_proxys_own,
    names_whole_url,
    reason,
    what_squid_means,
)
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict, quoted
from plainwire.model import Evidence, Side

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.answered import Answered, AnsweredExchanges
    from plainwire.diagnose.verdict import FailedExchange
    from plainwire.model import Request, Response


_CHALLENGE = 407
"""RFC 9110 section 15.5.8."""

_UNAUTHORIZED = 401
"""RFC 9110 section 15.5.2."""

_REFUSED = 403
"""RFC 9110 section 15.5.4."""

_OF_A_PROXY = frozenset((502, 503, 504))
"""RFC 9110 sections 15.6.3 to 15.6.5."""

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
        fault="client" if _wants_credentials(request, response) else "path",
        grounds=(Ground.SAID,),
        facts=f"The proxy answered CONNECT with status {response.status} after "
        f"{wording.span(max(0, response.time_ns - request.last_ns))}: no connection to the server was made, "
        f"and nothing of the request behind it was sent.{_why(failed, response)}{what_squid_means(response)}",
        evidence=(
            Evidence(request.packet, "the CONNECT request"),
            Evidence(response.packet, f"the proxy's response, status {response.status}"),
        ),
        runner_up="a failure of the TLS handshake behind the proxy: refuted, there was no tunnel for it",
        retry_safe=True,
        quotes=quoted(response.packet, "the proxy's reason", reason(response)),
        time_ns=request.time_ns,
        advice_client=_advice(request, response),
    )


def proxys_own_answer(exchanges: AnsweredExchanges) -> list[Verdict]:
    """Errors of a forward proxy itself, to requests that name it a whole URL (RFC 9112 section 3.2.2)."""
    found = []
    for case in exchanges.errors:
        if not names_whole_url(case.request) or _credentials_given(exchanges, case):
            continue
        marked = is_the_proxys_own(case.response) or case.response.status == _CHALLENGE
        if marked or (case.response.status in _OF_A_PROXY and not is_passed_on(case.response)):
            found.append(_own_answer(case, marked=marked))
    return found


def _credentials_given(exchanges: AnsweredExchanges, case: Answered) -> bool:
    """Whether it was a challenge, and the same request succeeded later."""
    return case.response.status == _CHALLENGE and exchanges.succeeded_later(case) is not None


def _own_answer(case: Answered, *, marked: bool) -> Verdict:
    request, response = case.request, case.response
    took = wording.span(max(0, response.time_ns - request.last_ns))
    status = response.status
    facts = f"The request names a whole URL: it went to a proxy, which answered with status {status} "
    if response.status == _CHALLENGE:
        facts += f"after {took}: it wants credentials, and the server was not asked."
    elif marked:
        facts += (
            f"after {took}, by its marks in an answer of its own: the server was not reached, or gave no "
            f"answer.{what_squid_means(response)}"
        )
    else:
        facts += (
            f"after {took}. Nothing in the answer shows whether it is the proxy's own or the server's: a "
            "proxy gives this status where it does not reach the server."
        )
    return Verdict(
        code="proxy-connect-failure",
        connection=case.connection,
        exchanges=(case.exchange.id,),
        fault="client" if response.status == _CHALLENGE else "path",
        grounds=(Ground.SAID,) if marked else (Ground.GUESS,),
        facts=facts,
        evidence=(
            Evidence(request.packet, "the request to the proxy, with a whole URL"),
            Evidence(response.packet, f"the proxy's answer, status {response.status}"),
        ),
        runner_up="overload-5xx by the server: the answer is the proxy's own"
        if marked
        else "overload-5xx by the server: possible, it may have answered so itself",
        retry_safe=request.method in IDEMPOTENT or marked,
        quotes=quoted(response.packet, "the proxy's reason", reason(response)),
        time_ns=request.time_ns,
        advice_client=_advice(request, response),
    )


def _advice(request: Request, response: Response) -> str:
    """What to do about a proxy's answer, by its status."""
    variable = "https_proxy" if request.method == "CONNECT" else "http_proxy"
    around = f"or leave it out: unset {variable}, or set NO_PROXY for this host."
    if _wants_credentials(request, response) and _has(request, "proxy-authorization"):
        return (
            f"Look at the user, the password and the kind that the proxy wants (Proxy-Authenticate), {around}"
        )
    if response.status == _CHALLENGE:
        return f"Give the proxy its credentials (in {variable}, or as the program's option), {around}"
    if response.status == _REFUSED:
        return f"Ask who runs the proxy to allow this host and port, {around} Repeating does not help."
    return f"Ask whether the proxy can reach the server, {around}"


def _why(failed: FailedExchange, response: Response) -> str:
    """What the status and the two ends of the tunnel say about the reason."""
    if _wants_credentials(failed.request, response) and _has(failed.request, "proxy-authorization"):
        ends = (
            " and closes the connection, which NTLM and Negotiate need kept open" if _closes(response) else ""
        )
        return f" The request did carry credentials: the proxy does not accept them{ends}."
    if response.status == _CHALLENGE:
        return " It wants credentials, and the request had none."
    if _is_loopback(failed.request.target):
        return (
            " The address that it was to connect to is the loopback: at the proxy that is the proxy's own "
            "host. Such names belong in NO_PROXY."
        )
    if response.status == _REFUSED:
        return " That is the proxy's own policy: the server was not asked."
    return ""


def _wants_credentials(request: Request, response: Response) -> bool:
    """Whether the status is about the client's credentials: tinyproxy says 401 to wrong ones."""
    refused = response.status == _UNAUTHORIZED and _has(request, "proxy-authorization")
    return response.status == _CHALLENGE or refused


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
