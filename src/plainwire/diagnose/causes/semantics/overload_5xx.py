"""Rule overload-5xx: the server answered with an error of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from plainwire.diagnose import wording
from plainwire.diagnose.evidence.exchanges import SERVER_ERROR_STATUS
from plainwire.diagnose.evidence.proxys_answers import is_the_proxys_own
from plainwire.diagnose.evidence.servers_own_pages import haproxy_s, uvicorn_at_its_limit
from plainwire.diagnose.evidence.tunnels import is_tunnelled
from plainwire.diagnose.grounds import Ground
from plainwire.plurals import count

from .method_or_path_specific_crash import method_or_path_specific_crash
from .status import UNAVAILABLE, status_verdict, wait_ns

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.answered import Answered, AnsweredExchanges
    from plainwire.diagnose.verdict import Verdict
    from plainwire.model import Endpoint


_INTERNAL_ERROR, _BAD_GATEWAY = 500, 502
"""RFC 9110 sections 15.6.1 and 15.6.3."""

_FEWEST_ALIKE = 2
"""Waits that agree: one alone says nothing of a timer."""

_LONG_WAIT_NS = 990_000_000
"""A limit on the time that a request may take is a second or more, and timers of ms may strike early."""

_ALIKE = 0.1
"""Waits that end by one timer agree within this share, but for how often the timer is looked at."""

_LOOK_NS = 1_050_000_000
"""gunicorn's arbiter looks for workers that are late once a second."""

_AT_MOST = 0.4
"""Of the shortest wait: waits of two and three seconds are no agreement."""

_CLIENT_S_OWN = frozenset((501, 505, 511))
"""5xx that answer what the client asked for, not how the server is."""


def overload_5xx(exchanges: AnsweredExchanges) -> list[Verdict]:
    """Other errors of the server's own: of one place only, or of overload or failure in general."""
    found = []
    limits = {server: _limit(waits) for server, waits in _waits(exchanges).items()}
    for case in exchanges.errors:
        status = case.response.status
        if status < SERVER_ERROR_STATUS or status in _CLIENT_S_OWN:
            continue
        if status == UNAVAILABLE and exchanges.retried_with_success(case) is not None:
            continue
        later = exchanges.succeeded_later(case)
        sick = method_or_path_specific_crash(exchanges, case)
        if sick is not None:
            found.append(sick)
            continue
        again = f" The same request succeeded as exchange {later.exchange.id} later." if later else ""
        own = _of_the_server_itself(exchanges, case)
        if own is not None:
            found.append(own)
            continue
        wait = wait_ns(case)
        limit = limits[case.connection.server] if case.first_byte_ns >= _LONG_WAIT_NS else ""
        asks = ""
        if wait is not None:
            asks = (
                f" It asks to wait {wording.span(wait)} (Retry-After): it is overloaded, or being maintained."
            )
        found.append(
            status_verdict(
                "overload-5xx",
                case,
                f"The server answered with status {status}, {wording.span(case.first_byte_ns)} after the "
                f"request: {_says(status)}.{limit}{asks}{again}",
                "server",
                "gateway-timeout: refuted, the status is another"
                if status != UNAVAILABLE
                else "rate-limited: refuted, it does not ask to wait"
                if wait is None
                else "rate-limited: possible, as some answer so what is above a limit; nothing was accepted "
                "in the time that it asks to wait",
            )
        )
    return found


