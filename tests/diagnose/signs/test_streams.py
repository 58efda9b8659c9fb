"""Signs of HTTP/2, HTTP/3 and QUIC."""

from __future__ import annotations

import pytest

from plainwire.diagnose.signs import collect
from plainwire.model import Connection, Side, StreamEvent
from tests.diagnose.wire import CLIENT, EPOCH_NS, MS, SERVER, Wire


def _signs(connection: Connection) -> list[tuple[str, str | None]]:
    return [(sign.kind, sign.claimed_by) for sign in collect([connection])]


def _with(*events: StreamEvent) -> Connection:
    wire = Wire()
    exchange = wire.ok(0)
    exchange.protocol, exchange.stream = "h2", 1
    wire.ack(CLIENT, 5000)
    connection = wire.done()
    connection.events = list(events)
    return connection


def _event(
    kind: str,
    side: Side,
    name: str,
    *,
    stream: int | None = None,
    code: int = 1,
    at: int = 100,
    detail: str = "",
) -> StreamEvent:
    return StreamEvent(kind, side, EPOCH_NS + at * MS, 9, stream, code, name, detail=detail)


def test_a_stream_that_the_client_cancels_when_it_has_the_response_is_harmless() -> None:
    connection = _with(_event("rst_stream", CLIENT, "CANCEL", stream=1, code=8))
    assert _signs(connection) == [
        ("stream-reset", "harmless: the client had no use for a stream whose response was whole")
    ]


@pytest.mark.parametrize(
    ("name", "uploading", "harmless"),
    [("CANCEL", True, True), ("INTERNAL_ERROR", True, False), ("CANCEL", False, False)],
)
def test_a_server_that_wants_no_more_of_what_it_has_answered(
    name: str, *, uploading: bool, harmless: bool
) -> None:
    """Jetty says CANCEL where NO_ERROR were right; curl, Go, Node and reqwest take the response."""
    connection = _with(_event("rst_stream", SERVER, name, stream=1, code=8))
    request = connection.exchanges[0].request
    assert request is not None
    request.complete = not uploading
    assert (dict(_signs(connection))["stream-reset"] is not None) is harmless


def test_any_other_error_of_a_stream_is_a_sign() -> None:
    connection = _with(_event("rst_stream", CLIENT, "PROTOCOL_ERROR", stream=1))
    assert _signs(connection) == [("stream-reset", None)]
    assert "PROTOCOL_ERROR" in collect([connection])[0].says


def test_no_error_is_none() -> None:
    connection = _with(
        _event("rst_stream", SERVER, "NO_ERROR", stream=1, code=0),
        _event("goaway", SERVER, "NO_ERROR", code=0),
        _event("connection_close", CLIENT, "H3_NO_ERROR", code=0x100),
    )
    assert _signs(connection) == []


def test_the_end_of_a_connection_with_an_error_is_a_sign_though_no_stream_is_left() -> None:
    connection = _with(
        _event("goaway", SERVER, "ENHANCE_YOUR_CALM", code=11),
        _event("connection_close", SERVER, "H3_INTERNAL_ERROR", code=0x102),
    )
    assert _signs(connection) == [("goaway-error", None), ("connection-close-error", None)]


def test_settings_without_an_acknowledgment_are_a_sign_if_the_connection_went_on() -> None:
    settings = _event("settings", CLIENT, "", code=0)
    answer = _event("settings", SERVER, "", code=0, at=180, detail="acknowledgment")
    connection = _with(settings)
    assert _signs(connection) == [
        ("settings-unanswered", "harmless: every request was answered completely all the same")
    ]
    connection.exchanges[0].outcome = "unanswered"
    assert ("settings-unanswered", None) in _signs(connection)
    assert "settings-unanswered" not in dict(_signs(_with(settings, answer)))


def test_a_ping_without_an_answer_is_a_sign_if_the_connection_went_on() -> None:
    ping = _event("ping", CLIENT, "", code=0)
    answer = _event("ping", SERVER, "", code=0, at=180, detail="acknowledgment")
    assert _signs(_with(ping)) == [("ping-unanswered", None)]
    assert _signs(_with(ping, answer)) == []
    assert _signs(_with(_event("ping", CLIENT, "", code=0, at=4900))) == []
