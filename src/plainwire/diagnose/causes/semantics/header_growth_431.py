"""Rule header-growth-431: the request's header has become too large for the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from plainwire import plurals
from plainwire.diagnose.evidence import nginx_pages
from plainwire.diagnose.evidence.exchanges import ERROR_STATUS, header_size
from plainwire.diagnose.evidence.servers_own_pages import apache_s_limit, gunicorn_s_limit, may_be_a_server_s
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.thresholds import LONG_HEADER_BYTES
from plainwire.diagnose.traffic.copies import value

from .status import TOO_LARGE, TOO_LARGE_HEADER, status_verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainwire.diagnose.traffic.answered import Answered, AnsweredExchanges
    from plainwire.diagnose.verdict import Verdict
    from plainwire.model import Request, Response


_LARGE_FIELD_BYTES = 1_000
"""Nobody's limit is so low for a header without such a field (chosen: the least that was met is 1 kB)."""

_CREDENTIALS = frozenset(("authorization", "proxy-authorization"))
"""What they hold may be the reason, not its size."""

_BAD_REQUEST = 400
"""RFC 9110 section 15.5.1."""

_UNNAMED = frozenset((400, 413))
"""What servers say that do not name the header: nginx 400, others 413 (RFC 9110 sections 15.5.1, 15.5.14)."""

_TOO_LONG_TARGET = 414
"""RFC 9110 section 15.5.15."""

_MOST_FIELDS = 100
"""What Apache, gunicorn, Tomcat and http.client take by default."""

_OF_NUMBER = frozenset((400, TOO_LARGE_HEADER))

_LIMIT = 8_000
"""What servers take by default in one field or in all: nginx, Apache, Tomcat and Jetty 8 KB (RFC 9110 section
5.4 asks for no number)."""


def header_growth_431(exchanges: AnsweredExchanges) -> list[Verdict]:
    """Requests whose header was too long for the server (RFC 6585 section 5)."""
    found = []
    for case in exchanges.errors:
        if case.response.status == _TOO_LONG_TARGET:
            found.append(_target_too_long(exchanges, case))
            continue
        setting = gunicorn_s_limit(case.request, case.response)
        if setting:
            found.append(_by_gunicorn(exchanges, case, setting))
            continue
        setting = apache_s_limit(case.request, case.response, case.connection.server.port)
        if setting:
            found.append(_by_apache(exchanges, case, setting))
            continue
        if case.response.status in _OF_NUMBER and _too_many_fields(exchanges, case):
            found.append(_number_verdict(case))
            continue
        size = header_size(case.request)
        named = (
            case.response.status == TOO_LARGE_HEADER
            or nginx_pages.page(case.response) == nginx_pages.TOO_LARGE_HEADER
        )
        if not named and not (
            case.response.status in _UNNAMED and size >= LONG_HEADER_BYTES and not case.request.body_size
        ):
            found += _below_the_usual(exchanges, case, size)
            continue
        smaller = [
            header_size(c.request) for c in exchanges.neighbours(case) if c.response.status < ERROR_STATUS
        ]
        if not named and (max(smaller) >= size if smaller else size < _LIMIT):
            continue
        before = f" The largest that was accepted here has {max(smaller)} bytes." if smaller else ""
        verdict = status_verdict(
            "header-growth-431",
            case,
            f"The request's header has {plurals.count(size, 'byte')}, and the server answered with "
            f"status {case.response.status}{_by_nginx(case)}.{before or _limit_words(named=named)}",
            "client",
            "a bad request for another reason: smaller headers to the same place are accepted"
            if smaller
            else "a bad request for another reason: refuted, the answer names the header"
            if named
            else "a bad request for another reason: the response's body would say so",
        )
        by_size = (Ground.SAID,) if named or smaller else (Ground.SAID, Ground.INFERENCE)
        found.append(replace(verdict, grounds=by_size))
    return found


