"""A PING without a PONG, and the end of the WebSocket for that."""

from __future__ import annotations

import pytest

from plainwire.diagnose import diagnose
from plainwire.model import Side
from tests.diagnose.wire import CLIENT, SERVER, only

from .sockets import Socket


@pytest.mark.parametrize("side", list(Side))
def test_who_did_not_answer_is_named(side: Side) -> None:
    socket = Socket().message(CLIENT, 200).ping(side, 1000, pong=1085).ping(side, 2000)
    finding = only(diagnose([socket.end(side, "fin", 3500)]))
    assert finding.code == "websocket-ping-timeout"
    assert finding.fault == ("client" if side == SERVER else "server")
    assert "got no PONG for 1.500 s" in finding.claim
    assert "its program did not answer" in finding.claim


def test_a_close_frame_that_follows_it_is_part_of_it() -> None:
    socket = Socket().ping(SERVER, 1000, pong=5000).bye(SERVER, 2000, 1011, "keepalive ping timeout")
    finding = only(diagnose([socket.end(SERVER, "fin", 2100)]))
    assert (finding.code, finding.fault) == ("websocket-ping-timeout", "client")
    assert "PONG came 3.000 s after that" in finding.claim
    assert [quoted.text for quoted in finding.quotes] == ["keepalive ping timeout"]


def test_a_ping_that_never_arrived_accuses_nobody() -> None:
    socket = Socket().message(CLIENT, 200).ping(SERVER, 1000, acked=False)
    finding = only(diagnose([socket.end(SERVER, "fin", 3000)]))
    assert (finding.code, finding.fault) == ("websocket-ping-timeout", "unknown")


def test_a_ping_that_had_no_time_to_be_answered_is_no_cause() -> None:
    socket = Socket(rtt=200).message(CLIENT, 300).ping(SERVER, 1000, acked=False)
    assert only(diagnose([socket.end(SERVER, "fin", 1300)])).code == "websocket-abnormal-close"


def test_a_ping_that_was_answered_is_no_cause() -> None:
    socket = Socket().message(CLIENT, 200).ping(SERVER, 1000, pong=1090)
    assert only(diagnose([socket.end(SERVER, "fin", 3000)])).code == "websocket-abnormal-close"


def test_the_other_side_ends_nothing_for_a_ping_that_it_did_not_send() -> None:
    socket = Socket().message(CLIENT, 200).ping(SERVER, 1000)
    finding = only(diagnose([socket.end(CLIENT, "fin", 3000)]))
    assert (finding.code, finding.fault) == ("websocket-abnormal-close", "client")


@pytest.mark.parametrize(("reason", "told"), [("ping timed out", True), ("bye", False)])
def test_a_close_in_order_that_names_the_ping(reason: str, *, told: bool) -> None:
    """Tornado closes with code 1000 where its PING is not answered."""
    socket = Socket().message(CLIENT, 200).ping(SERVER, 1000).bye(SERVER, 2000, 1000, reason)
    codes = {f.code for f in diagnose([socket.end(SERVER, "fin", 2100)])}
    assert ("websocket-ping-timeout" in codes) is told
