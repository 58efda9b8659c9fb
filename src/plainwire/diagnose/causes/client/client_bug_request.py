"""Rule client-bug-request: the request breaks the rules of HTTP, and the server said so."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec.structs import replace

from plainwire import plurals
from plainwire.diagnose.evidence.defects import own_defects
from plainwire.diagnose.evidence.exchanges import place_of
from plainwire.diagnose.evidence.servers_own_pages import may_be_a_server_s
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.traffic.copies import value
from plainwire.diagnose.verdict import Verdict, quoted_defects
from plainwire.model import Evidence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainwire.diagnose.traffic.answered import Answered, AnsweredExchanges
    from plainwire.diagnose.verdict import FailedExchange
    from plainwire.model import Endpoint, Request


_BROKEN = frozenset({400, 411, 414, 501, 505})
"""Statuses by which a server says that a message was not as HTTP wants it."""

_BAD_REQUEST, _LENGTH_REQUIRED, _NOT_IMPLEMENTED = 400, 411, 501
"""RFC 9110 sections 15.5.1, 15.5.12 and 15.6.2; RFC 9112 section 6.1 of the last one."""

_UNESCAPED = re.compile(r"""[ "<>\\^`{|}\[\]\x80-\U0010ffff]""").findall
"""What a path and a query may hold only as %xx (RFC 3986 sections 2.2, 3.3 and 3.4)."""
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~-]*)(:[0-9]*)?").fullmatch
"""An address, or a name as DNS has them, and a port."""
_MOST_NAMED = 5

_AMBIGUOUS = re.compile(r"%(?:2[fF]|5[cC]|2[eE]|25|00)|//").findall
"""An escaped slash, backslash, dot, per cent sign and NUL, and a segment without a name."""

_BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})").search


def client_bug_request(exchanges: AnsweredExchanges) -> list[Verdict]:
    """Requests that break the rules of HTTP and were answered as such, in any version."""
    found = []
    lenient: set[Endpoint] | None = None
    for case in exchanges.errors:
        if case.response.status in _BROKEN and _is_broken(case):
            found.append(_verdict(case))
        elif case.response.status == _BAD_REQUEST and may_be_a_server_s(case.response):
            lenient = _lenient(exchanges) if lenient is None else lenient
            found += _ambiguous(case, lenient)
    return found


def _is_broken(case: Answered) -> bool:
    return bool(_flaws(case) or own_defects(case.request))


def _lenient(exchanges: AnsweredExchanges) -> set[Endpoint]:
    """The servers that accepted a path that can be read in two ways."""
    accepted = (c for c in exchanges.answered if c.response.status < _BAD_REQUEST)
    return {c.connection.server for c in accepted if _sequences(c.request)}


def _ambiguous(case: Answered, lenient: set[Endpoint]) -> Iterator[Verdict]:
    """A verdict where the path can be read in two ways, which Servlet 6 (section 3.5.2) has servers refuse.

    URLs may be so (RFC 3986 section 2.2): client and server do not agree. Where another such path was
    accepted the status has another reason.
    """
    sequences = _sequences(case.request)
    if not sequences or case.connection.server in lenient:
        return
    named = _names_a_servlet_container(case)
    yield replace(
        _verdict(case),
        fault="both",
        grounds=(Ground.SAID, Ground.INFERENCE) if named else (Ground.GUESS,),
        facts=f"The path of the request has {' and '.join(sequences)} in it. A URL may (RFC 3986 section "
        "2.2), but it can be read in two ways, and servers that follow Servlet 6 (section 3.5.2: Jetty 12, "
        f"Tomcat) refuse it before they look further: this one answered with {case.response.status}, and a "
        "page that may be its own.",
        runner_up="the application's own 400: it would look further than the path",
        advice_client="Send what is between the slashes of a path without such sequences, or as a parameter "
        "of the query.",
        advice_server="Allow them where the application copes (Jetty: UriCompliance and "
        "setDecodeAmbiguousURIs; Tomcat: encodedSolidusHandling).",
    )


def _sequences(request: Request) -> list[str]:
    """What of a path can be read in two ways, as it is written."""
    path = request.target.partition("?")[0]
    return sorted({text.upper() if "%" in text else text for text in _AMBIGUOUS(path)})


def _names_a_servlet_container(case: Answered) -> bool:
    """Jetty names itself, with a page that is not to be kept; Tomcat's pages have their language."""
    server, fields = (value(case.response, "server") or "").lower(), case.response.headers
    jetty = server.startswith("jetty") and "no-store" in (value(case.response, "cache-control") or "")
    tomcat = not server and any(name.lower() == "content-language" for name, _ in fields)
    return jetty or tomcat


