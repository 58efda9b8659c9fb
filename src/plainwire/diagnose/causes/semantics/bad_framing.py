"""Rule bad-framing: a response breaks the rules of HTTP/1."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from plainwire.diagnose.evidence import ranges
from plainwire.diagnose.evidence.cuts import cut_of
from plainwire.diagnose.evidence.defects import marks_failure
from plainwire.diagnose.evidence.exchanges import place_of
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.traffic.copies import value
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence, Side

from .content_encoding_corrupt import content_encoding_corrupt
from .content_length_mismatch import content_length_mismatch, junk_bytes
from .request_body_unread import unread_body

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.answered import Answered, AnsweredExchanges
    from plainwire.diagnose.verdict import FailedExchange
    from plainwire.model import Connection, Exchange, Response


_SHAPES = (
    ("Transfer-Encoding: chunked more than once", "it says Transfer-Encoding: chunked more than once"),
    ("bad chunk size", "the size of a chunk is no number"),
    ("both Transfer-Encoding and Content-Length", "it has both Transfer-Encoding and Content-Length"),
    ("Content-Length fields that differ", "it has Content-Length fields that differ"),
    ("Content-Length is no number", "its Content-Length is no number"),
    ("obsolete line folding", "a header line is folded"),
    ("header line without a colon", "a header line has no colon"),
    ("field name is no token", "the name of a header field is no token"),
    ("CR or NUL in the value", "the value of a header field has a CR or NUL in it"),
    ("status line without a status", "its status line has no status"),
    ("status line with the status 000", "its status is 000, which is none"),
    ("status line with a version that is none", "the version in its status line is none of HTTP/1's"),
    ("more than one space before", "its status line has too many spaces"),
)
"""How a defect of a message begins (its rest may quote the wire), and what it is called here."""

_GRAVE = (
    "both Transfer-Encoding and Content-Length",
    "Content-Length fields that differ",
    "Transfer-Encoding: chunked more than once",
    "Content-Length is no number",
)
"""Those that make two readers of one complete response see two different messages."""


_REFUSED = (
    "header line without a colon",
    "field name is no token",
    "CR or NUL in the value",
    "status line with a version that is none",
)
"""Those that strict clients refuse (Go, Node, hyper), and others read over."""

_NO_AUTHORITY = re.compile(r"[\x00-\x20<>\"{}|\\^`\x7f]")
"""Characters that no host may have (RFC 3986 section 3.2.2; bytes above them are names in UTF-8)."""

_WEB = re.compile(r"(?i)https?:")

_HANGS_UP_NS = 100_000_000
"""A client that hangs up because of what it reads does so at once, not after an idle time."""


def bad_framing(failed: FailedExchange) -> Verdict | None:
    """A verdict where a response that breaks the rules is why the exchange has no end."""
    response = failed.exchange.response
    if response is None or not response.defects:
        return None
    if marks_failure(response) and cut_of(failed.connection, failed.exchange) is not None:
        return None  # for the rules about responses that were cut
    place = place_of(failed.connection, failed.exchange)
    mismatch = unread_body(failed.connection, place) or content_length_mismatch(failed.connection, place)
    if mismatch is not None:
        return mismatch
    says = next((says for begin, says in _SHAPES if any(d.startswith(begin) for d in response.defects)), None)
    if says is None and not junk_bytes(response):
        return None
    return _framing(
        failed.connection, failed.exchange, response, says or "it does not begin with a status line"
    )


def _framing(
    connection: Connection, exchange: Exchange, response: Response, says: str, *, failure: bool | None = None
) -> Verdict:
    request = exchange.request
    return Verdict(
        code="bad-framing",
        connection=connection,
        exchanges=(exchange.id,),
        fault="server",
        grounds=(Ground.SAID,),
        facts=f"The response (status {response.status}) breaks the rules of HTTP: {says}. Clients read it in "
        "different ways, or not at all.",
        evidence=(
            *((Evidence(request.packet, "the request"),) if request is not None else ()),
            Evidence(response.packet, f"the response begins: {says}" if response.status else says),
            *(
                (Evidence(response.last_packet, "the last that was seen of it"),)
                if response.last_packet != response.packet
                else ()
            ),
        ),
        runner_up="client-abort: the client hung up because it could not read this response",
        retry_safe=None,
        time_ns=response.time_ns,
        failure=failure,
    )


def misread_responses(exchanges: AnsweredExchanges) -> list[Verdict]:
    """Complete responses that contradict themselves."""
    found: list[Verdict] = []
    for case in exchanges.broken:
        place = place_of(case.connection, case.exchange)
        for verdict in (
            unread_body(case.connection, place),
            content_length_mismatch(case.connection, place),
            _two_messages(case),
            content_encoding_corrupt(case),
        ):
            if verdict is not None:
                found.append(verdict)
                break
    found += [verdict for case in exchanges.redirects if (verdict := _no_place(case)) is not None]
    found += [verdict for case in exchanges.parts if (verdict := _another_part(case)) is not None]
    for connection, place in exchanges.unasked:
        verdict = unread_body(connection, place) or content_length_mismatch(connection, place)
        if verdict is not None:
            found.append(verdict)
    return found


def _two_messages(case: Answered) -> Verdict | None:
    left = None if _left_at_once(case) else False
    if not case.response.status:
        says = "its status line has no status"
        alone = None if _left_alone(case) else False
        return _framing(case.connection, case.exchange, case.response, says, failure=alone)
    shapes = _GRAVE if left is False and not _left_alone(case) else (*_GRAVE, *_REFUSED)
    grave = next((g for g in shapes if any(d.startswith(g) for d in case.response.defects)), None)
    if grave is None:
        return None
    says = next(says for begin, says in _SHAPES if begin == grave)
    return _framing(case.connection, case.exchange, case.response, says, failure=left)


def _no_place(case: Answered) -> Verdict | None:
    """A verdict where a redirect leads to what is no URL (RFC 9110 section 10.2.2)."""
    location = value(case.response, "location")
    if location is None or _is_reference(location):
        return None
    says = "its Location is no URL, so that no client can follow the redirect"
    return _framing(case.connection, case.exchange, case.response, says, failure=False)


def _is_reference(location: str) -> bool:
    """Whether at least its authority can be one (RFC 3986 section 3.2); paths are read leniently."""
    try:
        parts = urlsplit(location)
        _ = parts.port
    except ValueError:
        return False
    return _NO_AUTHORITY.search(parts.netloc) is None and (not _WEB.match(location) or bool(parts.hostname))


def _another_part(case: Answered) -> Verdict | None:
    """A verdict where a part (206) is not the one that was asked for, by its own word."""
    asked, given = ranges.first_asked(case.request), ranges.first_given(case.response)
    if asked is None or given is None or given == asked:
        return None
    return Verdict(
        code="bad-framing",
        connection=case.connection,
        exchanges=(case.exchange.id,),
        fault="server",
        grounds=(Ground.SAID,),
        facts=f"The request asks for the bytes from {asked} on (Range), and the response (206) has "
        f"those from {given} on (Content-Range). A client that puts them behind what it has, without a "
        "look at that field, gets a file that is wrong.",
        evidence=(
            Evidence(case.request.packet, f"the request, for the bytes from {asked} on"),
            Evidence(case.response.packet, f"the response, with the bytes from {given} on"),
        ),
        runner_up="content-length-mismatch: refuted, the part has the length that it says",
        retry_safe=True,
        time_ns=case.request.time_ns,
        failure=False,
        advice_client="Compare Content-Range with what was asked for, and begin anew where it differs "
        "(RFC 9110 section 14.4). Check downloads by their size or a checksum.",
        advice_server="Send the part that was asked for, or all with status 200 (RFC 9110 section 14.2).",
    )


def _left_at_once(case: Answered) -> bool:
    """Whether the client ended the connection right behind the response, which was not to be the last."""
    return _left_alone(case) and len(case.connection.exchanges) > 1


def _left_alone(case: Answered) -> bool:
    """Whether the client ended the connection right behind the response, perhaps its only one.

    Who went on behind a response with the same defects before does not leave for them.
    """
    close = case.connection.closes[0] if case.connection.closes else None
    *others, last = case.connection.exchanges
    return (
        close is not None
        and close.side == Side.CLIENT
        and 0 <= close.time_ns - case.response.last_ns <= _HANGS_UP_NS
        and not (case.response.close_announced or case.request.close_announced)
        and last is case.exchange
        and all(o.response is None or o.response.defects != case.response.defects for o in others)
    )
