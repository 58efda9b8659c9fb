"""A request for a WebSocket that was answered with something else."""

from __future__ import annotations

import pytest

from plainwire.diagnose import diagnose
from tests.diagnose.wire import CLIENT, Wire, only

from .sockets import Socket


def asked(status: int, target: str = "/socket") -> Wire:
    wire = Wire()
    exchange = wire.ask(0, target)
    assert exchange.request
    exchange.request.for_websocket = True
    wire.answer(80, status=status)
    return wire


@pytest.mark.parametrize(
    ("status", "fault"),
    [(200, "server"), (400, "server"), (426, "server"), (401, "unknown"), (403, "unknown"), (301, "both")],
)
def test_the_status_tells_whose_it_is(status: int, fault: str) -> None:
    finding = only(diagnose([asked(status).done()]))
    assert (finding.code, finding.fault) == ("websocket-upgrade-refused", fault)
    assert f"status {status} in place of 101" in finding.claim


@pytest.mark.parametrize(
    ("target", "stick"),
    [
        ("/socket.io/?EIO=4&transport=websocket&sid=lv_VI97HAXpY6yYWAAAB", True),
        ("/socket.io/?EIO=4&transport=websocket", False),
    ],
)
def test_a_session_of_socket_io_that_another_server_had_opened(target: str, *, stick: bool) -> None:
    """socketio/socket.io#4881, wasp-lang/wasp#2040; the look-alike names no session."""
    finding = only(diagnose([asked(400, target).done()]))
    assert (finding.code, finding.certainty) == ("websocket-upgrade-refused", "likely")
    assert ("sticky sessions" in finding.advice_server) is stick


def test_an_ordinary_request_with_that_status_is_none() -> None:
    wire = Wire()
    wire.ask(0)
    wire.answer(80, status=426)
    assert diagnose([wire.done()]) == []


_KEY, _ACCEPT = "dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
"""RFC 6455 section 1.3."""


@pytest.mark.parametrize(
    ("accept", "chosen", "code", "says"),
    [
        (_ACCEPT, "", "websocket-abnormal-close", ""),
        (_ACCEPT, "chat", "websocket-abnormal-close", ""),
        ("AAAA", "", "websocket-upgrade-refused", "another Sec-WebSocket-Accept"),
        ("", "", "websocket-upgrade-refused", "no Sec-WebSocket-Accept"),
        (_ACCEPT, "other", "websocket-upgrade-refused", "a subprotocol that the client had not offered"),
    ],
)
def test_a_101_that_does_not_belong_to_the_request(accept: str, chosen: str, code: str, says: str) -> None:
    connection = Socket().end(CLIENT, "fin", 200)
    (exchange,) = connection.exchanges
    assert exchange.request
    assert exchange.response
    exchange.request.headers += [("Sec-WebSocket-Key", _KEY), ("Sec-WebSocket-Protocol", "chat, soap")]
    exchange.response.headers += [("Sec-WebSocket-Accept", accept), ("Sec-WebSocket-Protocol", chosen)]
    finding = only(diagnose([connection]))
    assert (finding.code, finding.fault) == (code, "server" if says else "client")
    assert says in finding.claim
