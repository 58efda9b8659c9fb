"""Whole responses that a client refused for their header, as its words tell.

``client-own-error``: the header is larger than the client takes. Nobody breaks a rule there (RFC 9110 section
5.4 leaves limits to each side), and the wire shows a whole response: only the client's words tell, and the
response's header shows that they are true. ``bad-framing``: the header breaks the rules in a way that most
clients read over, and this one does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire import plurals
from plainwire.diagnose.evidence.defects import own_defects
from plainwire.diagnose.evidence.exchanges import header_size
from plainwire.diagnose.verdict import quoted_defects
from plainwire.model import Evidence

from .program_finding import finding_of_the_program, of_processes
from .wording import LARGE_HEADER, Wire

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from plainwire.model import Connection, Exchange, Finding, ProgramEvents, Response

    from .sayings import Said

_LARGE_FIELD, _LARGE_HEADER, _MANY_FIELDS = 8_000, 16_000, 100
"""The least that clients refuse: aiohttp 8,190 bytes in a field, Node.js 16 KiB in all, http.client more than
100 fields."""
_MOST_CITED = 8


def refused_heads(
    connections: Sequence[Connection], events: ProgramEvents, heard: Sequence[Said]
) -> list[Finding]:
    """One finding for all responses that a program said to refuse for the size of their header. Pure."""
    said = [each for each in heard if any(wording.label == LARGE_HEADER for wording in each.wordings)]
    speakers = {each.pid for each in said}
    refused = list(_large(connections, speakers))
    if not refused:
        return []
    _, _, response = refused[0]
    fields = plurals.count(len(response.headers), "field")
    finding = finding_of_the_program(
        "client-own-error",
        f"The client refused a whole response (status {response.status}) because its header is larger than "
        f"it takes: {fields}, {plurals.count(header_size(response), 'byte')}, the largest field of "
        f"{plurals.count(_largest(response), 'byte')}. Nothing on the wire failed.",
        [
            Evidence(r.packet, f"the response, with {plurals.count(header_size(r), 'byte')} of header fields")
            for _, _, r in refused[:_MOST_CITED]
        ],
        said,
        events,
        fault="unknown",
        runner_up="bad-framing: refuted, the response keeps the rules of HTTP, which know no such limit",
        advice="Raise the client's limit (Node.js: maxHeaderSize, --max-http-header-size; aiohttp: "
        "max_field_size, max_line_size; http.client: _MAXHEADERS; Go: MaxResponseHeaderBytes), or have the "
        "server send less: cookies and policies that pile up, fields that are added twice.",
        connections=(connection for connection, _, _ in refused),
        exchanges=(exchange.id for _, exchange, _ in refused),
    )
    return [finding]


def refused_defects(
    connections: Sequence[Connection],
    findings: Sequence[Finding],
    events: ProgramEvents,
    heard: Sequence[Said],
) -> list[Finding]:
    """One finding for the responses with defects, told of nowhere else, of programs that complained of such.

    Pure.
    """
    told = {number for finding in findings for number in finding.exchanges}
    # Bytes that no request asked for are told with the response that they came behind.
    said = [each for each in heard if each.wire == {Wire.NONSENSE}]
    speakers = {each.pid for each in said}
    broken = [
        (connection, exchange, exchange.response)
        for connection in of_processes(connections, speakers)
        for exchange in connection.exchanges
        if exchange.response is not None
        and exchange.id not in told
        and own_defects(exchange.response)
        and (exchange.request is not None or not told & {other.id for other in connection.exchanges})
    ]
    if not broken:
        return []
    _, _, response = broken[0]
    finding = finding_of_the_program(
        "bad-framing",
        f"The response (status {response.status}) breaks the rules of HTTP in "
        f"{plurals.count(len(own_defects(response)), 'way')}, and the client refused it for what is no HTTP. "
        "Other clients read over it.",
        [Evidence(r.packet, "the response, with a defect in its header") for _, _, r in broken[:_MOST_CITED]],
        said,
        events,
        fault="server",
        runner_up="a client that is at fault: refuted, the response has the defect",
        connections=(connection for connection, _, _ in broken),
        exchanges=(exchange.id for _, exchange, _ in broken),
    )
    finding.quotes = list(quoted_defects(response))
    return [finding]


def _large(
    connections: Sequence[Connection], speakers: set[int]
) -> Iterator[tuple[Connection, Exchange, Response]]:
    for connection in of_processes(connections, speakers):
        for exchange in connection.exchanges:
            response = exchange.response
            if response is not None and (
                header_size(response) >= _LARGE_HEADER
                or _largest(response) >= _LARGE_FIELD
                or len(response.headers) > _MANY_FIELDS
            ):
                yield connection, exchange, response


def _largest(response: Response) -> int:
    return max((len(name) + len(text) for name, text in response.headers), default=0)