def _refuses_no_body(case: Answered, size: int) -> bool:
    """Whether something is called too large (413) where there is no body: then it is the head (Sanic)."""
    bodiless = case.request.framing == "none" and not case.request.body_size
    return case.response.status == TOO_LARGE and bodiless and size >= _LARGE_FIELD_BYTES


def _below_the_usual(exchanges: AnsweredExchanges, case: Answered, size: int) -> Iterator[Verdict]:
    """A verdict where a limit may be lower than those that are usual, and the answer does not name it.

    Tomcat and Undertow say 400 then. Either the same request is accepted without what makes it large, or the
    answer is one of a server that has not even read the header to its end.
    """
    request, response = case.request, case.response
    no_body = _refuses_no_body(case, size)
    if not no_body and (response.status != _BAD_REQUEST or not may_be_a_server_s(response)):
        return
    accepted = [c.request for c in exchanges.neighbours(case) if c.response.status < ERROR_STATUS]
    largest = max(map(header_size, accepted), default=0)
    twins = [more for each in accepted if (more := _large_fields_more(request, each))]
    bare = _is_bare(response) and size >= _LARGE_FIELD_BYTES
    if largest >= size or not (twins or bare or no_body):
        return
    sure = no_body or (bool(twins) and not any(name in _CREDENTIALS for more in twins for name in more))
    contrast = (
        f" The same request is accepted with a header of {plurals.count(largest, 'byte')}."
        if twins
        else " The request has no body that could be too large."
        if no_body
        else " The answer has no Date and no content: that of a server that did not read on."
    )
    yield replace(
        status_verdict(
            "header-growth-431",
            case,
            f"The request's header has {plurals.count(size, 'byte')}, and the server answered with "
            f"status {response.status}, without a word of the reason.{contrast}",
            "client",
            "a bad request for another reason: the answer does not say which",
        ),
        grounds=(Ground.SAID, Ground.INFERENCE) if sure else (Ground.GUESS,),
        advice_server="Raise the limit, if such headers are meant (Tomcat: maxHttpRequestHeaderSize; Spring "
        "Boot: server.max-http-request-header-size; Undertow: MAX_HEADER_SIZE; Sanic: "
        "REQUEST_MAX_HEADER_SIZE), and answer 431.",
    )


def _is_bare(response: Response) -> bool:
    fields = {name.lower() for name, _ in response.headers}
    return not response.body_size and fields <= {"content-length", "connection"} and response.close_announced


def _large_fields_more(refused: Request, accepted: Request) -> set[str]:
    """The names of large fields by which alone a request differs from another; empty where more does."""
    if (refused.target, refused.body_size) != (accepted.target, accepted.body_size):
        return set()
    other = {(name.lower(), text) for name, text in accepted.headers}
    mine = {(name.lower(), text) for name, text in refused.headers}
    more = {name for name, text in mine - other if len(text) >= _LARGE_FIELD_BYTES}
    lesser = {name for name, text in mine ^ other if len(text) < _LARGE_FIELD_BYTES}
    return more if lesser <= more else set()


def _by_gunicorn(exchanges: AnsweredExchanges, case: Answered, setting: str) -> Verdict:
    request = case.request
    if setting == "limit_request_line":
        verdict = _target_too_long(exchanges, case)
        what = f"The request's target has {plurals.count(len(request.target), 'byte')}"
    else:
        verdict = _number_verdict(case)
        if setting == "limit_request_field_size":
            verdict = replace(verdict, advice_client="")
        largest = max(len(name) + len(text) + 2 for name, text in request.headers)
        what = (
            f"The request's header has {plurals.count(len(request.headers), 'field')}, the largest of "
            f"{plurals.count(largest, 'byte')}"
        )
    return replace(
        verdict,
        facts=f"{what}, and gunicorn answered with status {case.response.status} and the page "
        f"by which it says that this is too much ({setting}).",
        grounds=(Ground.SAID, Ground.INFERENCE),
        runner_up="a bad request for another reason: gunicorn's page for it has another length",
        advice_server=f"Raise gunicorn's {setting}, if such requests are meant.",
    )


