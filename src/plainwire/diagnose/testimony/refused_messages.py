"""The finding ``grpc-bad-messages`` where only the client's words tell that the number of messages is wrong.

Whether a call is unary, no packet says: a response with none or several is good where the method streams. A
client that says that the call failed, though its status is OK and nothing else failed, expected exactly one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire import plurals
from plainwire.diagnose.evidence.captured import is_whole
from plainwire.model import Evidence, Side

from .program_finding import finding_of_the_program, of_processes
from .wording import Wire

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from plainwire.model import Connection, Exchange, Finding, Grpc, ProgramEvents

    from .sayings import Said

CODE = "grpc-bad-messages"
_MOST_CITED = 8


def refused_messages(
    connections: Sequence[Connection],
    findings: Sequence[Finding],
    events: ProgramEvents,
    heard: Sequence[Said],
) -> list[Finding]:
    """One finding for the calls with status OK, and none or several messages, that are said to have failed.

    Pure.
    """
    said = [each for each in heard if Wire.CALL_STATUS in each.wire and Wire.REFUSED not in each.wire]
    own = list(of_processes(connections, {each.pid for each in said}))
    failed = {number for finding in findings if finding.failure for number in finding.connections}
    odd = [] if failed.intersection(c.id for c in own) else list(_odd(own))
    if not odd:
        return []
    _, _, grpc = odd[0]
    count = plurals.count(grpc.messages[Side.SERVER], "message")
    finding = finding_of_the_program(
        CODE,
        f"The call ended with status OK, and its response has {count} "
        f"({plurals.count(len(odd), 'call')} of this kind). The program says that it failed, and nothing "
        "else on the wire did: a unary call takes exactly one.",
        [Evidence(g.status_packet, "grpc-status 0") for _, _, g in odd[:_MOST_CITED]],
        said,
        events,
        fault="unknown",
        runner_up="a method that streams: refuted, its client would take any number",
        connections=(connection for connection, _, _ in odd),
        exchanges=(exchange.id for _, exchange, _ in odd),
    )
    return [finding]


def _odd(connections: Sequence[Connection]) -> Iterator[tuple[Connection, Exchange, Grpc]]:
    for connection in connections:
        if not is_whole(connection):
            continue
        for exchange in connection.exchanges:
            grpc = exchange.grpc
            whole = grpc is not None and exchange.outcome == "complete" and grpc.kind == "grpc"
            if grpc is not None and whole and grpc.status == 0 and grpc.messages[Side.SERVER] != 1:
                yield connection, exchange, grpc
