"""Rule bad-framing, by a server that does not read a request's body: it takes it for the next request.

A server of HTTP/1.0, or a handler that answers without reading, leaves the body in the stream. What it then
makes of the body is an error page, often without a status line (as to HTTP/0.9), behind the response.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from plainwire import plurals
from plainwire.diagnose.evidence.captured import is_whole
from plainwire.diagnose.evidence.defects import own_defects
from plainwire.diagnose.evidence.exchanges import finished_ns, place_of
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence

from .content_length_mismatch import junk_bytes

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.answered import AnsweredExchanges
    from plainwire.diagnose.verdict import FailedExchange
    from plainwire.model import Connection, Request, Response

_NOT_UNDERSTOOD = frozenset((400, 405, 501, 505))
"""Statuses for what a server cannot read as a request (RFC 9110 section 15)."""

_SOON_NS = 1_000_000_000
"""A server answers what it takes for a request at once (chosen); what comes later has another reason."""

_MOST_CITED = 8

_READ_IT = (
    "Read the body to its end (Transfer-Encoding included), or close the connection behind the response and "
    "say so (Connection: close). Python's http.server does not decode chunked bodies."
)

_PAGE = ("<!doctype", "<html")


def unread_body(connection: Connection, place: int) -> Verdict | None:
    """A verdict where the bytes at ``place`` are a page in answer to the body of the request before."""
    exchange = connection.exchanges[place]
    before = connection.exchanges[place - 1] if place else None
    if before is None or exchange.response is None or before.request is None or before.response is None:
        return None
    if not _is_page(exchange.response) or not _has_body(before.request):
        return None
    harmed = (exchange.id,) if exchange.request is not None and exchange.outcome != "complete" else ()
    ids = (before.id, *harmed)
    return _verdict(connection, ids, before.request, before.response, exchange.response)


def body_taken_for_a_request(failed: FailedExchange) -> Verdict | None:
    """A verdict on an answered request that was still being sent when the page in answer to its body came."""
    place = place_of(failed.connection, failed.exchange)
    if place + 1 >= len(failed.connection.exchanges):
        return None
    return unread_body(failed.connection, place + 1)


def answers_to_bodies(exchanges: AnsweredExchanges) -> list[Verdict]:
    """Responses that no request had asked for, each an error, behind a request with a body."""
    connections = {connection.id: connection for connection, _ in exchanges.unasked}
    verdicts = (_answered_bodies(connection) for connection in connections.values())
    return [verdict for verdict in verdicts if verdict is not None]


def _answered_bodies(connection: Connection) -> Verdict | None:
    asked = [e for e in connection.exchanges if e.request is not None]
    bodies = [e for e in asked if e.request and e.response and _has_body(e.request)]
    extra = [e.response for e in connection.exchanges if e.request is None and e.response is not None]
    refused = [response for response in extra if response.status in _NOT_UNDERSTOOD]
    if not bodies or not refused or not is_whole(connection):
        return None
    first = bodies[0]
    request, response = first.request, first.response
    if request is None or response is None or any(own_defects(e.request) for e in asked if e.request):
        return None
    if refused[0].time_ns < response.time_ns or refused[0].time_ns - finished_ns(asked[-1]) > _SOON_NS:
        return None  # what load balancers write on an idle connection
    return Verdict(
        code="response-desync",
        connection=connection,
        exchanges=tuple(e.id for e in asked[asked.index(first) :]),
        fault="server",
        grounds=(Ground.INFERENCE,),
        facts=f"The server answered exchange {first.id}, a request with {_body_words(request)}, and sent "
        f"{plurals.count(len(extra), 'response')} more than it had requests, with status "
        f"{refused[0].status}: it had not read the body, took it for another request and answered that. From "
        "there on each answer may be that to the request before.",
        evidence=(
            Evidence(request.packet, "the request"),
            Evidence(request.last_packet, "the end of its body"),
            Evidence(response.packet, f"the response, status {response.status}"),
            *(
                Evidence(each.packet, f"a response to no request, status {each.status}")
                for each in extra[:_MOST_CITED]
            ),
        ),
        runner_up="client-bug-request: refuted, no request of this connection has a defect",
        retry_safe=False,
        time_ns=request.time_ns,
        advice_server=_READ_IT,
    )


def after_unread_body(failed: FailedExchange) -> Verdict | None:
    """A verdict on a request that failed on a connection on which a body had been left unread before."""
    place = place_of(failed.connection, failed.exchange)
    for earlier in range(place - 1, 0, -1):
        verdict = unread_body(failed.connection, earlier)
        if verdict is not None:
            return replace(
                verdict,
                exchanges=(failed.exchange.id,),
                facts=f"{verdict.facts} Then the connection ended, and this request with it.",
                evidence=(*verdict.evidence, Evidence(failed.request.packet, "the request that came after")),
                retry_safe=failed.idempotent,
                time_ns=failed.request.time_ns,
            )
    return None


def _has_body(request: Request) -> bool:
    return request.framing == "chunked" or request.body_size > 0


def _body_words(request: Request) -> str:
    if request.framing == "chunked":
        return "a chunked body"
    return f"a body of {plurals.count(request.body_size, 'byte')}"


def _is_page(response: Response) -> bool:
    """Whether bytes that are no response look like a page, to judge by how they begin."""
    return junk_bytes(response) > 0 and any(
        mark in defect.lower() for mark in _PAGE for defect in response.defects
    )


def _verdict(
    connection: Connection, ids: tuple[int, ...], request: Request, response: Response, page: Response
) -> Verdict:
    coding = _body_words(request)
    return Verdict(
        code="bad-framing",
        connection=connection,
        exchanges=ids,
        fault="server",
        grounds=(Ground.INFERENCE,),
        facts=f"The server answered a request with {coding} (status {response.status}, {response.version}) "
        "and did not read the body of the request: it took that for another request and sent "
        f"{plurals.count(junk_bytes(page), 'byte of a page')} without a status line, as a response in "
        "HTTP/0.9.",
        evidence=(
            Evidence(request.packet, "the request"),
            Evidence(request.last_packet, "the end of its body"),
            Evidence(response.packet, f"the response, status {response.status}"),
            Evidence(
                page.packet, f"{plurals.count(junk_bytes(page), 'byte of a page')} without a status line"
            ),
        ),
        runner_up="a Content-Length that is too small: refuted, what follows is a response of its own",
        retry_safe=False,
        time_ns=request.time_ns,
        advice_client="Send the body with a Content-Length, not Transfer-Encoding: chunked, to a server "
        "that speaks HTTP/1.0 or does not know chunked.",
        advice_server=_READ_IT,
    )
