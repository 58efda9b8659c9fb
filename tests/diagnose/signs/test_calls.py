"""Signs of gRPC calls, WebSockets and event streams."""

from __future__ import annotations

import pytest

from plainwire.diagnose.signs import collect
from plainwire.model import Connection, EventStream, Grpc, WebSocket, WebSocketClose, WebSocketPing
from tests.diagnose.wire import CLIENT, EPOCH_NS, SERVER, Wire


def _signs(connection: Connection) -> list[tuple[str, str | None]]:
    return [(sign.kind, sign.claimed_by) for sign in collect([connection])]


def _call(status: int | None) -> Connection:
    wire = Wire()
    exchange = wire.ok(0)
    exchange.protocol, exchange.grpc = "h2", Grpc("/a.B/C", status)
    return wire.done()


def test_a_call_fails_by_its_own_status() -> None:
    assert _signs(_call(0)) == []
    assert _signs(_call(14)) == [("grpc-status", None)]
    assert "UNAVAILABLE" in collect([_call(14)])[0].says
    assert _signs(_call(None)) == [("grpc-no-status", None)]


def _socket(*codes: int | None, pings: list[WebSocketPing] | None = None) -> Connection:
    wire = Wire()
    exchange = wire.ask(0)
    wire.answer(80, status=101, declared=None)
    closes = [None if code is None else WebSocketClose(code, "", 5, EPOCH_NS) for code in codes]
    exchange.protocol = "websocket"
    exchange.websocket = WebSocket(close_codes=list(codes), closes=closes, pings=pings or [])
    wire.close(SERVER, "fin", 5000)
    return wire.done()


@pytest.mark.parametrize("code", [1000, 1001, 1005])
def test_a_websocket_that_was_closed_in_order_is_none(code: int) -> None:
    assert _signs(_socket(code, None)) == []


def test_a_websocket_without_a_close_frame_is_a_sign() -> None:
    assert _signs(_socket(None, None)) == [("websocket-no-close-frame", None)]


def test_a_websocket_whose_request_was_not_seen_ahead_of_it_says_nothing() -> None:
    """Two clocks: what the client sent before was not read as frames."""
    connection = _socket(None, None)
    connection.exchanges[0].request = None
    assert _signs(connection) == []


def test_a_websocket_that_was_closed_with_an_error_is_a_sign() -> None:
    assert _signs(_socket(None, 1011)) == [("websocket-close-code", None)]


def test_a_ping_that_nobody_answered_is_a_sign() -> None:
    ping = WebSocketPing(SERVER, 4, EPOCH_NS)
    assert ("websocket-ping-unanswered", None) in _signs(_socket(1000, 1000, pings=[ping]))
    answered = WebSocketPing(CLIENT, 4, EPOCH_NS, 5, EPOCH_NS + 1)
    assert _signs(_socket(1000, 1000, pings=[answered])) == []


def test_an_event_stream_is_judged_by_its_events() -> None:
    wire = Wire()
    response = wire.ok(0).response
    assert response is not None
    response.event_stream = EventStream(3, dialect="openai", closing_packet=2)
    assert _signs(wire.done()) == []
    response.event_stream.closing_packet = None
    assert _signs(wire.done()) == [("event-stream-unfinished", None)]
    response.event_stream.error_packet = 2
    assert _signs(wire.done()) == [("event-stream-error", None)]
