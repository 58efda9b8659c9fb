"""Rule bad-framing, by a server that does not read a request's body: it takes it for the next request.

A server of HTTP/1.0, or a handler that answers without reading, leaves the body in the stream. What it then
makes of the body is an error page, often without a status line (as to HTTP/0.9), behind the response.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from plainwire import plurals
from plainwire.diagnose.evidence.exchanges import place_of
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence

from .content_length_mismatch import junk_bytes

if TYPE_CHECKING:
    from plainwire.diagnose.verdict import FailedExchange
    from plainwire.model import Connection, Request, Response

_PAGE = ("<!doctype", "<html")


def unread_body(connection: Connection, place: int) -> Verdict | None:
    """A verdict where the bytes at ``place`` are a page in answer to the body of the request before."""
    exchange = connection.exchanges[place]
    before = connection.exchanges[place - 1] if place else None
    if before is None or exchange.response is None or before.request is None or before.response is None:
        return None
    if not _is_page(exchange.response) or not _has_body(before.request):
        return None
    return _verdict(connection, before.id, before.request, before.response, exchange.response)


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


def _is_page(response: Response) -> bool:
    """Whether bytes that are no response look like a page, to judge by how they begin."""
    return junk_bytes(response) > 0 and any(
        mark in defect.lower() for mark in _PAGE for defect in response.defects
    )


def _verdict(
    connection: Connection, number: int, request: Request, response: Response, page: Response
) -> Verdict:
    coding = (
        "a chunked body"
        if request.framing == "chunked"
        else (f"a body of {plurals.count(request.body_size, 'byte')}")
    )
    return Verdict(
        code="bad-framing",
        connection=connection,
        exchanges=(number,),
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
        advice_server="Read the body to its end (Transfer-Encoding included), or close the connection behind "
        "the response and say so (Connection: close). Python's http.server does not decode chunked bodies.",
    )
