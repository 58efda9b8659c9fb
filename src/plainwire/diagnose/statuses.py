"""Rules about what error statuses say: of limits, of overload, of gateways, of names and sizes.

A status inside TLS is authenticated. What the program caused by itself (a 404, a 400) is no failure; and an
error after which the same request succeeded, as the status asks for it, is none either.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from msgspec.structs import replace

from plainwire.model import Evidence

from . import primitives, words
from .dates import date_ns
from .middle import median
from .survey import value
from .verdict import IDEMPOTENT, Verdict, weaker

if TYPE_CHECKING:
    from plainwire.model import Endpoint, Fault

    from .survey import Case, Survey

_TOO_EARLY, _MISDIRECTED, _TOO_MANY, _TOO_LARGE_HEADER = 425, 421, 429, 431
_UNAVAILABLE, _GATEWAY_TIMEOUT, _CLOUDFLARE_TIMEOUT = 503, 504, 524
_CLIENT_S_OWN = frozenset((501, 505, 511))
"""5xx that answer what the client asked for, not how the server is."""

_LONG_HEADER = 7_000
_EARLY_NS = 100_000_000
_SAME_SHARE = 0.01
_ROUND_WAITS = (29, 30, 60, 100, 120, 300)
_WINDOWS = ((1, "second"), (10, "10 seconds"), (60, "minute"))
_SMALLEST_WAIT_NS = 500_000_000
_FEWEST = 3
_FEWEST_OTHERS = 5


def _verdict(
    code: str, case: Case, facts: str, fault: Fault, runner_up: str, *, more: tuple[Evidence, ...] = ()
) -> Verdict:
    request, response = case.request, case.response
    return Verdict(
        code=code,
        connection=case.connection,
        exchanges=(case.exchange.id,),
        fault=fault,
        certainty=case.certainty,
        facts=facts,
        evidence=(
            Evidence(request.packet, "the request"),
            Evidence(response.packet, f"the response, status {response.status}"),
            *more,
        ),
        runner_up=runner_up,
        retry_safe=request.method in IDEMPOTENT,
        time_ns=request.time_ns,
    )


def too_early(survey: Survey) -> list[Verdict]:
    """Requests in early data that were refused and not sent again (RFC 8470 section 5.2)."""
    return [
        _verdict(
            "early-data-rejected",
            case,
            "The server refused to act on a request in early data (status 425), and the client did not "
            "send it again.",
            "client",
            "a refused request that is sent again: refuted, no such is in the capture",
        )
        for case in survey.errors
        if case.response.status == _TOO_EARLY and survey.succeeded_later(case) is None
    ]


def misdirected(survey: Survey) -> list[Verdict]:
    """Requests on a connection that is not for their name (RFC 9110 section 15.5.20)."""
    found = []
    for case in survey.errors:
        if case.response.status != _MISDIRECTED or survey.succeeded_later(case) is not None:
            continue
        differs = _other_name(case)
        names = ("The request's name is another than that of the TLS connection (SNI)." if differs else
                 "The request's name is that of the TLS connection.")  # fmt: skip
        again = [each for each in survey.later(case) if each.connection.id != case.connection.id]
        tried = "also on another connection" if again else "and the client did not try another connection"
        found.append(
            _verdict(
                "misdirected-421",
                case,
                f"The server says that this connection is not for the request's name (status 421), "
                f"{tried}. {names}",
                "server" if again else "both",
                "a refusal of the request itself: refuted, the status is about the connection",
            )
        )
    return found


def _other_name(case: Case) -> bool:
    tls, authority = case.connection.tls, case.request.authority
    if tls is None or not tls.server_name or authority is None:
        return False
    return authority.rpartition("@")[2].partition(":")[0].lower().rstrip(
        "."
    ) != tls.server_name.lower().rstrip(".")


def other_names(survey: Survey) -> list[Verdict]:
    """Requests for another name than the connection's, all refused, where those that agree were not."""
    refused = [c for c in survey.errors if c.response.status in (400, 403) and _other_name(c)]
    if not refused:
        return []
    bad: dict[Endpoint, list[Case]] = {}
    for case in refused:
        bad.setdefault(case.connection.server, []).append(case)
    found = []
    for server, cases in bad.items():
        here = [c for c in survey.answered if c.connection.server == server]
        differing = [c for c in here if _other_name(c)]
        good = [c for c in here if not _other_name(c) and c.response.status < primitives.ERROR_STATUS]
        if len(differing) != len(cases) or len(good) < _FEWEST or len(cases) < _FEWEST:
            continue
        found += [
            _verdict(
                "sni-host-mismatch",
                case,
                f"The request is for another name than its TLS connection (SNI) and was refused, as all "
                f"{len(cases)} of "
                f"that kind were; {len(good)} whose names agree were answered.",
                "client",
                "a refusal of the request itself: all requests whose names agree were answered",
            )
            for case in cases
        ]
    return found


