"""What a proxy between the two ends takes from the evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from .verdict import Scene, Verdict, weaker

if TYPE_CHECKING:
    from plainwire.model import Exchange

_AUTHENTIC = ("close_notify", "alert")
_WORDS = (
    " The connection leads through a proxy: what TCP says (acknowledgments, FIN, RST) is the proxy's word; "
    "only what stands inside TLS is the server's."
)


def through_proxy(scene: Scene, verdict: Verdict) -> Verdict:
    """The verdict, one grade weaker where it rests on what only the proxy said."""
    if verdict.fault in ("client", "unknown") or not _tunnelled(scene):
        return verdict
    close = scene.server_close
    if verdict.code == "response-truncated" and close is not None and close.kind in _AUTHENTIC:
        return verdict
    return replace(verdict, certainty=weaker(verdict.certainty), facts=verdict.facts + _WORDS)


def _tunnelled(scene: Scene) -> bool:
    through: Exchange | None = scene.exchange.via
    connect = through is not None and through.request is not None and through.request.method == "CONNECT"
    return connect or any(t.kind.startswith("SOCKS") for t in scene.connection.tunnels)
