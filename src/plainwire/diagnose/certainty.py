"""What weakens a verdict: holes elsewhere in the capture, a proxy between the two ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from .evidence.acknowledgments import never_arrived
from .verdict import weaker

if TYPE_CHECKING:
    from plainwire.model import Exchange

    from .verdict import FailedExchange, Verdict


_AUTHENTIC = ("close_notify", "alert")

_PROXY_WORDS = (
    " The connection leads through a proxy: what TCP says (acknowledgments, FIN, RST) is the proxy's word; "
    "only what stands inside TLS is the server's."
)


def tempered(failed: FailedExchange, verdict: Verdict) -> Verdict:
    """One grade less certain where a proxy was in between, or the capture has holes elsewhere."""
    verdict = through_proxy(failed, verdict)
    if verdict.code == "capture-artifact" or not impaired(failed):
        return verdict
    return replace(verdict, certainty=weaker(verdict.certainty))


def through_proxy(failed: FailedExchange, verdict: Verdict) -> Verdict:
    """The verdict, one grade weaker where it rests on what only the proxy said."""
    if verdict.fault in ("client", "unknown") or not _tunnelled(failed):
        return verdict
    close = failed.server_close
    if verdict.code == "response-truncated" and close is not None and close.kind in _AUTHENTIC:
        return verdict
    return replace(verdict, certainty=weaker(verdict.certainty), facts=verdict.facts + _PROXY_WORDS)


def _tunnelled(failed: FailedExchange) -> bool:
    through: Exchange | None = failed.exchange.via
    connect = through is not None and through.request is not None and through.request.method == "CONNECT"
    return connect or any(t.kind.startswith("SOCKS") for t in failed.connection.tunnels)


def impaired(failed: FailedExchange) -> bool:
    """Whether the capture was incomplete elsewhere on this connection, so that one grade less is certain."""
    connection = failed.connection
    return connection.mid_stream or any(not never_arrived(connection, gap) for gap in connection.gaps)
