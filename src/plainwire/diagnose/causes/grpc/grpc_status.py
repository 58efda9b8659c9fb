"""Rules grpc-status-...: a call ended with that status."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire import plurals
from plainwire.diagnose import wording
from plainwire.diagnose.verdict import quoted
from plainwire.model import Evidence, Side

from .call import call_verdict, calls
from .statuses import GRPC_STATUS

if TYPE_CHECKING:
    from collections.abc import Callable

    from plainwire.diagnose.traffic.answered import AnsweredExchanges
    from plainwire.diagnose.verdict import Verdict
    from plainwire.model import Fault, Quoted, StreamEvent

    from .call import Call

_DEADLINE, _EXHAUSTED, _UNAVAILABLE = "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "UNAVAILABLE"
_DUE = 0.95
"""The server's clock for a deadline starts when the request arrives, and some libraries round it down."""

_FEWEST_DIGITS = 3
"""Numbers of fewer digits in a message may be anything."""
_NUMBER = re.compile(r"(?<![\w.])\d{1,15}(?![\w.])")


class _Explained(Struct, frozen=True):
    """What other packets say of a status: in words, with evidence, and whose fault that makes it."""

    says: str = ""
    fault: Fault | None = None
    evidence: tuple[Evidence, ...] = ()
    quotes: tuple[Quoted, ...] = ()


def grpc_status(exchanges: AnsweredExchanges) -> list[Verdict]:
    """Calls that ended with a status other than OK."""
    return [_status(call) for call in calls(exchanges) if call.grpc.status is not None]


def _status(call: Call) -> Verdict:
    grpc, name = call.grpc, call.grpc.status_name
    explained = _EXPLAIN.get(name, _unexplained)(call)
    said = GRPC_STATUS.said(name, Side.SERVER)
    fault: Fault = explained.fault or (said.fault if said is not None else "unknown")
    took = wording.span(grpc.status_ns - call.case.request.time_ns)
    return call_verdict(
        call,
        GRPC_STATUS.code(name),
        fault,
        f"The call ended with grpc-status {grpc.status} ({name}), {took} after its request began. By it the "
        f"server says that {said.means if said is not None else 'it failed'}.{explained.says}",
        *explained.evidence,
        Evidence(grpc.status_packet, f"grpc-status {grpc.status} from the server"),
        runner_up="a failure of HTTP: refuted, its exchange is complete "
        f"(status {call.case.response.status}); gRPC's own status says that the call failed",
        quotes=(*quoted(grpc.status_packet, "grpc-message", grpc.message), *explained.quotes),
        sender=Side.SERVER,
    )


def _unexplained(call: Call) -> _Explained:
    del call
    return _Explained()


def _deadline(call: Call) -> _Explained:
    """The client's own deadline, or one of the server's side."""
    grpc = call.grpc
    elapsed = grpc.status_ns - call.case.request.time_ns
    if grpc.timeout_ns is None:
        return _Explained(
            " The client had set no deadline (grpc-timeout): it is one of the server's.", "server"
        )
    limit = wording.span(grpc.timeout_ns)
    if elapsed >= grpc.timeout_ns * _DUE:
        return _Explained(
            f" That is the client's own deadline: its request had set {limit} (grpc-timeout). By then the "
            f"server had sent {plurals.some(grpc.messages[Side.SERVER], 'message')}; it needed longer.",
            "unknown",
        )
    return _Explained(
        f" The client's own deadline was {limit} (grpc-timeout) and not over: another one, behind the "
        "server, was.",
        "server",
    )


def _exhausted(call: Call) -> _Explained:
    """The size of a message, where the server's words name one that was seen."""
    grpc = call.grpc
    named = {int(text) for text in _NUMBER.findall(grpc.message) if len(text) >= _FEWEST_DIGITS}
    for side, who in ((Side.CLIENT, "client"), (Side.SERVER, "server")):
        size = grpc.largest[side]
        if size and size in named:
            limit = max((n for n in named if n < size), default=None)
            above = f", above the limit of {limit} that the server names" if limit else ""
            return _Explained(f" The {who}'s message has {plurals.count(size, 'byte')}{above}.", "both")
    return _Explained()


_ENVOY_TIMEOUT = "upstream request timeout"
_ENVOY_UNREACHED = "upstream connect error or disconnect/reset before headers"
"""What Envoy says of what is behind it, in grpc-message and in bodies of 503 and 504."""


def _unavailable(call: Call) -> _Explained:
    """The end of the connection, where a GOAWAY had announced it; or what a proxy says in words of its "
    "own.
    """
    took = wording.span(call.grpc.status_ns - call.case.request.time_ns)
    if call.grpc.message.startswith(_ENVOY_TIMEOUT):
        return _Explained(
            " The message is Envoy's, for a time limit of its own: what is behind it had not answered after "
            f"{took} (a route's timeout, 15 s by default).",
            "server",
        )
    if call.grpc.message.startswith(_ENVOY_UNREACHED):
        return _Explained(
            " The message is Envoy's: it could not connect to what is behind it, or that hung up.", "server"
        )
    goaways = [
        e
        for e in call.case.connection.events
        if e.kind == "goaway" and e.side == Side.SERVER and e.time_ns <= call.grpc.status_ns
    ]
    return _announced(call, goaways[-1]) if goaways else _Explained()


def _announced(call: Call, goaway: StreamEvent) -> _Explained:
    connection, code = call.case.connection, f" ({goaway.name})" if goaway.name else ""
    age = wording.span(goaway.time_ns - connection.opened_ns)
    after = wording.span(max(0, call.grpc.status_ns - goaway.time_ns))
    return _Explained(
        f" The server had announced the end of the connection with GOAWAY{code}, when that was {age} old, "
        f"and ended the call {after} later: a limit of the connection's age, a restart, or the like.",
        "server",
        (Evidence(goaway.packet, f"GOAWAY{code} from the server, {age} after the connection began"),),
        quoted(goaway.packet, "the GOAWAY's debug data", goaway.said),
    )


_EXPLAIN: dict[str, Callable[[Call], _Explained]] = {
    _DEADLINE: _deadline,
    _EXHAUSTED: _exhausted,
    _UNAVAILABLE: _unavailable,
}
