"""Signs of TLS and of tunnels, at every depth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.evidence.captured import is_whole
from plainwire.diagnose.evidence.opening import handshake_session
from plainwire.model import Side
from plainwire.model.connection import UNANSWERED

from .kinds import sign

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainwire.model import CloseEvent, Connection, Exchange, Sign

    from .background import Background

_NO_TROUBLE = ("close_notify", "user_canceled", "no_renegotiation")
"""RFC 8446 section 6.1, RFC 5246 section 7.2.2: alerts that end nothing by themselves."""
_HANDSHAKE_GOES_ON_NS = 3_000_000_000
"""So long after its last packet a handshake may still go on: a lost one is sent again by then (RFC 6298)."""


def signs(connection: Connection, background: Background) -> Iterator[Sign]:
    """Signs of one connection's handshakes."""
    for close in connection.closes:
        if close.kind == "alert" and not any(name in close.detail for name in _NO_TROUBLE):
            kind = "tls-alert-by-client" if close.side is Side.CLIENT else "tls-alert-by-server"
            who = "client" if close.side is Side.CLIENT else "server"
            says = f"the {who} sent a {wording.act(close)}"
            reason = _belated(connection, close) or _of_spare(connection, close, background)
            yield sign(kind, connection.id, close.packet, harmless=reason, says=says)
    for tunnel in connection.tunnels:
        if tunnel.refused and not connection.mid_stream:
            reason = _under_way(connection, background) if tunnel.refused == UNANSWERED else ""
            if tunnel.refused != UNANSWERED or is_whole(connection):
                yield sign("tunnel-refused", connection.id, tunnel.packet, harmless=reason)
    if connection.mid_stream or connection.gaps or connection.undecrypted or connection.snapped:
        return
    for tls in (connection.tls, *connection.inner_tls):
        if tls is not None and not tls.handshake_complete and connection.established:
            yield _unfinished(connection, background)
            return
    yield from _wordless(connection, background)


def _belated(connection: Connection, alert: CloseEvent) -> str:
    """Why an alert changed nothing: everything was over when it came."""
    over = any(c.side is alert.side.peer and c.time_ns <= alert.time_ns for c in connection.closes)
    done = connection.tls is not None and connection.tls.handshake_complete
    whole = done and all(e.outcome == "complete" for e in connection.exchanges)
    return "the other side had closed the connection already" if over and whole else ""


def _of_spare(connection: Connection, alert: CloseEvent, background: Background) -> str:
    """OpenSSL says decode_error where a client leaves in the handshake."""
    left = background.is_spare(connection) and connection.closes[0].time_ns <= alert.time_ns
    return "the client had left its spare connection already" if left and alert.side is Side.SERVER else ""


def _under_way(connection: Connection, background: Background) -> str:
    late = not connection.closes and background.ended_ns - connection.last_ns < _HANDSHAKE_GOES_ON_NS
    return "the handshake was under way when the capture ended" if late else ""


def _unfinished(connection: Connection, background: Background) -> Sign:
    reason = _under_way(connection, background)
    if not reason and background.is_spare(connection):
        reason = "a spare connection: requests to the same address went over others"
    packets = [connection.first_packet, *(close.packet for close in connection.closes[:2])]
    return sign("tls-handshake-not-completed", connection.id, *packets, harmless=reason)


def _wordless(connection: Connection, background: Background) -> Iterator[Sign]:
    """Connections that the client left after the handshake, with nothing asked."""
    tls = handshake_session(connection)
    if tls is None or any(tls.talked) or connection.closed_by is not Side.CLIENT:
        return
    if connection.closes[0].kind == "alert" or any(not _is_connect(e) for e in connection.exchanges):
        return
    reason = ""
    if connection.server in background.served:
        reason = "a spare connection: requests to the same address went over others"
    yield sign("no-request-after-handshake", connection.id, connection.closes[0].packet, harmless=reason)


def _is_connect(exchange: Exchange) -> bool:
    return exchange.request is not None and exchange.request.method == "CONNECT"