def _flaws(case: Answered) -> list[str]:
    """What its own fields show that the server's status fits, and a reader of messages does not mind."""
    request, status = case.request, case.response.status
    found = []
    hosts = _hosts(request)
    if status == _BAD_REQUEST and hosts != 1:
        found.append(f"it has {plurals.some(hosts, 'Host field')}")
    if status == _BAD_REQUEST and _BAD_PERCENT(request.target.partition("?")[0]):
        found.append("a % in its path is not followed by two hexadecimal digits (RFC 3986 section 2.1)")
    if status == _BAD_REQUEST and may_be_a_server_s(case.response):
        found += _of_target_and_host(request)
    if status == _LENGTH_REQUIRED and request.framing == "none":
        found.append("it says of no length (Content-Length), which this server wants")
    if status == _NOT_IMPLEMENTED and _unusual_coding(request):
        found.append(
            "its Transfer-Encoding names another coding than chunked, which the server does not know"
        )
    return found


def _of_target_and_host(request: Request) -> list[str]:
    """What strict servers (Tomcat, Jetty, lighttpd) refuse, and many others take."""
    found = []
    unescaped = sorted(set(_UNESCAPED(request.target)))
    if unescaped and request.target.startswith("/"):
        count = plurals.count(len(unescaped), "character")
        kinds = " ".join(c for c in unescaped[:_MOST_NAMED] if " " < c < "\x7f")
        found.append(
            f"its target has {count} that must be written as %xx{f': {kinds}' if kinds else ''} "
            "(RFC 3986 section 3.3)"
        )
    hosts = [t.strip() for name, t in request.headers if name.lower() in ("host", ":authority")]
    if any(not _HOST(host) for host in hosts):
        found.append(
            "its Host (:authority) has a character that no name of a host has (RFC 9110 section 7.2)"
        )
    return found


def _unusual_coding(request: Request) -> bool:
    codings = [v.strip().lower() for n, v in request.headers if n.lower() == "transfer-encoding"]
    return any(coding not in ("chunked", "identity") for coding in codings)


def body_longer_than_declared(failed: FailedExchange) -> Verdict | None:
    """A verdict where what looks like the next request is the rest of a body with too small a length."""
    place = place_of(failed.connection, failed.exchange)
    before = failed.connection.exchanges[place - 1].request if place else None
    request, response = failed.request, failed.exchange.response
    if before is None or before.framing != "content-length" or not own_defects(request):
        return None
    if request.packet != before.last_packet or request.start != before.end:
        return None
    first = failed.connection.exchanges[place - 1].id
    said = f", and said so (status {response.status})" if response is not None and response.status else ""
    return Verdict(
        code="client-bug-request",
        connection=failed.connection,
        exchanges=(first, failed.exchange.id),
        fault="client",
        grounds=(Ground.SAID,),
        facts=f"The request of exchange {first} announces a body of "
        f"{plurals.count(before.body_size, 'byte')} (Content-Length), and "
        f"{plurals.count(request.end - request.start, 'more byte')} came behind it in the same packet: the "
        f"server takes {'it' if request.end - request.start == 1 else 'them'} for the next request{said}.",
        evidence=(
            Evidence(before.packet, f"the request, Content-Length {before.body_size}"),
            Evidence(request.packet, "more bytes behind its body, which are no request"),
            *(() if response is None else (Evidence(response.packet, f"the answer, {response.status}"),)),
        ),
        runner_up="client-abort: the server refused these bytes whether or not the client waited for it",
        retry_safe=False,
        time_ns=before.time_ns,
        advice_client="Let the HTTP library set Content-Length: it counts bytes, not characters.",
    )


def _hosts(request: Request) -> int:
    """How many Host fields a request of HTTP/1.1 has: one is due (RFC 9112 section 3.2)."""
    if request.version != "HTTP/1.1":
        return 1
    return sum(name.lower() == "host" for name, _ in request.headers)


def _is_only_strict(case: Answered) -> bool:
    """Whether nothing but what other servers take is wrong with it: the status may have another reason."""
    return not own_defects(case.request) and _flaws(case) == _of_target_and_host(case.request)


def _verdict(case: Answered) -> Verdict:
    request, response = case.request, case.response
    defects = own_defects(request)
    flaws = _flaws(case)
    which = f": {', and '.join(flaws)}" if flaws else ""
    count = len(defects) + len(flaws)
    return Verdict(
        code="client-bug-request",
        connection=case.connection,
        exchanges=(case.exchange.id,),
        fault="client",
        grounds=(Ground.SAID, Ground.INFERENCE) if _is_only_strict(case) else (Ground.SAID,),
        facts=f"The request breaks the rules of HTTP in {plurals.count(count, 'way')}{which}, and the server "
        f"said so (status {response.status}).",
        evidence=(
            Evidence(request.packet, "the request with the defect"),
            Evidence(response.packet, f"the response, status {response.status}"),
        ),
        quotes=quoted_defects(request),
        runner_up="unsolicited-408: refuted, the response acknowledges the request",
        retry_safe=False,
        time_ns=request.time_ns,
    )
