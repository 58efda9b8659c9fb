"""Rule response-desync, by the client: it takes each response for that of the request before it.

A client that does not pipeline sends its next request when it has what it takes for the response. Where that
was an interim response (103, 102), or nothing at all (a time limit of its own), the real response comes when
the next request is out, and is taken for the next one's: from then on all are shifted by one.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.evidence.acknowledgments import acknowledges
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.thresholds import PATIENCE_NS
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.answered import AnsweredExchanges
    from plainwire.model import Connection, Response

_GOES_ON_NS = 250_000_000
"""A client that pipelines does not wait so long before it sends the next request (chosen); one that has given
up on a response and goes on has a time limit of its own, which is rarely shorter."""


def answers_shifted(exchanges: AnsweredExchanges) -> list[Verdict]:
    """Connections on which a request left between an interim response, or a long wait, and the response."""
    found: dict[int, Verdict] = {}
    places: dict[int, list[int]] = defaultdict(list)
    for connection, index in exchanges.overtaking:
        places[connection.id].append(index)
    for connection, index in exchanges.overtaking:
        if connection.id not in found:
            in_turn = _in_turn(connection, places[connection.id])
            verdict = _shifted(connection, index, in_turn=in_turn)
            if verdict is not None:
                found[connection.id] = verdict
    return list(found.values())


def _in_turn(connection: Connection, places: list[int]) -> bool:
    """Whether the client sends one request at a time, but for one response that it does not wait for.

    It began so, and from there on each request left behind the response to the one before the last.
    """
    return places[0] > 1 and all(_behind_an_earlier_response(connection, place) for place in places[1:])


def _behind_an_earlier_response(connection: Connection, place: int) -> bool:
    request, response = connection.exchanges[place].request, connection.exchanges[place - 2].response
    return request is not None and response is not None and request.time_ns >= response.time_ns


def _shifted(connection: Connection, index: int, *, in_turn: bool) -> Verdict | None:
    """``index``: of the exchange whose request left before the response to the one before had begun.

    ``in_turn``: its client does not pipeline.
    """
    before, after = connection.exchanges[index - 1], connection.exchanges[index]
    if before.request is None or before.response is None or after.request is None:
        return None
    if acknowledges(connection, after.request.packet, before.response.start):
        return None  # packets that changed places in the capture
    left_ns = after.request.time_ns
    interim = next((r for r in reversed(before.interim) if r.time_ns <= left_ns), None)
    waited = left_ns - before.request.last_ns
    patience = _GOES_ON_NS if in_turn else PATIENCE_NS
    if interim is None and waited < patience:
        return None  # pipelining, which asks for nothing first
    ids = tuple(e.id for e in connection.exchanges[index - 1 :] if e.request is not None)
    return Verdict(
        code="response-desync",
        connection=connection,
        exchanges=ids,
        fault="client",
        grounds=(Ground.SAID,) if interim is not None else (Ground.SAID, Ground.INFERENCE),
        facts=f"{_why(interim, waited)} The response to exchange {before.id} came only then: whoever sends "
        f"one request at a time takes it for that of exchange {after.id}, and from there on each response "
        "for that of a request before it.",
        evidence=(
            Evidence(before.request.packet, f"the request of exchange {before.id}"),
            *(
                ()
                if interim is None
                else (Evidence(interim.packet, f"an interim response, {interim.status}"),)
            ),
            Evidence(after.request.packet, f"the request of exchange {after.id}, sent already"),
            Evidence(before.response.packet, f"the response to exchange {before.id} begins"),
        ),
        runner_up="pipelining: the client sends one request at a time elsewhere on this connection",
        retry_safe=False,
        time_ns=before.request.time_ns,
        advice_client="Wait for the final response: one of 1xx is followed by it (RFC 9110 section 15.2). "
        "Update the HTTP library; do not use a connection again on which a response is still due.",
        advice_server="Nothing to fix on the server. Interim responses can be switched off for such clients.",
    )


def _why(interim: Response | None, waited: int) -> str:
    if interim is not None:
        return (
            f"The client sent its next request behind an interim response ({interim.status}), which it seems "
            "to have taken for the final one."
        )
    return (
        f"The client sent its next request {wording.span(waited)} after the one before, on the same "
        "connection, without having had a byte of the response."
    )
