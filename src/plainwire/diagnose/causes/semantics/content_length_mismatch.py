"""Rule content-length-mismatch: bytes behind a response that belong to none."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from plainwire import plurals
from plainwire.diagnose.evidence.exchanges import BODILESS
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence, Side

if TYPE_CHECKING:
    from plainwire.model import Connection, Request, Response


_JUNK = re.compile(
    r"([0-9]{1,19}) bytes? (?:before the status line belongs? to no message|that (?:is|are) no response)"
)
"""How ``http/http1_messages.py`` says that bytes stood where a status line should have been."""


def junk_bytes(response: Response) -> int:
    """How many bytes stood where a status line should have been."""
    for defect in response.defects:
        match = _JUNK.match(defect)
        if match is not None:
            return int(match[1])
    return 0


def _why_bodiless(request: Request, response: Response) -> str:
    """Why the response can have no body, whatever its fields say (RFC 9112 section 6.3); "" where it can."""
    if request.method == "HEAD":
        return "The response to HEAD has no body, only the fields that GET would get."
    if response.status in BODILESS:
        return f"A response with status {response.status} has no body."
    return ""


def content_length_mismatch(connection: Connection, place: int) -> Verdict | None:
    """A verdict on the response before, where this one begins with bytes that belong to none."""
    exchange = connection.exchanges[place]
    response = exchange.response
    if response is None or not place:
        return None
    count, before = junk_bytes(response), connection.exchanges[place - 1]
    if not count or before.request is None or before.response is None or not before.response.complete:
        return None
    harmed = exchange.request is not None
    ids = (before.id, exchange.id) if harmed else (before.id,)
    none_allowed = _why_bodiless(before.request, before.response)
    declared = before.response.declared_size
    rule = f"its {declared} declared bytes" if declared is not None and not none_allowed else "its end"
    return Verdict(
        code="bad-framing"
        if none_allowed or before.response.framing == "chunked"
        else "content-length-mismatch",
        connection=connection,
        exchanges=ids,
        fault="server",
        grounds=(Ground.SAID,),
        facts=f"{none_allowed} Exchange {before.id} was answered with "
        f"{plurals.count(count, 'byte of a body')} all the same. A client that uses the connection again "
        "takes them for the beginning of the next response."
        if none_allowed
        else f"Behind the response of exchange {before.id} (status {before.response.status}, {rule}) came "
        f"{plurals.count(count, 'more byte')} that {plurals.agreeing(count, 'belongs')} to no response. A "
        "client that uses the connection again takes them for the next one.",
        evidence=(
            Evidence(before.response.packet, f"the response, status {before.response.status}, {rule}"),
            Evidence(response.packet, "the next response, behind them")
            if response.status
            else Evidence(
                response.packet,
                f"{plurals.count(count, 'byte')} that {plurals.agreeing(count, 'belongs')} to no response",
            ),
            *(
                Evidence(close.packet, "the client resets the connection, with these bytes in it")
                for close in connection.closes[:1]
                if close.side == Side.CLIENT and close.kind == "rst" and close.time_ns >= response.time_ns
            ),
        ),
        runner_up="response-desync: refuted, the bytes are no response",
        retry_safe=None,
        time_ns=before.response.time_ns,
        failure=harmed and exchange.outcome != "complete",
    )
