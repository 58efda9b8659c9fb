"""Rules bad-framing, content-length-mismatch, content-encoding-corrupt: the message contradicts itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.model import Evidence

from .verdict import Verdict

if TYPE_CHECKING:
    from plainwire.model import Connection, Exchange, Response

    from .survey import Case, Survey
    from .verdict import Scene

_SHAPES = (
    ("bad chunk size", "the size of a chunk is no number"),
    ("both Transfer-Encoding and Content-Length", "it has both Transfer-Encoding and Content-Length"),
    ("Content-Length fields that differ", "it has Content-Length fields that differ"),
    ("Content-Length is no number", "its Content-Length is no number"),
    ("obsolete line folding", "a header line is folded"),
    ("header line without a colon", "a header line has no colon"),
    ("field name is no token", "the name of a header field is no token"),
    ("CR or NUL in the value", "the value of a header field has a CR or NUL in it"),
    ("status line without a status", "its status line has no status"),
    ("more than one space before", "its status line has too many spaces"),
)
"""How a defect of a message begins (its rest may quote the wire), and what it is called here."""

_GRAVE = ("both Transfer-Encoding and Content-Length", "Content-Length fields that differ")
"""Those that make two readers of one complete response see two different messages."""

_JUNK_BEFORE = " bytes before the status line belong to no message"
_JUNK = " bytes that are no response"
_CORRUPT, _CUT = "corrupt ", "content ends before its end"


def broken_framing(scene: Scene) -> Verdict | None:
    """A verdict where a response that breaks the rules is why the exchange has no end."""
    response = scene.exchange.response
    if response is None or not response.defects:
        return None
    place = scene.connection.exchanges.index(_whole(scene))
    mismatch = excess(scene.connection, place)
    if mismatch is not None:
        return mismatch
    says = next((says for begin, says in _SHAPES if any(d.startswith(begin) for d in response.defects)), None)
    if says is None and not _junk(response):
        return None
    return _framing(
        scene.connection, scene.exchange, response, says or "it does not begin with a status line"
    )


def _whole(scene: Scene) -> Exchange:
    return next(e for e in scene.connection.exchanges if e.id == scene.exchange.id)


def _junk(response: Response) -> int:
    """How many bytes stood where a status line should have been."""
    for defect in response.defects:
        count, _, rest = defect.partition(" ")
        if count.isascii() and count.isdigit() and f" {rest}".startswith((_JUNK_BEFORE, _JUNK)):
            return int(count)
    return 0


def _framing(
    connection: Connection, exchange: Exchange, response: Response, says: str, *, failure: bool | None = None
) -> Verdict:
    request = exchange.request
    secure = connection.tls is not None and connection.decrypted
    return Verdict(
        code="bad-framing",
        connection=connection,
        exchanges=(exchange.id,),
        fault="server",
        certainty="proved" if secure else "likely",
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


def excess(connection: Connection, place: int) -> Verdict | None:
    """A verdict on the response before, where this one begins with bytes that belong to none."""
    exchange = connection.exchanges[place]
    response = exchange.response
    if response is None or not place:
        return None
    count, before = _junk(response), connection.exchanges[place - 1]
    if not count or before.request is None or before.response is None or not before.response.complete:
        return None
    harmed = exchange.request is not None
    ids = (before.id, exchange.id) if harmed else (before.id,)
    declared = before.response.declared_size
    rule = f"its {declared} declared bytes" if declared is not None else "its end"
    secure = connection.tls is not None and connection.decrypted
    return Verdict(
        code="content-length-mismatch" if before.response.framing != "chunked" else "bad-framing",
        connection=connection,
        exchanges=ids,
        fault="server",
        certainty="proved" if secure else "likely",
        facts=f"Behind the response of exchange {before.id} (status {before.response.status}, {rule}) "
        f"came {count} "
        "more bytes that belong to no response. A client that uses the connection again takes them for "
        "the next one.",
        evidence=(
            Evidence(before.response.packet, f"the response, status {before.response.status}, {rule}"),
            Evidence(response.packet, f"{count} bytes that belong to no response"),
        ),
        runner_up="response-desync: refuted, the bytes are no response",
        retry_safe=None,
        time_ns=before.response.time_ns,
        failure=harmed and exchange.outcome != "complete",
    )


def of_complete(survey: Survey) -> list[Verdict]:
    """Complete responses that contradict themselves."""
    found: list[Verdict] = []
    for case in survey.broken:
        place = case.connection.exchanges.index(case.exchange)
        for verdict in (excess(case.connection, place), _two_messages(case), corrupt_content(case)):
            if verdict is not None:
                found.append(verdict)
                break
    for connection, place in survey.unasked:
        verdict = excess(connection, place)
        if verdict is not None:
            found.append(verdict)
    return found


def _two_messages(case: Case) -> Verdict | None:
    grave = next((g for g in _GRAVE if any(d.startswith(g) for d in case.response.defects)), None)
    if grave is None:
        return None
    says = next(says for begin, says in _SHAPES if begin == grave)
    return _framing(case.connection, case.exchange, case.response, says, failure=False)


def corrupt_content(case: Case) -> Verdict | None:
    """A verdict where a complete body cannot be decoded as its Content-Encoding says."""
    content = case.response.content
    if content is None or (not content.defect.startswith(_CORRUPT) and not content.defect.endswith(_CUT)):
        return None
    cut = content.defect.endswith(_CUT)
    how = "ends before its end" if cut else f"is corrupt after {content.decoded_size} decoded bytes"
    return Verdict(
        code="content-encoding-corrupt",
        connection=case.connection,
        exchanges=(case.exchange.id,),
        fault="server",
        certainty=case.certainty,
        facts=f"The body is complete by HTTP's framing ({case.response.body_size} bytes), but its "
        f"content coding {how}.",
        evidence=(
            Evidence(
                case.response.packet, f"the response, status {case.response.status}, with a content coding"
            ),
            Evidence(case.response.last_packet, "the end of its body"),
        ),
        runner_up="response-truncated: refuted, the framing is satisfied",
        retry_safe=None,
        time_ns=case.request.time_ns,
    )
