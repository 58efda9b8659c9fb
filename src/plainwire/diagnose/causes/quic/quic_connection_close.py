"""Rules quic-connection-close and quic-stateless-reset: the server ended the QUIC connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose.evidence.stream_errors import OWN_FAILURES
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import stage, stream_verdict
from plainwire.model import Evidence, Side

if TYPE_CHECKING:
    from plainwire.diagnose.verdict import FailedExchange, Verdict


def quic_connection_close(failed: FailedExchange) -> Verdict | None:
    """RFC 9000 section 10: the server's CONNECTION_CLOSE or stateless reset."""
    close = failed.first_close
    if (
        close is None
        or close.side != Side.SERVER
        or close.kind not in ("connection_close", "stateless_reset")
    ):
        return None
    if close.kind == "stateless_reset":
        return stream_verdict(
            failed,
            "quic-stateless-reset",
            "server",
            (Ground.SEALED,),
            f"The server's stateless reset came {stage(failed, close.time_ns)}: it no longer knew the "
            "connection.",
            Evidence(close.packet, "a stateless reset, with the token that the server had given"),
            retry_safe=failed.idempotent,
        )
    event = next(
        (e for e in failed.connection.events if e.packet == close.packet and e.kind == close.kind), None
    )
    name = "" if event is None else event.name
    own = name in OWN_FAILURES or not name
    return stream_verdict(
        failed,
        "quic-connection-close",
        "server" if own else "unknown",
        (Ground.SEALED,),
        f"The server closed the QUIC connection{f' with {name}' if name else ''}, "
        f"{stage(failed, close.time_ns)}.{'' if own else ' The code accuses the client.'}",
        Evidence(close.packet, f"CONNECTION_CLOSE{f' ({name})' if name else ''} from the server"),
        retry_safe=failed.idempotent,
    )
