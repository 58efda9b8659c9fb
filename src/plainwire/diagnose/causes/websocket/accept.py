"""A 101 that does not belong to the request, by its fields: the client may not go on with it."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.traffic.copies import value
from plainwire.model import Evidence

from .websocket import websocket_verdict

if TYPE_CHECKING:
    from plainwire.diagnose.verdict import FailedExchange, Verdict

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""RFC 6455 section 1.3."""
_SWITCHED = 101
"""RFC 9110 section 15.2.2."""


def wrong_accept(failed: FailedExchange) -> Verdict | None:
    """A verdict where the client left such a WebSocket without a frame (RFC 6455 section 4.1)."""
    response, websocket = failed.exchange.response, failed.exchange.websocket
    if response is None or response.status != _SWITCHED or websocket is None or websocket.frames:
        return None
    key, proof, wanted, chosen = (
        (value(message, f"sec-websocket-{name}") or "").strip()
        for message, name in (
            (failed.request, "key"),
            (response, "accept"),
            (failed.request, "protocol"),
            (response, "protocol"),
        )
    )
    if key and proof != _accept(key):
        word = (
            "has no Sec-WebSocket-Accept"
            if not proof
            else "has another Sec-WebSocket-Accept than belongs to it"
        )
        what = (
            f"{word}: it is not one to this request (a cache or a proxy gave one to another), or the server "
            "computes it wrongly"
        )
    elif chosen and chosen not in [word.strip() for word in wanted.split(",")]:
        what = "names a subprotocol that the client had not offered (Sec-WebSocket-Protocol)"
    else:
        return None
    return websocket_verdict(
        failed,
        "websocket-upgrade-refused",
        "server",
        (Ground.SAID,),
        f"The response to the request for a WebSocket is 101 and {what}. The client may not go on, and left.",
        Evidence(failed.request.packet, "the request, with its Sec-WebSocket-Key"),
        Evidence(response.packet, "the response, status 101"),
        runner_up="a client that hung up by itself: refuted, it may not use such a WebSocket",
    )


def _accept(key: str) -> str:
    digest = hashlib.sha1(key.encode("utf-8", "replace") + _GUID, usedforsecurity=False).digest()
    return base64.b64encode(digest).decode("ascii")
