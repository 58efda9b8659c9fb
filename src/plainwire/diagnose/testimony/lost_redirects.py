"""Redirects that came to nothing, where a program failed over them.

``bad-framing``: a redirect without Location (RFC 9110 section 15.4 asks for one). Many clients hand it to the
program as it is; others, and programs that want a page, fail. Some protocols mean something else by it (308
of resumable uploads, 301 of a wrong region), so that only a program that failed shows it to be a fault.
``redirect-changed-request``: a POST was redirected to another place, as a form is, where nothing is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from plainwire.diagnose.causes.semantics.redirection import CHAIN_NS
from plainwire.diagnose.evidence.exchanges import REDIRECTS
from plainwire.diagnose.traffic.copies import value
from plainwire.model import Evidence

from .program_finding import finding_of_the_program, of_processes
from .sayings import lines_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plainwire.model import Connection, Exchange, Finding, ProgramEvents, Request, Response

    _Whole = tuple[Connection, Exchange, Request, Response]

_AS_A_FORM = frozenset((302, 303))
"""RFC 9110 sections 15.4.3 and 15.4.4."""
_NOTHING_THERE = frozenset((404, 410))
"""RFC 9110 sections 15.5.5 and 15.5.11."""
_SAFE = frozenset(("GET", "HEAD"))
_WORDS = re.compile(
    r"(?i)\blocation\b.*\b(?:header|missing|without|redirect)|redirect.*\blocation\b|no location"
)
_MOST_CITED = 8


def lost_redirects(
    connections: Sequence[Connection], findings: Sequence[Finding], events: ProgramEvents
) -> list[Finding]:
    """A finding for a program that failed, with a redirect as the last that it got, or as what it names.

    For a program that was not stopped from outside. Pure.
    """
    if not events.exit_status:
        return []
    told = {number for finding in findings if finding.failure for number in finding.exchanges}
    pids = set(events.processes) | ({events.pid} if events.pid else set())
    whole = sorted(
        (
            (connection, exchange, exchange.request, exchange.response)
            for connection in of_processes(connections, pids)
            for exchange in connection.exchanges
            if exchange.request is not None and exchange.response is not None
            if exchange.outcome == "complete"
        ),
        key=lambda each: each[3].last_ns,
    )
    if not whole or whole[-1][1].id in told:
        return []
    return _without_place(whole, told, events) or _nothing_there(whole, events)


def _without_place(whole: Sequence[_Whole], told: set[int], events: ProgramEvents) -> list[Finding]:
    named = any(_WORDS.search(line.text) for line in lines_of(events))
    lost = [
        (connection, exchange, response)
        for connection, exchange, _, response in (whole if named else whole[-1:])
        if response.status in REDIRECTS and not value(response, "location") and exchange.id not in told
    ]
    if not lost:
        return []
    status = lost[0][-1].status
    why = "what the program names" if named else "the last response that the program got before it failed"
    finding = finding_of_the_program(
        "bad-framing",
        f"The response (status {status}) is a redirect without a Location: it names no place to go on to. "
        f"Clients that follow redirects take that for an error, others hand it on as it is. It was {why}.",
        [
            Evidence(response.packet, f"a redirect, status {response.status}, without Location")
            for *_, response in lost[:_MOST_CITED]
        ],
        [],
        events,
        fault="server",
        runner_up="a program that failed for a reason of its own: possible, it got this response whole",
        told=f"It ended with status {events.exit_status}.",
        advice="Look what the body says; do not follow this redirect (curl without -L, http.client), or ask "
        "for the right place at once.",
        connections=(connection for connection, *_ in lost),
        exchanges=(exchange.id for _, exchange, _ in lost),
    )
    finding.advice_server = "Send Location with a redirect, or a status that is none (RFC 9110 section 15.4)."
    return [finding]


def _nothing_there(whole: Sequence[_Whole], events: ProgramEvents) -> list[Finding]:
    """The last response is a 404 to the GET that followed the redirect of another method."""
    connection, exchange, request, response = whole[-1]
    if response.status not in _NOTHING_THERE or request.method not in _SAFE or len(whole) < 2:
        return []
    before_connection, _, asked, hop = whole[-2]
    gap = request.time_ns - hop.last_ns
    location = value(hop, "location")
    if (
        hop.status not in _AS_A_FORM
        or asked.method in _SAFE
        or not location
        or not 0 <= gap <= CHAIN_NS
        or not _leads_to(location, request.target)
        or _leads_to(asked.target.rstrip("/"), request.target.rstrip("/"))
    ):
        return []
    finding = finding_of_the_program(
        "redirect-changed-request",
        f"A {asked.method} was answered with a redirect (status {hop.status}) to another place, the client "
        f"went on with a {request.method}, and there is nothing there (status {response.status}). That "
        f"status is the answer to the {request.method}, not to the {asked.method}: the server had taken "
        "that, or sends away who asks for it, as a login does.",
        [
            Evidence(asked.packet, f"the {asked.method} as the program asked"),
            Evidence(hop.packet, f"a redirect, status {hop.status}"),
            Evidence(request.packet, f"the {request.method} that followed"),
            Evidence(response.packet, f"the response, status {response.status}"),
        ],
        [],
        events,
        fault="server" if before_connection.server == connection.server else "unknown",
        told=f"It ended with status {events.exit_status}.",
        runner_up="a wrong URL in the program: refuted, the redirect named this place",
        advice="Do not send the request a second time for this 404: look at the redirect's own response, and "
        "at what Location names (a prefix that a proxy takes away, a login page).",
        connections=(before_connection, connection),
        exchanges=(exchange.id,),
    )
    finding.retry_safe = False
    finding.advice_server = (
        "Let Location name a place that is there: with a reverse proxy, tell the application its prefix "
        "(X-Forwarded-Prefix, SCRIPT_NAME, root_path) or let the proxy rewrite it (ProxyPassReverse, "
        "proxy_redirect)."
    )
    return [finding]


def _leads_to(location: str, target: str) -> bool:
    """Whether the path of a Location is that of a request's target."""
    path = location.partition("://")[2].partition("/")[2] if "://" in location else location.lstrip("/")
    return path.partition("#")[0] == target.lstrip("/")
