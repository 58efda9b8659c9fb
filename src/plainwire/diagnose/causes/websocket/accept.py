"""A 101 that does not belong to the request, by its fields: the client may not go on with it."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

from plainwire.diagnose.grounds import Ground
from plainwire.model import Evidence

from .websocket import websocket_verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

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
    asked, given = failed.request.headers, response.headers
    key, proof = _value(asked, "sec-websocket-key"), _value(given, "sec-websocket-accept")
    wanted, chosen = _value(asked, "sec-websocket-protocol"), _value(given, "sec-websocket-protocol")
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
    digest = hashlib.sha1(key.strip().encode("utf-8", "replace") + _GUID, usedforsecurity=False).digest()
    return base64.b64encode(digest).decode("ascii")


def _value(headers: Sequence[tuple[str, str]], name: str) -> str:
    return next((value.strip() for field, value in headers if field.lower() == name), "")