def _by_apache(exchanges: AnsweredExchanges, case: Answered, setting: str) -> Verdict:
    number = setting == "LimitRequestFields"

    def measured(request: Request) -> int:
        if number:
            return len(request.headers)
        return max((len(name) + len(text) + 2 for name, text in request.headers), default=0)

    def in_words(size: int) -> str:
        return plurals.count(size, "field") if number else f"a field of {plurals.count(size, 'byte')}"

    good = [measured(c.request) for c in exchanges.neighbours(case) if c.response.status < ERROR_STATUS]
    before = f" The most that was accepted here has {in_words(max(good))}." if good else ""
    verdict = _number_verdict(case)
    return replace(
        verdict,
        facts=f"The request's header has {in_words(measured(case.request))}, and Apache httpd answered with "
        f"status {case.response.status} and the page by which it says that this is too much ({setting})."
        f"{before}",
        grounds=(Ground.SAID, Ground.INFERENCE),
        runner_up="a bad request for another reason: Apache's page for it has another length",
        advice_client=verdict.advice_client if number else "",
        advice_server=f"Raise Apache's {setting}, if such requests are meant.",
    )


def _too_many_fields(exchanges: AnsweredExchanges, case: Answered) -> bool:
    """Whether it has more fields than servers take, and no other with as many was accepted."""
    fields = len(case.request.headers)
    return fields > _MOST_FIELDS and not any(
        len(c.request.headers) >= fields
        for c in exchanges.neighbours(case)
        if c.response.status < ERROR_STATUS
    )


def _number_verdict(case: Answered) -> Verdict:
    verdict = status_verdict(
        "header-growth-431",
        case,
        f"The request's header has {plurals.count(len(case.request.headers), 'field')}, and the server "
        f"answered with status {case.response.status}: many servers take no more than {_MOST_FIELDS} fields.",
        "client",
        "a bad request for another reason: the response's body would say so",
    )
    return replace(
        verdict,
        grounds=(Ground.SAID,)
        if case.response.status == TOO_LARGE_HEADER
        else (Ground.SAID, Ground.INFERENCE),
        advice_client="Send fewer header fields: see which ones each step adds (proxies, tracing, metadata).",
        advice_server="Raise the limit, if such requests are meant (Apache: LimitRequestFields; gunicorn: "
        "limit_request_fields; Tomcat: maxHeaderCount; Node.js: server.maxHeadersCount).",
    )


def _target_too_long(exchanges: AnsweredExchanges, case: Answered) -> Verdict:
    """The status says it (RFC 9110 section 15.5.15): the target is a part of the head."""
    good = [len(c.request.target) for c in exchanges.neighbours(case) if c.response.status < ERROR_STATUS]
    before = f" The longest that was accepted here has {max(good)}." if good else ""
    return replace(
        status_verdict(
            "header-growth-431",
            case,
            f"The request's target has {plurals.count(len(case.request.target), 'byte')}, and the server "
            f"answered with status 414 (URI Too Long).{before}",
            "client",
            "a bad request for another reason: refuted, the answer names the target",
        ),
        advice_client="Send less in the URL: put what a query holds into the body of a POST.",
        advice_server="Raise the limit of a request's line, if such targets are meant "
        f"({_line_setting(case)}).",
    )


def _line_setting(case: Answered) -> str:
    if (value(case.response, "server") or "").startswith("Apache"):
        return "Apache httpd: LimitRequestLine"
    return "nginx: large_client_header_buffers"


def _by_nginx(case: Answered) -> str:
    if case.response.status == TOO_LARGE_HEADER or not nginx_pages.page(case.response):
        return ""
    return ", with the page by which nginx says so (large_client_header_buffers)"


def _limit_words(*, named: bool) -> str:
    if named:
        return ""
    return " Most servers take 8 KB of header fields and answer more with this status, or with 431."