def header_too_large(survey: Survey) -> list[Verdict]:
    """Requests whose header was too long for the server (RFC 6585 section 5)."""
    found = []
    for case in survey.errors:
        size = _header_size(case)
        named = case.response.status == _TOO_LARGE_HEADER
        if not named and not (
            case.response.status in (400, 413) and size >= _LONG_HEADER and not case.request.body_size
        ):
            continue
        smaller = [
            _header_size(c) for c in survey.neighbours(case) if c.response.status < primitives.ERROR_STATUS
        ]
        if not named and (not smaller or max(smaller) >= size):
            continue
        before = f" The largest that was accepted here has {max(smaller)} bytes." if smaller else ""
        found.append(
            _verdict(
                "header-growth-431",
                case,
                f"The request's header has {size} bytes, and the server answered with status "
                f"{case.response.status}.{before}",
                "client",
                "a bad request for another reason: smaller headers to the same place are accepted"
                if smaller
                else "a bad request for another reason: refuted, the status names the header",
            )
        )
    return found


def _header_size(case: Case) -> int:
    """Bytes of the header fields as HTTP/1.1 writes them."""
    return sum(len(name) + len(text) + 4 for name, text in case.request.headers)


def rate_limited(survey: Survey) -> list[Verdict]:
    """Requests that were refused because there were too many (RFC 6585 section 4)."""
    found = []
    until: dict[tuple[Endpoint, str | None], tuple[int, Case]] = {}
    for case in sorted(survey.errors, key=lambda c: c.request.time_ns):
        status, wait = case.response.status, _wait_ns(case)
        if status != _TOO_MANY and not (status == _UNAVAILABLE and wait is not None):
            continue
        scope = case.connection.server, case.request.authority
        asked = until.get(scope)
        ignored = asked is not None and case.request.time_ns + _EARLY_NS < asked[0]
        found.append((case, asked if ignored else None, wait))
        if wait is not None:
            end = case.response.last_ns + wait
            until[scope] = (end, case) if asked is None or end > asked[0] else asked
    blamed = {asked[1].exchange.id for _, asked, _ in found if asked is not None}
    return [
        _limit_verdict(survey, case, asked, wait)
        for case, asked, wait in found
        if asked is not None or case.exchange.id in blamed or not _made_good(survey, case, wait)
    ]


def _made_good(survey: Survey, case: Case, wait: int | None) -> bool:
    """Whether the request was sent again, not before it should, and then succeeded."""
    return (survey.mended(case) if wait is None else survey.succeeded_later(case)) is not None


def _wait_ns(case: Case) -> int | None:
    """What Retry-After asks for, in ns from the response."""
    text = value(case.response, "retry-after")
    if text is None:
        return None
    if text.strip().isascii() and text.strip().isdigit() and len(text.strip()) < 9:
        return int(text) * 1_000_000_000
    until = date_ns(text)
    return None if until is None else max(0, until - case.response.last_ns)


def _limit_verdict(survey: Survey, case: Case, asked: tuple[int, Case] | None, wait: int | None) -> Verdict:
    if asked is not None:
        until, before = asked
        early = words.span(until - case.request.time_ns)
        return _verdict(
            "rate-limited",
            case,
            f"In exchange {before.exchange.id} the server had asked to wait (Retry-After); the client "
            f"sent this request "
            f"{early} earlier than that, and it was refused again (status {case.response.status}).",
            "client",
            "a limit that the client could not know: refuted, Retry-After had told it",
            more=(Evidence(before.response.packet, "the response before, with Retry-After"),),
        )
    says = "" if wait is None else f" It asks to wait {words.span(wait)} (Retry-After)."
    return _verdict(
        "rate-limited",
        case,
        f"The server refused the request because there were too many (status {case.response.status}).{says}"
        f"{_rate_words(survey, case)}",
        "unknown",
        "overload-5xx: refuted, the status names a limit",
    )


def _rate_words(survey: Survey, case: Case) -> str:
    """How many requests had been accepted just before."""
    at, times = case.request.time_ns, survey.tallies[case.connection.server].good_ns
    until = bisect_left(times, at)
    counts = [
        f"{until - bisect_left(times, at - seconds * 1_000_000_000)} in the {name}"
        for seconds, name in _WINDOWS
    ]
    return f" Accepted before it: {', '.join(counts)}."


