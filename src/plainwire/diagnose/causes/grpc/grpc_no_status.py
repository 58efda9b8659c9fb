"""Rule grpc-no-status: the response to a call ended without a gRPC status."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire import plurals
from plainwire.diagnose.evidence.cuts import pause_words
from plainwire.diagnose.traffic.copies import value
from plainwire.model import Evidence

from .call import call_verdict, calls

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.answered import AnsweredExchanges
    from plainwire.diagnose.verdict import Verdict

    from .call import Call

_UNREADABLE = "grpc-web-text"
"""Its trailers are inside base64, and not read."""


def grpc_no_status(exchanges: AnsweredExchanges) -> list[Verdict]:
    """Complete responses to calls that say nothing of how the call went."""
    return [
        _no_status(call)
        for call in calls(exchanges)
        if call.grpc.status is None and call.grpc.kind != _UNREADABLE and not call.case.response.defects
    ]


def _no_status(call: Call) -> Verdict:
    case = call.case
    kind = (value(case.response, "content-type") or "").lower()
    spoken = kind.startswith("application/grpc")
    who = "of gRPC's type" if spoken else "not of gRPC's type: something else than a gRPC server answered"
    return call_verdict(
        call,
        "grpc-no-status",
        "server",
        f"The response is complete (status {case.response.status}, "
        f"{plurals.count(case.response.body_size, 'byte')}) and {who}. Neither its header fields nor its "
        f"trailers have a grpc-status.{pause_words(case.connection, case.response)}",
        Evidence(case.response.packet, f"the response begins, status {case.response.status}"),
        Evidence(case.response.last_packet, "it ends, without grpc-status"),
        runner_up="trailers that the capture lacks: refuted, the stream's frames are all there",
    )
