"""A WebSocket that ended without a Close frame: who, after which silence, and whether that is a limit."""

from __future__ import annotations

import pytest

from plainwire.diagnose import diagnose
from plainwire.model import StreamEvent
from tests.diagnose.wire import CLIENT, SERVER, only

from .sockets import Socket, silent


def test_the_same_silence_each_time_is_a_limit() -> None:
    finding = only(diagnose([silent(n, 4700 + n, start=9000.0 * n) for n in (1, 2, 3)]))
    assert (finding.code, finding.fault, finding.certainty) == (
        "websocket-abnormal-close",
        "server",
        "proved",
    )
    assert len(finding.exchanges) == 3
    assert "3 WebSockets ended after the same silence, 4.701 s to 4.703 s: an idle limit" in finding.claim


@pytest.mark.parametrize("silence", [2995, 60_030])
def test_a_usual_silence_once_may_be_one(silence: float) -> None:
    assert "a time that people configure" in only(diagnose([silent(1, silence)])).claim


@pytest.mark.parametrize("silence", [1, 700, 4700])
def test_any_other_silence_is_none(silence: float) -> None:
    finding = only(diagnose([silent(1, silence)]))
    assert finding.code == "websocket-abnormal-close"
    assert "limit" not in finding.claim
    assert ("PINGs" in finding.advice_client) == (silence > 1000)  # in the middle of traffic none helps


def test_a_silence_that_was_survived_before_is_no_limit() -> None:
    socket = Socket().message(CLIENT, 200).message(SERVER, 3900)
    finding = only(diagnose([socket.end(SERVER, "fin", 3900 + 3000)]))
    assert "limit" not in finding.claim
    assert finding.certainty == "likely"


def test_a_client_that_ends_without_a_close_frame_is_named() -> None:
    finding = only(diagnose([Socket().message(SERVER, 200).end(CLIENT, "fin", 900)]))
    assert (finding.code, finding.fault) == ("websocket-abnormal-close", "client")


@pytest.mark.parametrize("code", [1000, 1001, 1005])
def test_an_end_in_order_is_no_finding(code: int) -> None:
    socket = Socket().message(CLIENT, 200).bye(SERVER, 400, code).bye(CLIENT, 480, code)
    assert diagnose([socket.end(SERVER, "fin", 500)]) == []


def test_a_websocket_that_is_still_open_is_no_finding() -> None:
    socket = Socket().message(CLIENT, 200)
    assert diagnose([socket.wire.done()]) == []


def test_the_end_of_its_stream_in_http2_is_an_end() -> None:
    socket = Socket().message(CLIENT, 200)
    (exchange,) = socket.wire.exchanges
    exchange.stream = 1
    row = socket.wire.segment(SERVER, 2200, length=13)
    exchange.reset = StreamEvent("rst_stream", SERVER, row.time_ns, row.packet, 1, 2, "INTERNAL_ERROR")
    finding = only(diagnose([socket.wire.done()]))
    assert finding.code == "websocket-abnormal-close"
    assert "RST_STREAM (INTERNAL_ERROR)) 2.000 s after the last frame" in finding.claim


def test_frames_that_follow_the_end_do_not_shorten_the_silence() -> None:
    """A client writes on until it reads the end; a Close frame of that kind closes nothing in order."""
    socket = Socket().message(SERVER, 200).message(CLIENT, 3200).bye(CLIENT, 3201, 1000)
    earlier = Socket().message(SERVER, 200).facts.last[SERVER]
    assert earlier is not None
    socket.facts.frames = [earlier]
    finding = only(diagnose([socket.end(SERVER, "close_notify", 2200)]))
    assert (finding.code, finding.fault) == ("websocket-abnormal-close", "server")
    assert "2.000 s after the last frame" in finding.claim