def gateway_timeout(survey: Survey) -> list[Verdict]:
    """Gateways that gave up waiting for what is behind them (RFC 9110 section 15.6.5)."""
    cases = [c for c in survey.errors if c.response.status in (_GATEWAY_TIMEOUT, _CLOUDFLARE_TIMEOUT)]
    by_server: dict[Endpoint, list[int]] = {}
    for case in cases:
        by_server.setdefault(case.connection.server, []).append(case.first_byte_ns)
    return [
        _verdict(
            "gateway-timeout",
            case,
            f"The gateway at {words.address(case.connection)} answered {words.span(case.first_byte_ns)} "
            f"after the request "
            f"that what is behind it did not answer in time (status {case.response.status})."
            f"{_constant(by_server[case.connection.server])}",
            "server",
            "overload-5xx: refuted, the status names the wait",
        )
        for case in cases
    ]


def _constant(waits: list[int]) -> str:
    middle = median(waits)
    if len(waits) < 2 or middle < _SMALLEST_WAIT_NS:
        return ""
    if max(abs(wait - middle) for wait in waits) > _SAME_SHARE * middle:
        return ""
    near = next(
        (f", a common default ({n} s)" for n in _ROUND_WAITS if abs(middle / 1e9 - n) <= _SAME_SHARE * n), ""
    )
    return f" All {len(waits)} waits agree within 1 %: a timer of {words.span(int(middle))}{near}."


def server_errors(survey: Survey) -> list[Verdict]:
    """Other errors of the server's own: of one place only, or of overload or failure in general."""
    found = []
    for case in survey.errors:
        status = case.response.status
        if status < primitives.SERVER_ERROR_STATUS or status in _CLIENT_S_OWN:
            continue
        if status == _UNAVAILABLE and survey.mended(case) is not None:
            continue
        mended = survey.succeeded_later(case)
        sick = _always(survey, case)
        if sick is not None:
            found.append(sick)
            continue
        again = f" The same request succeeded as exchange {mended.exchange.id} later." if mended else ""
        wait = _wait_ns(case)
        asks = "" if wait is None else f" It asks to wait {words.span(wait)}."
        found.append(
            _verdict(
                "overload-5xx",
                case,
                f"The server answered with status {status}, {words.span(case.first_byte_ns)} after the "
                f"request: by that it "
                f"says itself that the fault is on its side.{asks}{again}",
                "server",
                "gateway-timeout: refuted, the status is another"
                if status != _UNAVAILABLE
                else "rate-limited: refuted, it does not ask to wait",
            )
        )
    return found


def _always(survey: Survey, case: Case) -> Verdict | None:
    """A verdict where this place fails each time and no other ever does."""
    tally, name = survey.tallies[case.connection.server], (case.request.method, case.request.target)
    bad, others = tally.bad[name], tally.all.total() - tally.all[name]
    if bad < _FEWEST or bad != tally.all[name] or bad != tally.bad.total() or others < _FEWEST_OTHERS:
        return None
    return _verdict(
        "method-or-path-specific-crash",
        case,
        f"This request failed each time ({bad} of {bad}, status {case.response.status}), and "
        f"none of {others} "
        "others to the server did: what is asked for decides, not the moment.",
        "server",
        "overload-5xx: refuted, it strikes only this request",
    )


def blocked(survey: Survey) -> list[Verdict]:
    """Pages for people in place of the data that the same place gives otherwise."""
    found = []
    for case in survey.errors:
        # Every server has a page of its own for 429 and 503: these need the mark.
        marked = value(case.response, "cf-mitigated") is not None
        if (
            case.response.status not in ((403, 406, 429, 503) if marked else (403, 406))
            or not _is_page(case)
            or survey.succeeded_later(case) is not None
        ):
            continue
        near = survey.neighbours(case)
        others = [c for c in near if c.response.status < primitives.ERROR_STATUS and c.response.body_size]
        if not marked and (not others or any(_is_page(c) for c in others)):
            continue
        mark = " It bears the header field cf-mitigated." if marked else ""
        contrast = f" {len(others)} other answers from the same place were data, not pages." if others else ""
        verdict = _verdict(
            "waf-block",
            case,
            f"In place of data came a page of HTML with status {case.response.status}: something in "
            f"front of the server refused the request.{mark}{contrast}",
            "server",
            "a refusal by the application: it answers with data here, not with pages",
        )
        found.append(verdict if marked else replace(verdict, certainty=weaker(verdict.certainty)))
    return found


def _is_page(case: Case) -> bool:
    return (value(case.response, "content-type") or "").lower().startswith("text/html")
