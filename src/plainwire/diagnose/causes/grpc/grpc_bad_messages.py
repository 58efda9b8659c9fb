"""Rule grpc-bad-messages: a call ended with status OK, and its messages are not what that promises."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire import plurals
from plainwire.diagnose.evidence.captured import is_whole
from plainwire.diagnose.traffic.copies import value
from plainwire.model import Evidence, Side

from .call import Call, call_verdict

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.answered import AnsweredExchanges
    from plainwire.diagnose.verdict import Verdict

_PLAIN = frozenset(("", "identity"))
"""Encodings that compress nothing (gRPC over HTTP2, "Message-Encoding")."""


def grpc_bad_messages(exchanges: AnsweredExchanges) -> list[Verdict]:
    """Calls with status OK whose last message is cut, or compressed by nobody knows what."""
    found = []
    for case in exchanges.odd_calls:
        grpc = case.exchange.grpc
        if grpc is None or not is_whole(case.connection):
            continue
        call = Call(case, grpc)
        if grpc.missing:
            found.append(_cut(call))
        elif (value(case.response, "grpc-encoding") or "").strip().lower() in _PLAIN:
            found.append(_compressed(call))
    return found


def _cut(call: Call) -> Verdict:
    grpc = call.grpc
    return call_verdict(
        call,
        "grpc-bad-messages",
        "server",
        f"The call ended with status OK, and {plurals.count(grpc.missing, 'byte')} of its last message had "
        f"not come; {plurals.count(grpc.messages[Side.SERVER], 'whole message')} had. Some clients take this "
        "for a response without a message, and report no error.",
        Evidence(grpc.status_packet, "grpc-status 0, inside a message"),
        runner_up="bytes that the capture lacks: refuted, the stream's frames are all there",
    )


def _compressed(call: Call) -> Verdict:
    grpc = call.grpc
    return call_verdict(
        call,
        "grpc-bad-messages",
        "server",
        f"{plurals.count(grpc.compressed, 'message')} of the response say by their flag that they are "
        "compressed, and the response names no grpc-encoding: clients must refuse that with INTERNAL.",
        Evidence(call.case.response.packet, "the response begins, without grpc-encoding"),
        runner_up="an encoding that the client does not know: refuted, none is named",
    )
