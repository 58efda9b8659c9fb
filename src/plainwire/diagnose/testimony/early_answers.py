"""``early-response-reset`` by the program's word: whether it got what came before its request had ended.

A reset may destroy an answer that nobody had read yet, and mostly does not: clients that fail to write on
look for the answer first. With streams a server may reset the rest of what it has answered (RFC 9113 section
8.1 wants NO_ERROR for that); most clients take the answer whatever the code is, the JDK's with NO_ERROR only.
Packets do not tell which it was; the program does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.model import Evidence, Side

from .program_finding import finding_of_the_program, of_processes
from .wording import Wire

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from plainwire.model import Connection, Exchange, Finding, ProgramEvents, Response, Sign, StreamEvent

    from .sayings import Said

CODE = "early-response-reset"
_TAKEN = (
    " The program ended with status 0 and said nothing of a failure: it got the answer all the same, as most "
    "likely."
)
_MOST_CITED = 8


def answers_taken(
    connections: Sequence[Connection],
    findings: Sequence[Finding],
    events: ProgramEvents,
    heard: Sequence[Said],
) -> None:
    """Make no failure of those whose answers were whole, where nothing went wrong for the program."""
    if events.exit_status != 0 or heard:
        return
    whole = {
        e.id
        for c in connections
        if c.program is not None
        for e in c.exchanges
        if e.response is not None and e.response.complete
    }
    for finding in findings:
        if finding.code == CODE and finding.failure and whole.issuperset(finding.exchanges):
            finding.failure = False
            finding.claim += _TAKEN


def answers_lost(
    connections: Sequence[Connection], events: ProgramEvents, heard: Sequence[Said], signs: Sequence[Sign]
) -> list[Finding]:
    """A finding where the server reset streams that it had answered, and the program says that it failed so.

    Its signs are no longer harmless then.
    """
    said = [each for each in heard if Wire.STREAM_RESET in each.wire]
    lost = [
        (connection, exchange, response, reset)
        for connection in of_processes(connections, {each.pid for each in said})
        for exchange, response, reset in _answered_and_reset(connection)
    ]
    if not lost:
        return []
    _, first, response, reset = lost[0]
    more = "" if len(lost) == 1 else f" {len(lost)} requests ended so."
    finding = finding_of_the_program(
        CODE,
        f"The server wrote a complete answer (status {response.status}) to exchange {first.id} while the "
        f"request's body was still coming, and reset the rest of its stream with {reset.name}: a server that "
        "has answered and wants no more says NO_ERROR. The program's library takes the reset for a failure, "
        f"and the answer is lost; most others take it.{more}",
        [
            cited
            for _, _, answer, event in lost[:_MOST_CITED]
            for cited in (
                Evidence(answer.packet, f"the answer, status {answer.status}"),
                Evidence(event.packet, f"RST_STREAM ({event.name}) from the server"),
            )
        ],
        said,
        events,
        fault="server",
        connections=[connection for connection, _, _, _ in lost],
        exchanges=[exchange.id for _, exchange, _, _ in lost],
        runner_up="h2-stream-reset: refuted, the response was complete",
        advice="Look at the packets for the status that the program missed; send less, or ask with "
        "Expect: 100-continue.",
    )
    finding.advice_server = "Reset with NO_ERROR what has been answered, or read the rest of the body."
    finding.retry_safe = None
    for sign in signs:
        if sign.exchange in finding.exchanges and sign.kind == "stream-reset":
            sign.claimed_by = CODE
    return [finding]


def _answered_and_reset(connection: Connection) -> Iterator[tuple[Exchange, Response, StreamEvent]]:
    for exchange in connection.exchanges:
        request, response, reset = exchange.request, exchange.response, exchange.reset
        if request is None or response is None or reset is None or exchange.outcome != "complete":
            continue
        if reset.side == Side.SERVER and reset.name != "NO_ERROR" and not request.complete:
            yield exchange, response, reset
