"""Rule rate-limited: the server refused the request because there were too many."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from msgspec.structs import replace

from plainwire.diagnose import wording
from plainwire.diagnose.evidence import nginx_pages
from plainwire.diagnose.evidence.exchanges import ERROR_STATUS
from plainwire.diagnose.grounds import Ground
from plainwire.model import Evidence
from plainwire.plurals import count

from .status import TOO_MANY, UNAVAILABLE, status_verdict, wait_ns

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.answered import Answered, AnsweredExchanges
    from plainwire.diagnose.verdict import Verdict
    from plainwire.model import Endpoint


_EARLIER_NS = 100_000_000
"""Clocks and the way of the response: a request so much earlier than asked for counts as in time."""

_WINDOWS = ((1, "second"), (10, "10 seconds"), (60, "minute"))


def rate_limited(exchanges: AnsweredExchanges) -> list[Verdict]:
    """Requests that were refused because there were too many (RFC 6585 section 4)."""
    found = []
    until: dict[tuple[Endpoint, str | None], tuple[int, Answered]] = {}
    for case in sorted(exchanges.errors, key=lambda c: c.request.time_ns):
        status, wait = case.response.status, wait_ns(case)
        if status != TOO_MANY and not (status == UNAVAILABLE and _accepts_others(exchanges, case, wait)):
            continue
        scope = case.connection.server, case.request.authority
        asked = until.get(scope)
        ignored = asked is not None and case.request.time_ns + _EARLIER_NS < asked[0]
        found.append((case, asked if ignored else None, wait))
        if wait is not None:
            end = case.response.last_ns + wait
            until[scope] = (end, case) if asked is None or end > asked[0] else asked
    found += [(case, None, None) for case in exchanges.errors if _by_nginx(exchanges, case)]
    blamed = {asked[1].exchange.id for _, asked, _ in found if asked is not None}
    return [
        _limit_verdict(exchanges, case, asked, wait)
        for case, asked, wait in found
        if asked is not None or case.exchange.id in blamed or exchanges.retried_with_success(case) is None
    ]


def _accepts_others(exchanges: AnsweredExchanges, case: Answered, wait: int | None) -> bool:
    """Whether the server took other requests while it asked this one to wait.

    By 503 with Retry-After a server says that it is overloaded or being maintained (RFC 9110 section 15.6.4).
    """
    if wait is None:
        return False
    times = exchanges.tallies[case.connection.server].good_ns
    after = bisect_left(times, case.response.last_ns)
    return after < len(times) and times[after] < case.response.last_ns + wait


def _by_nginx(exchanges: AnsweredExchanges, case: Answered) -> bool:
    """Whether nginx answered 503 by itself, and others like it well: then a limit of its own refused it."""
    if case.response.status != UNAVAILABLE or wait_ns(case) is not None:
        return False
    if nginx_pages.page(case.response) != nginx_pages.LIMITED:
        return False
    if exchanges.open_at(case)[0]:
        return True
    return any(near.response.status < ERROR_STATUS for near in exchanges.neighbours(case))


def _limit_verdict(
    exchanges: AnsweredExchanges, case: Answered, asked: tuple[int, Answered] | None, wait: int | None
) -> Verdict:
    if asked is not None:
        until, before = asked
        early = wording.span(until - case.request.time_ns)
        return status_verdict(
            "rate-limited",
            case,
            f"In exchange {before.exchange.id} the server had asked to wait (Retry-After); the client sent "
            f"this request {early} earlier than that, and it was refused again (status "
            f"{case.response.status}).",
            "client",
            "a limit that the client could not know: refuted, Retry-After had told it",
            more=(Evidence(before.response.packet, "the response before, with Retry-After"),),
        )
    if case.response.status == UNAVAILABLE and wait is None:
        return _of_nginx(exchanges, case)
    says = "" if wait is None else f" It asks to wait {wording.span(wait)} (Retry-After)."
    if case.response.status == UNAVAILABLE:
        verdict = status_verdict(
            "rate-limited",
            case,
            f"The server refused the request for the time being (status 503).{says} It took others meanwhile."
            f"{_rate_words(exchanges, case)}",
            "unknown",
            "overload-5xx: a server that is down or being maintained would have refused the others too",
        )
        return replace(verdict, grounds=(Ground.INFERENCE,))
    return status_verdict(
        "rate-limited",
        case,
        "The server refused the request because there were too many (status "
        f"{case.response.status}).{says}{_rate_words(exchanges, case)}",
        "unknown",
        "overload-5xx: refuted, the status names a limit",
    )


def _of_nginx(exchanges: AnsweredExchanges, case: Answered) -> Verdict:
    """What nginx refuses by limit_req, by limit_conn, and by a ``return 503`` that some requests meet."""
    others, most = exchanges.open_at(case)
    which = f"limit_req:{_rate_words(exchanges, case) or ' requests like it were accepted before or after'}"
    if 0 < others >= most:
        either = "limit_conn" if most > 1 else "limit_conn or limit_req"
        which = f"{either}: {count(others, 'other', 'was')} being answered, and never more at once accepted"
    verdict = status_verdict(
        "rate-limited",
        case,
        "nginx answered with status 503 and the page that is its own, while it accepted other requests of "
        f"the kind: a limit of nginx's refused it, as it looks {which.rstrip('.')}.",
        "unknown",
        "overload-5xx: what is behind nginx would have answered with a page of its own, or nginx with 502",
    )
    return replace(
        verdict,
        grounds=(Ground.SAID, Ground.INFERENCE),
        advice_client="Send fewer requests at a time, at a slower pace; repeat refused ones after a pause.",
        advice_server="nginx's error log says which limit it was (limiting requests, or connections): raise "
        "its rate, burst or number, and answer 429 (limit_req_status, limit_conn_status).",
    )


def _rate_words(exchanges: AnsweredExchanges, case: Answered) -> str:
    """How many requests had been accepted just before."""
    at, times = case.request.time_ns, exchanges.tallies[case.connection.server].good_ns
    until = bisect_left(times, at)
    counts = [
        f"{until - bisect_left(times, at - seconds * 1_000_000_000)} in the {name}"
        for seconds, name in _WINDOWS
    ]
    return f" Accepted before it: {', '.join(counts)}."
