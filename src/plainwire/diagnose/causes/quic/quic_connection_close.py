"""Rules quic-connection-close and quic-stateless-reset: the server ended the QUIC connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.evidence.stream_errors import OWN_FAILURES
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict, quoted, stage, stream_verdict
from plainwire.model import Evidence, Side

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.diagnose.verdict import FailedExchange
    from plainwire.model import Connection

_NO_ERROR = frozenset(("NO_ERROR", "H3_NO_ERROR", ""))
_OWN_BEFORE = frozenset(("CONNECTION_REFUSED", "APPLICATION_ERROR"))
"""What a server says of itself that takes no more connections, or whose application closed one in the
handshake (RFC 9000 sections 20.1 and 10.2.3)."""


def quic_closed_before_request(connection: Connection, _traffic: Traffic) -> Verdict | None:
    """The server closed it before a request left: RFC 9000 sections 5.2.2 and 10.2.3."""
    close = next(iter(connection.closes), None)
    if connection.quic is None or close is None or close.side != Side.SERVER:
        return None
    event = next((e for e in connection.events if e.packet == close.packet and e.kind == close.kind), None)
    if close.kind != "connection_close" or event is None or event.name in _NO_ERROR:
        return None
    own = event.name in OWN_FAILURES or event.name in _OWN_BEFORE
    return Verdict(
        code="quic-connection-close",
        connection=connection,
        exchanges=(),
        fault="server" if own else "unknown",
        grounds=(Ground.SAID, Ground.INFERENCE),
        facts=f"The server closed the QUIC connection with {event.name}, "
        f"{wording.span(close.time_ns - connection.opened_ns)} after it began, before a request.",
        evidence=(Evidence(close.packet, f"CONNECTION_CLOSE ({event.name}) from the server"),),
        quotes=tuple(quoted(close.packet, "the reason phrase", event.said)),
        runner_up="a server that takes no QUIC there: refuted, it answered",
        advice_client="Nothing was asked yet: try again, or over TCP (HTTP/2). See what the code means.",
        advice_server="See in the log why it closed the connection before a request: a limit on connections, "
        "an application protocol (ALPN) that it does not speak, an error of its own.",
        retry_safe=True,
        time_ns=connection.opened_ns,
    )


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
