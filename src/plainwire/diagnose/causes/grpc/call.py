"""What rules about gRPC calls have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainwire.diagnose.traffic.answered import Answered, AnsweredExchanges
    from plainwire.model import Fault, Grpc, Quoted, Side


class Call(Struct, frozen=True):
    """An answered gRPC call."""

    case: Answered
    grpc: Grpc


def calls(exchanges: AnsweredExchanges) -> Iterator[Call]:
    """The answered calls that did not end with status OK."""
    for case in exchanges.calls:
        if case.exchange.grpc is not None:
            yield Call(case, case.exchange.grpc)


def call_verdict(
    call: Call,
    code: str,
    fault: Fault,
    facts: str,
    *evidence: Evidence,
    runner_up: str,
    quotes: tuple[Quoted, ...] = (),
    retry_safe: bool | None = None,
    sender: Side | None = None,
) -> Verdict:
    """A verdict on one call, which cites its request first."""
    case = call.case
    return Verdict(
        code=code,
        connection=case.connection,
        exchanges=(case.exchange.id,),
        fault=fault,
        grounds=(Ground.SAID,),
        facts=facts,
        evidence=(Evidence(case.request.packet, "the call's request"), *evidence),
        runner_up=runner_up,
        retry_safe=retry_safe,
        sender=sender,
        time_ns=case.request.time_ns,
        quotes=quotes,
    )