def _of_the_server_itself(exchanges: AnsweredExchanges, case: Answered) -> Verdict | None:
    """What haproxy and uvicorn answer by themselves, without asking what they stand before."""
    if is_the_proxys_own(case.response) and is_tunnelled(case.connection):
        return _of_the_interceptor(case)
    status, waited = case.response.status, wording.span(case.first_byte_ns)
    others = exchanges.open_at(case)[0]
    busy = f" {count(others, 'other request', 'was')} being answered at that time." if others else ""
    if uvicorn_at_its_limit(case.response):
        return _named(
            case,
            "uvicorn answered with status 503 and the words that are its own where more connections or "
            f"requests are open than it may have (--limit-concurrency); the application was not asked.{busy}",
            "Ask for less at a time, or keep fewer connections open (idle ones count as well); repeat later.",
            "Raise uvicorn's --limit-concurrency, or run more workers.",
        )
    if not haproxy_s(case.response):
        return None
    if status == _INTERNAL_ERROR and case.first_byte_ns >= _LONG_WAIT_NS:
        return _named(
            case,
            f"haproxy answered with status 500 and its own page, {waited} after the request. It holds a "
            "request so long only where a rule says so (http-request tarpit, which slows down who asks).",
            "See what the rule takes for abuse: too many requests at a time, an address, a path, a field.",
            "Requests in the tarpit have PT in haproxy's log: see which rule (http-request tarpit) "
            "fits; timeout tarpit says how long it waits.",
        )
    if status != UNAVAILABLE:
        return None
    if case.first_byte_ns < _LONG_WAIT_NS:
        why = "it had no server to give it to: all were down, or none is configured"
        log = "See haproxy's log: SC stands there where none was up, or its connection was refused"
    elif others:
        why = (
            f"for {waited} no server was free: servers that have all the connections that they may have "
            "(maxconn) let requests wait in a queue, until timeout queue"
        )
        log = (
            "Requests that were in the queue have sQ in haproxy's log: raise the servers' maxconn or timeout "
            "queue, or add servers"
        )
    else:
        why = (
            f"for {waited} it tried to reach a server, or waited in the queue for one that was free "
            "(maxconn, timeout queue)"
        )
        log = (
            "See haproxy's log: SC or sC stands there where it could not connect (timeout "
            "connect, retries), and sQ where the request waited in the queue (maxconn, timeout queue)"
        )
    return _named(
        case,
        f"haproxy answered with status 503 and its own page, {waited} after the request: {why}.{busy}",
        "Repeat what is idempotent, later and later; send fewer requests at a time.",
        f"{log}.",
    )


def _of_the_interceptor(case: Answered) -> Verdict:
    """A proxy that opens the TLS inside its tunnel answers there, by itself."""
    verdict = status_verdict(
        "overload-5xx",
        case,
        f"The proxy opens the TLS that goes through its tunnel, and answered with status "
        f"{case.response.status} by itself, by its marks, {wording.span(case.first_byte_ns)} after the "
        "request: what is behind it (its upstream, the server) was not reached, gave no valid response, or "
        "has a certificate that the proxy does not accept.",
        "path",
        "the server's own answer: refuted, the answer bears the proxy's name",
    )
    return replace(
        verdict,
        advice_client="Look into the proxy's log for this moment, or ask without the proxy (NO_PROXY).",
        advice_server="Nothing to fix on the server, as far as this shows: the answer is the proxy's.",
    )


def _named(case: Answered, facts: str, client: str, server: str) -> Verdict:
    verdict = status_verdict(
        "overload-5xx",
        case,
        facts,
        "server",
        "an application that answers with this status: refuted, it would have said so in words of its own",
    )
    return replace(
        verdict,
        grounds=(Ground.SAID, Ground.INFERENCE),
        advice_client=client,
        advice_server=server,
    )


def _says(status: int) -> str:
    """What the server says of itself by the status (RFC 9110 section 15.6)."""
    if status == _BAD_GATEWAY:
        return (
            "by that a gateway says that what is behind it (its upstream) gave no valid response. Which of "
            "the two failed, and how, is not visible here"
        )
    return "by that it says itself that the fault is on its side"


def _waits(exchanges: AnsweredExchanges) -> dict[Endpoint, list[int]]:
    """By server: how long the requests had waited that were answered with an error of its own."""
    found: dict[Endpoint, list[int]] = {}
    for case in exchanges.errors:
        if case.response.status >= SERVER_ERROR_STATUS:
            found.setdefault(case.connection.server, []).append(case.first_byte_ns)
    return found


def _limit(waits: list[int]) -> str:
    """Whether a server's errors come after one long time: then a timer ends requests, not what they asked."""
    alike = [wait for wait in waits if wait >= _LONG_WAIT_NS]
    if len(alike) < _FEWEST_ALIKE or len(alike) * 2 < len(waits):
        return ""
    if max(alike) - min(alike) > max(_ALIKE * min(alike), min(_LOOK_NS, _AT_MOST * min(alike))):
        return ""
    return (
        f" {len(alike)} of {len(waits)} errors came {wording.span(min(alike))} to {wording.span(max(alike))} "
        "after the request: that looks like a limit of the server's (a worker's timeout, for instance), not "
        "like a fault in what was asked."
    )
