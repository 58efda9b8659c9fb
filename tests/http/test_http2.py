"""HTTP/2 connections: what the ``h2`` library's ends said to each other, and what no library would send."""

from __future__ import annotations

import base64
import gzip
from typing import TYPE_CHECKING

import hpack
import pytest
from h2.errors import ErrorCodes
from h2.settings import SettingCodes
from hypothesis import given, settings
from hypothesis import strategies as st

from plainwire.http.hpack import UNKNOWN
from plainwire.http.http2 import MOST_EVENTS, MOST_GOAWAYS, Http2
from plainwire.http.reading import Reading
from plainwire.model import Gap, Request, Side, WebSocket
from tests.http.talk import SECOND, Talk, Where, told
from tests.http.talk2 import (
    ASK,
    CLIENT,
    OK,
    POST,
    PREFACE,
    SERVER,
    SETTINGS,
    SETTINGS_ACK,
    Pair,
    exchanges,
    frame,
    holes,
    read,
)

if TYPE_CHECKING:
    from plainwire.model import CloseKind, Text

END_STREAM, END_HEADERS, PADDED = 0x1, 0x4, 0x8


def test_a_request_and_its_response() -> None:
    pair = Pair()
    pair.answer(pair.ask(POST, b"a body"), b"yes")
    (exchange,) = exchanges(pair.talk)
    request, response = exchange.request, exchange.response
    assert request
    assert response
    assert (request.method, request.target, request.version) == ("POST", "/upload", "HTTP/2")
    assert request.authority == "a.example"
    assert request.headers == POST
    assert (request.body, response.body) == (b"a body", b"yes")
    assert response.headers == OK
    assert (response.status, response.framing, response.complete) == (200, "stream", True)
    assert (exchange.outcome, exchange.protocol, exchange.stream) == ("complete", "h2", 1)
    assert not request.defects
    assert not response.defects


@pytest.mark.parametrize("exact", [True, False], ids=["clear", "records"])
def test_a_message_knows_its_bytes_and_packets(*, exact: bool) -> None:
    pair = Pair(exact=exact)
    before = pair.talk.sent(CLIENT)
    stream = pair.ask()
    asked = pair.talk.packet
    pair.answer(stream)
    (exchange,) = exchanges(pair.talk)
    assert exchange.request
    assert exchange.response
    assert (exchange.request.start, exchange.request.packet) == (before, asked)
    assert exchange.request.end <= pair.talk.sent(CLIENT)
    assert exchange.response.packet == exchange.response.last_packet == asked + 1
    assert exchange.duration_ns == 1_000_000_000


def test_streams_are_answered_in_any_order() -> None:
    pair = Pair()
    streams = [pair.ask([*ASK[:3], (":path", f"/{n}")]) for n in range(3)]
    for stream in reversed(streams):
        pair.answer(stream, b"x" * stream)
    assert told(exchanges(pair.talk)) == [
        ("GET /0", 200, "complete", 0, 1),
        ("GET /1", 200, "complete", 0, 3),
        ("GET /2", 200, "complete", 0, 5),
    ]


def test_idle_time_counts_only_where_no_stream_was_open() -> None:
    pair = Pair()
    pair.answer(pair.ask())
    last = pair.talk.packet
    first, second = pair.ask(), pair.ask()
    pair.answer(first)
    pair.answer(second)
    found = exchanges(pair.talk)
    assert [e.idle_before_ns for e in found] == [None, (last + 1 - last) * 1_000_000_000, None]


def test_interim_responses_and_trailers() -> None:
    pair = Pair()
    stream = pair.ask()
    pair.server.send_headers(stream, [(":status", "103"), ("link", "</a.css>")])
    pair.answer(stream, b"yes", trailers=[("x-checksum", "1")])
    (exchange,) = exchanges(pair.talk)
    assert [response.status for response in exchange.interim] == [103]
    assert exchange.response
    assert exchange.response.trailers == [("x-checksum", "1")]


def test_a_pushed_response_has_the_request_of_its_promise() -> None:
    pair = Pair()
    stream = pair.ask()
    pair.server.push_stream(stream, 2, [*ASK[:3], (":path", "/style.css")])
    pair.answer(2, b"css")
    pair.answer(stream)
    found = exchanges(pair.talk)
    assert told(found) == [("GET /", 200, "complete", 0, 3), ("GET /style.css", 200, "complete", 0, 3)]
    assert [e.pushed for e in found] == [False, True]


def test_a_body_is_decoded_by_its_content_coding() -> None:
    pair = Pair()
    body = gzip.compress(b"x" * 5000)
    pair.answer(pair.ask(), body, [(":status", "200"), ("content-encoding", "gzip")])
    (exchange,) = exchanges(pair.talk)
    assert exchange.response
    assert exchange.response.content
    assert exchange.response.content.decoded_size == 5000
    assert exchange.response.content.complete
    assert exchange.response.body == b"x" * 5000
    assert exchange.response.body_size == len(body)


def test_a_part_of_a_coded_body_is_left_as_it_is() -> None:
    pair = Pair()
    part = gzip.compress(b"x" * 5000)[7:]
    pair.answer(pair.ask(), part, [(":status", "206"), ("content-encoding", "gzip")])
    (exchange,) = exchanges(pair.talk)
    assert exchange.response
    assert (exchange.response.body, exchange.response.content) == (part, None)


def test_a_content_length_that_the_data_does_not_have_is_a_defect() -> None:
    headers = hpack.Encoder().encode([(":status", "200"), ("content-length", "5")])
    talk = _clear(_ask_bytes(), frame(1, END_HEADERS, 1, headers) + frame(0, END_STREAM, 1, b"yes"))
    (exchange,) = exchanges(talk)
    assert exchange.response
    assert any("content-length is 5" in defect for defect in exchange.response.defects)


def test_head_may_say_how_long_the_body_would_have_been() -> None:
    pair = Pair()
    stream = pair.ask([(":method", "HEAD"), *ASK[1:]])
    pair.server.send_headers(stream, [*OK, ("content-length", "99")], end_stream=True)
    pair.pass_on()
    (exchange,) = exchanges(pair.talk)
    assert exchange.response
    assert not exchange.response.defects


# --- how streams end --------------------------------------------------------------------------------


def _outcome(pair: Pair, *, close: tuple[Side, CloseKind] | None = None) -> str:
    if close is not None:
        pair.talk.close(*close)
    return exchanges(pair.talk)[-1].outcome


def test_a_refused_stream_was_not_worked_on() -> None:
    pair = Pair()
    pair.server.reset_stream(pair.ask(), ErrorCodes.REFUSED_STREAM)
    pair.pass_on()
    (exchange,) = exchanges(pair.talk)
    assert exchange.outcome == "refused"
    assert exchange.reset
    assert (exchange.reset.name, exchange.reset.side) == ("REFUSED_STREAM", SERVER)


def test_streams_above_the_last_one_of_a_goaway_are_refused() -> None:
    pair = Pair()
    first, second = pair.ask(), pair.ask()
    pair.server.close_connection(last_stream_id=first)
    pair.talk.server(pair.server.data_to_send())
    pair.talk.close(SERVER, "fin")
    found, facts, _ = read(pair.talk)
    assert [(e.stream, e.outcome) for e in found] == [(first, "unanswered"), (second, "refused")]
    goaway = next(event for event in facts.events if event.kind == "goaway")
    assert (goaway.last_stream, goaway.name, goaway.side) == (first, "NO_ERROR", SERVER)


def test_a_reset_by_the_server_leaves_the_exchange_unanswered_or_truncated() -> None:
    pair = Pair()
    pair.server.reset_stream(pair.ask(), ErrorCodes.INTERNAL_ERROR)
    pair.pass_on()
    assert _outcome(pair) == "unanswered"
    stream = pair.ask()
    pair.server.send_headers(stream, OK)
    pair.server.reset_stream(stream, ErrorCodes.INTERNAL_ERROR)
    pair.pass_on()
    assert _outcome(pair) == "truncated"


def test_a_reset_by_the_client_aborts_even_if_the_answer_was_on_its_way() -> None:
    pair = Pair()
    stream = pair.ask()
    pair.client.reset_stream(stream, ErrorCodes.CANCEL)
    pair.talk.client(pair.client.data_to_send())
    pair.server.send_headers(stream, OK, end_stream=True)
    pair.talk.server(pair.server.data_to_send())
    assert _outcome(pair) == "aborted"


@pytest.mark.parametrize("ended", [True, False])
def test_a_reset_by_a_client_that_has_all_that_was_announced_aborts_nothing(*, ended: bool) -> None:
    pair = Pair()
    stream = pair.ask()
    pair.server.send_headers(stream, [*OK, ("content-length", "3")])
    pair.server.send_data(stream, b"yes")
    pair.pass_on()
    pair.client.reset_stream(stream, ErrorCodes.STREAM_CLOSED)
    pair.talk.client(pair.client.data_to_send())
    if ended:
        pair.server.end_stream(stream)
        pair.talk.server(pair.server.data_to_send())
    assert _outcome(pair) == "complete"


@pytest.mark.parametrize(("announced", "outcome"), [("3", "complete"), ("4", "aborted")])
def test_a_client_that_has_all_that_was_announced_may_close(announced: str, outcome: str) -> None:
    """The last transfer of curl: it closes the connection and waits for no end of the stream."""
    pair = Pair()
    stream = pair.ask()
    pair.server.send_headers(stream, [*OK, ("content-length", announced)])
    pair.server.send_data(stream, b"yes")
    pair.pass_on()
    assert _outcome(pair, close=(CLIENT, "fin")) == outcome


def test_a_reset_by_a_client_that_lacks_the_last_announced_byte_aborts() -> None:
    pair = Pair()
    stream = pair.ask()
    pair.server.send_headers(stream, [*OK, ("content-length", "4")])
    pair.server.send_data(stream, b"yes")
    pair.pass_on()
    pair.client.reset_stream(stream, ErrorCodes.STREAM_CLOSED)
    pair.talk.client(pair.client.data_to_send())
    pair.server.send_data(stream, b"!", end_stream=True)
    pair.talk.server(pair.server.data_to_send())
    assert _outcome(pair) == "aborted"


def test_a_reset_after_a_complete_response_changes_nothing() -> None:
    talk = _clear(
        _ask_bytes(end=False),
        frame(1, END_HEADERS | END_STREAM, 1, b"\x88") + frame(3, 0, 1, bytes(4)),
    )
    (exchange,) = exchanges(talk)
    assert (exchange.outcome, exchange.reset and exchange.reset.name) == ("complete", "NO_ERROR")


def test_who_closes_first_decides_about_open_streams() -> None:
    for close, outcome in (
        ((SERVER, "fin"), "unanswered"),
        ((SERVER, "rst"), "unanswered"),
        ((CLIENT, "close_notify"), "aborted"),
        (None, "unseen"),
    ):
        pair = Pair()
        pair.ask()
        assert _outcome(pair, close=close) == outcome  # type: ignore[arg-type]


# --- frames that libraries hide ----------------------------------------------------------------------


def _ask_bytes(*, end: bool = True, fields: list[tuple[str, str]] | None = None) -> bytes:
    block = hpack.Encoder().encode(fields or ASK)
    return PREFACE + SETTINGS + frame(1, END_HEADERS | (END_STREAM if end else 0), 1, block)


def _clear(client: bytes, server: bytes = b"") -> Talk:
    talk = Talk().client(client)
    return talk.server(SETTINGS + SETTINGS_ACK + server) if server else talk


def test_padding_and_priority_are_no_part_of_the_message() -> None:
    block = hpack.Encoder().encode(ASK)
    padded = bytes([3]) + bytes(5) + block + bytes(3)
    talk = _clear(
        PREFACE
        + SETTINGS
        + frame(1, END_HEADERS | PADDED | 0x20, 1, padded)
        + frame(0, 0x9, 1, b"\x04abc" + bytes(4))
    )
    for size in (1, 2, 7, 1000):
        (exchange,) = exchanges(talk.recut(size))
        assert exchange.request
        assert (exchange.request.headers, exchange.request.body) == (ASK, b"abc")


def test_a_header_block_goes_on_in_continuation_frames() -> None:
    block = hpack.Encoder().encode(ASK)
    parts = (
        frame(1, END_STREAM, 1, block[:3]) + frame(9, 0, 1, block[3:5]) + frame(9, END_HEADERS, 1, block[5:])
    )
    (exchange,) = exchanges(_clear(PREFACE + SETTINGS + parts))
    assert exchange.request
    assert exchange.request.headers == ASK
    assert exchange.request.complete


def test_what_a_header_block_says_that_is_too_large_to_be_kept_is_not_known() -> None:
    answer = frame(1, 0, 1, b"\x88") + frame(9, 0, 1, bytes(16384)) * 65 + frame(9, END_HEADERS, 1, b"")
    answer += frame(0, END_STREAM, 1, b"x")
    (exchange,) = exchanges(
        _clear(PREFACE + SETTINGS + frame(1, 0x5, 1, hpack.Encoder().encode(ASK)), answer)
    )
    assert exchange.outcome == "unseen"


def test_a_frame_within_a_header_block_breaks_the_table_and_says_so() -> None:
    block = hpack.Encoder().encode([*ASK, ("x-first", "1")])
    encoder = hpack.Encoder()
    encoder.encode([*ASK, ("x-first", "1")])
    later = frame(1, END_HEADERS | END_STREAM, 3, encoder.encode([*ASK, ("x-first", "1")]))
    talk = _clear(PREFACE + SETTINGS + frame(1, END_STREAM, 1, block) + frame(6, 0, 0, bytes(8)) + later)
    (exchange,) = exchanges(talk)
    assert exchange.request
    assert (exchange.stream, exchange.request.method) == (3, "GET")
    assert any("header table unknown" in defect for defect in exchange.request.defects)


def test_frames_of_unknown_types_are_passed_over() -> None:
    strange = frame(0xEE, 0xFF, 1, b"anything")
    block = hpack.Encoder().encode(ASK)
    talk = _clear(PREFACE + SETTINGS + strange + frame(1, 0x5, 1, block) + strange, frame(1, 0x5, 1, b"\x88"))
    assert told(exchanges(talk)) == [("GET /", 200, "complete", 0, 0)]


def test_what_connection_frames_say_is_kept_as_events() -> None:
    say = (
        frame(4, 0, 0, b"\0\1\0\0\0\0" + b"\0\3\0\0\0\x64")
        + frame(6, 0, 0, bytes(8))
        + frame(0xA, 0, 0, b"\0\1ah3")
        + frame(0xC, 0, 0, b"\0\x0fhttps://a.example")
        + frame(0x10, 0, 0, bytes(4) + b"u=1")
        + frame(7, 0, 0, (0).to_bytes(4) + (11).to_bytes(4) + b"too_many_pings")
    )
    _, facts, _ = read(Talk().client(PREFACE + SETTINGS).server(say))
    said = {event.kind: event for event in facts.events if event.side == SERVER}
    assert set(said) == {"settings", "ping", "altsvc", "origin", "priority_update", "goaway"}
    assert said["settings"].detail == "HEADER_TABLE_SIZE=0, MAX_CONCURRENT_STREAMS=100"
    assert (said["goaway"].name, said["goaway"].detail) == ("ENHANCE_YOUR_CALM", "'too_many_pings'")


def test_malformed_messages_have_defects() -> None:
    for fields, defect in (
        ([*ASK, ("Upper", "x")], "upper case"),
        (ASK[:3], "no :path"),
        ([*ASK, ("connection", "close")], "HTTP/1.1 only"),
        ([*ASK, ("te", "gzip")], "HTTP/1.1 only"),
        ([*ASK, ("x", "1"), (":late", "x")], "after a regular one"),
        ([*ASK, ASK[0]], "more than once"),
        ([*ASK, (":status", "200")], "does not belong here"),
        ([*ASK, ("x", "a\r\nb")], "bad character"),
    ):
        (exchange,) = exchanges(_clear(_ask_bytes(fields=fields)))
        assert exchange.request
        assert any(defect in d for d in exchange.request.defects), (fields, exchange.request.defects)


def test_a_larger_header_table_counts_when_the_receiver_allows_it() -> None:
    pair = Pair()
    pair.server.update_settings({SettingCodes.HEADER_TABLE_SIZE: 65536})
    pair.pass_on()
    for number in range(3):
        pair.ask([*ASK, ("x-large", "v" * 30_000), ("x-number", str(number % 2))])
    found = exchanges(pair.talk)
    assert [len(e.request.headers) for e in found if e.request] == [6, 6, 6]
    assert not any(e.request.defects for e in found if e.request)


def test_a_sender_that_used_up_its_window_waits_for_the_receiver() -> None:
    pair = Pair()
    stream = pair.ask()
    pair.server.send_headers(stream, OK)
    for _ in range(4):
        pair.server.send_data(stream, b"x" * 16383)
    pair.server.send_data(stream, b"x" * 3)
    pair.pass_on()
    full = pair.talk.packet
    pair.client.increment_flow_control_window(10_000, stream)
    pair.client.increment_flow_control_window(10_000)
    pair.pass_on()
    pair.server.send_data(stream, b"more", end_stream=True)
    pair.pass_on()
    _, facts, _ = read(pair.talk)
    stalls = [event for event in facts.events if event.kind == "window exhausted"]
    assert {event.stream for event in stalls} == {None, stream}
    assert all((event.side, event.packet) == (SERVER, full) for event in stalls)
    assert all(f"until packet {full + 1}" in event.detail for event in stalls)


@pytest.mark.parametrize(("window", "count"), [(0, 1), (1, 0)])
def test_a_window_may_be_closed_before_any_of_the_body(window: int, count: int) -> None:
    settings = b"\0\x04" + window.to_bytes(4)  # SETTINGS_INITIAL_WINDOW_SIZE
    talk = Talk().server(frame(4, 0, 0, settings)).client(PREFACE + SETTINGS)
    talk.client(frame(1, END_HEADERS, 1, b"\x83\x87\x84"))  # POST https /
    _, facts, _ = read(talk)
    closed = [event for event in facts.events if event.kind == "window exhausted"]
    assert [(event.side, event.stream) for event in closed] == [(CLIENT, 1)] * count


# --- upgrade, tunnels, WebSockets --------------------------------------------------------------------


def test_the_request_that_asked_for_the_upgrade_is_stream_1() -> None:
    ask = base64.urlsafe_b64encode(b"\0\1\0\0\0\0").rstrip(b"=").decode()
    request = Request("GET", "/", "HTTP/1.1", [("HTTP2-Settings", ask)], 0, 10, complete=True)
    talk = Talk().server(frame(1, END_HEADERS, 1, b"\x88")).client(PREFACE + SETTINGS)
    talk.server(frame(0, END_STREAM, 1, b"yes"))
    (exchange,), _, _ = read(talk, upgraded=request)
    assert exchange.request is request
    assert exchange.response
    assert (exchange.stream, exchange.response.body_size, exchange.outcome) == (1, 3, "complete")


def test_a_tunnel_hands_out_what_it_carries() -> None:
    connect = [(":method", "CONNECT"), (":authority", "b.example:443")]
    pair = Pair()
    stream = pair.client.get_next_available_stream_id()
    pair.client.send_headers(stream, connect)
    pair.pass_on()
    pair.server.send_headers(stream, [(":status", "200")])
    pair.pass_on()
    pair.client.send_data(stream, b"hello")
    pair.pass_on()
    pair.server.send_data(stream, b"there")
    pair.pass_on()
    (exchange,), _, http = read(pair.talk)
    assert exchange.request
    assert (exchange.request.target, exchange.outcome) == ("b.example:443", "complete")
    carried = [(e, side, item[0]) for e, side, item in http.tunnels if not isinstance(item, Gap)]
    assert carried == [(exchange, CLIENT, b"hello"), (exchange, SERVER, b"there")]


def test_a_websocket_in_a_stream_is_read() -> None:
    fields = [(":method", "CONNECT"), (":protocol", "websocket"), *ASK[1:]]
    opening = PREFACE + SETTINGS + frame(1, END_HEADERS, 1, hpack.Encoder().encode(fields))
    masked = b"\x81\x82" + bytes(4) + b"hi"
    talk = Talk().client(opening).server(SETTINGS + frame(1, END_HEADERS, 1, b"\x88"))
    talk.client(frame(0, 0, 1, masked)).server(frame(0, 0, 1, b"\x81\x03you"))
    (exchange,) = exchanges(talk)
    assert isinstance(exchange.websocket, WebSocket)
    assert (exchange.websocket.messages, exchange.websocket.sizes) == ([1, 1], [2, 3])
    assert [f.packet for f in exchange.websocket.frames] == [3, 4]
    assert exchange.protocol == "websocket"
    assert exchange.request
    assert exchange.request.target == "/"


# --- gRPC -------------------------------------------------------------------------------------------


GRPC = [
    (":method", "POST"),
    (":scheme", "https"),
    (":authority", "a"),
    (":path", "/pkg.S/M"),
    ("te", "trailers"),
]
MESSAGE = b"\0\0\0\0\x03abc"


def test_a_grpc_call_has_its_method_status_message_and_counts() -> None:
    pair = Pair()
    stream = pair.ask([*GRPC, ("content-type", "application/grpc+proto")], MESSAGE * 2)
    trailers = [("grpc-status", "5"), ("grpc-message", "no%20such%20thing")]
    pair.answer(stream, MESSAGE, trailers=trailers)
    (exchange,) = exchanges(pair.talk)
    assert exchange.grpc
    assert (exchange.grpc.method, exchange.grpc.status, exchange.grpc.message) == (
        "/pkg.S/M",
        5,
        "no such thing",
    )
    assert (exchange.grpc.messages, exchange.grpc.kind) == ([2, 1], "grpc")


def test_a_grpc_response_may_be_trailers_only() -> None:
    pair = Pair()
    stream = pair.ask([*GRPC, ("content-type", "application/grpc")], MESSAGE)
    pair.server.send_headers(stream, [*OK, ("grpc-status", "12")], end_stream=True)
    pair.pass_on()
    (exchange,) = exchanges(pair.talk)
    assert exchange.grpc
    assert (exchange.grpc.status, exchange.grpc.messages) == (12, [1, 0])


@pytest.mark.parametrize(
    ("value", "limit"),
    [("999m", 999_000_000), ("2S", 2_000_000_000), ("1M", 60_000_000_000), ("5000000u", 5_000_000_000)],
)
def test_a_grpc_call_has_the_limit_that_its_client_set(value: str, limit: int) -> None:
    pair = Pair()
    pair.ask([*GRPC, ("content-type", "application/grpc"), ("grpc-timeout", value)], MESSAGE)
    (exchange,) = exchanges(pair.talk)
    assert exchange.grpc
    assert exchange.grpc.timeout_ns == limit


@pytest.mark.parametrize("value", ["", "2", "S", "-1S", "123456789S", "1.5S"])
def test_a_limit_that_breaks_the_grammar_is_none(value: str) -> None:
    pair = Pair()
    pair.ask([*GRPC, ("content-type", "application/grpc"), ("grpc-timeout", value)], MESSAGE)
    (exchange,) = exchanges(pair.talk)
    assert exchange.grpc
    assert exchange.grpc.timeout_ns is None


def test_a_grpc_status_has_its_packet_and_messages_their_largest_size() -> None:
    pair = Pair()
    stream = pair.ask([*GRPC, ("content-type", "application/grpc")], MESSAGE + b"\0\0\0\0\x01a")
    pair.server.send_headers(stream, OK)
    pair.pass_on()
    pair.server.send_data(stream, MESSAGE)
    pair.pass_on()
    before = len(pair.talk.acts)
    pair.server.send_headers(stream, [("grpc-status", "14")], end_stream=True)
    pair.pass_on()
    (exchange,) = exchanges(pair.talk)
    assert exchange.grpc
    assert (exchange.grpc.status_packet, exchange.grpc.largest) == (before + 1, [3, 3])
    assert exchange.grpc.status_name == "UNAVAILABLE"


def test_the_longest_pause_within_a_response_is_kept() -> None:
    pair = Pair()
    stream = pair.ask()
    pair.server.send_headers(stream, OK)
    pair.pass_on()
    begun = len(pair.talk.acts)
    for _ in range(4):  # each PING and its answer are two packets, a second apart
        pair.client.ping(b"12345678")
        pair.pass_on()
    pair.server.send_data(stream, b"yes", end_stream=True)
    pair.pass_on()
    (exchange,) = exchanges(pair.talk)
    assert exchange.response
    assert exchange.response.longest_pause_ns == (len(pair.talk.acts) - begun) * SECOND


def test_grpc_web_has_its_trailers_in_the_body() -> None:
    pair = Pair()
    stream = pair.ask([*GRPC, ("content-type", "application/grpc-web+proto")], MESSAGE)
    lines = b"grpc-status: 7\r\ngrpc-message: no\r\n"
    pair.answer(stream, MESSAGE + b"\x80" + len(lines).to_bytes(4) + lines)
    (exchange,) = exchanges(pair.talk)
    assert exchange.grpc
    assert (exchange.grpc.kind, exchange.grpc.status, exchange.grpc.messages) == ("grpc-web", 7, [1, 1])


# --- captures with holes ----------------------------------------------------------------------------


def _long_download() -> Pair:
    pair = Pair()
    stream = pair.ask()
    pair.server.send_headers(stream, [*OK, ("x-trace", "1")])
    pair.pass_on()
    for _ in range(3):
        pair.server.send_data(stream, b"x" * 1000)
    pair.server.send_data(stream, b"", end_stream=True)
    down = pair.server.data_to_send()
    for at in range(0, len(down), 400):
        pair.talk.server(down[at : at + 400])
    return pair


def test_a_hole_within_data_costs_only_its_bytes() -> None:
    talk = _long_download().talk
    lost = next(a.packet for a in talk.acts if a.side == SERVER and a.data == b"x" * 400)
    (exchange,) = exchanges(holes(talk, lost))
    assert exchange.response
    assert exchange.response.body_size == 3000
    assert exchange.outcome == "complete"
    assert any("400 bytes" in defect for defect in exchange.response.defects)


def test_packets_that_came_late_leave_the_order_of_frames_as_it_is() -> None:
    talk = _long_download().talk
    down = [act for act in talk.acts if act.side == SERVER]
    for act, number in zip(down, sorted((a.packet for a in down), reverse=True), strict=True):
        act.packet, act.time_ns = number, number * 1_000_000_000
    (exchange,), _, _ = read(talk, at_once=True)
    assert exchange.response
    assert (exchange.response.body, exchange.outcome) == (b"x" * 3000, "complete")


def test_a_hole_over_frames_makes_open_streams_unseen() -> None:
    talk = _long_download().talk
    last = max(act.packet for act in talk.acts if act.side == SERVER)
    cut = holes(talk, last).close(CLIENT, "fin")
    (exchange,) = exchanges(cut)
    assert exchange.outcome == "unseen"


def test_behind_a_hole_frames_are_found_again_and_old_table_entries_are_named_unknown() -> None:
    pair = Pair()
    pair.answer(pair.ask([*ASK, ("x-id", "first")]))
    pair.answer(pair.ask([*ASK, ("x-other", "second")]))
    lost = pair.talk.packet - 1
    for number in range(3):
        pair.answer(pair.ask([*ASK, ("x-id", "first"), ("x-number", str(number))]))
    found = exchanges(holes(pair.talk, lost))
    after = [e for e in found if e.request and (e.stream or 0) > 3]
    assert after
    for exchange in after:
        assert exchange.request
        assert exchange.request.method == "GET"
        assert (UNKNOWN, UNKNOWN) in exchange.request.headers
        assert any("bytes are missing" in defect for defect in exchange.request.defects)


def test_a_capture_from_mid_connection_says_what_it_cannot_know() -> None:
    pair = Pair()
    pair.answer(pair.ask([*ASK, ("x-id", "first")]))
    skip = pair.talk.packet
    for _ in range(3):
        pair.answer(pair.ask([*ASK, ("x-id", "first")]))
    late = Talk()
    for act in pair.talk.acts:
        if act.packet > skip:
            late.send(act.side, act.data or b"")
    found = exchanges(late)
    assert [(e.request and e.request.method, e.response and e.response.status) for e in found] == [
        ("GET", 200)
    ] * 3
    assert all("the capture began in mid-connection" in e.request.defects[0] for e in found if e.request)


def test_bytes_that_are_no_frames_are_not_taken_for_some() -> None:
    found, _, _ = read(Talk().client(b"\x16\x03\x01\x02\x00" + bytes(300)).server(b"anything but HTTP/2" * 9))
    assert found == []


# --- any input --------------------------------------------------------------------------------------


def _conversation() -> Talk:
    pair = Pair()
    pair.answer(pair.ask(POST, b"b" * 300), b"y" * 500, trailers=[("x", "1")])
    stream = pair.ask([*GRPC, ("content-type", "application/grpc")], MESSAGE)
    pair.answer(stream, MESSAGE, trailers=[("grpc-status", "0")])
    pair.server.push_stream(pair.ask(), 2, ASK)
    pair.answer(2, b"pushed")
    return pair.talk


WHOLE = _conversation()


@settings(max_examples=60)
@given(st.integers(1, 400))
def test_however_the_bytes_are_cut_the_messages_are_the_same(size: int) -> None:
    assert _gist(WHOLE.recut(size)) == _gist(WHOLE)


def _gist(talk: Talk) -> dict[int | None, object]:
    found = exchanges(talk)
    return {exchange.stream: what for exchange, what in zip(found, told(found), strict=True)}


@settings(max_examples=150)
@given(st.data())
def test_input_that_is_cut_doubled_reordered_or_spoilt_gives_values(data: st.DataObject) -> None:
    talk = Talk(exact=data.draw(st.booleans()))
    acts = list(WHOLE.acts)
    if data.draw(st.booleans()):
        acts = data.draw(st.permutations(acts))
    for act in acts[: data.draw(st.integers(0, len(acts)))]:
        piece = bytearray(act.data or b"")
        what = data.draw(st.sampled_from(["keep", "keep", "cut", "double", "spoil", "hole", "junk"]))
        if what == "cut":
            piece = piece[: data.draw(st.integers(0, len(piece)))]
        elif what == "double":
            piece = bytearray(bytes(piece) * 2)
        elif what == "spoil" and piece:
            piece[data.draw(st.integers(0, len(piece) - 1))] ^= 1 << data.draw(st.integers(0, 7))
        elif what == "junk":
            piece = bytearray(data.draw(st.binary(max_size=40)))
        if what == "hole":
            talk.hole(act.side, max(1, len(piece)))
        elif piece:
            talk.send(act.side, bytes(piece))
    talk.close(data.draw(st.sampled_from(list(Side))), data.draw(st.sampled_from(["fin", "rst"])))
    for exchange in exchanges(talk, sound=False):
        assert exchange.request or exchange.response or exchange.interim


def test_events_are_bounded_for_the_whole_connection_and_goaways_are_told_beside_them() -> None:
    pair = Pair()
    pair.ask()
    for _ in range(3):
        pair.talk.client(frame(6, 0, 0, b"12345678") * 5000)
    pair.talk.server(frame(7, 0, 0, (1).to_bytes(4) + bytes(4)) * 1000)
    http = Http2(Reading())
    sides = [[act for act in pair.talk.acts if act.side == side] for side in Side]
    where = (Where(sides[0]), Where(sides[1]))
    told = []
    for act in pair.talk.acts:
        texts: tuple[list[Text | Gap], list[Text | Gap]] = ([], [])
        texts[act.side].append((act.data or b"", act.start, act.start + act.length))
        http.feed(*texts, where)
        told += http.events
        http.events.clear()
    assert len(told) == MOST_EVENTS + MOST_GOAWAYS
    assert told[-1].kind == "goaway"


@pytest.mark.parametrize(
    ("client", "server", "says"),
    [
        (b"", frame(8, 0, 0, (0x7FFFFFFF).to_bytes(4)), "WINDOW_UPDATE"),
        (frame(4, 0, 0, b"\0\2\0\0\0\0"), frame(5, 4, 1, (2).to_bytes(4)), "PUSH_PROMISE"),
        (b"", frame(0, 0, 1, bytes(16385)), "a frame of 16385 bytes, and the client takes 16384"),
    ],
)
def test_what_the_server_may_not_do_is_told(client: bytes, server: bytes, says: str) -> None:
    pair = Pair()
    pair.talk.client(client + SETTINGS)
    pair.talk.server(SETTINGS_ACK + SETTINGS_ACK + server)
    events = read(pair.talk)[1].events
    (breach,) = (event for event in events if event.kind == "breach")
    assert breach.detail.startswith(says)


def test_a_frame_that_the_clients_settings_allow_is_no_breach() -> None:
    pair = Pair()
    pair.talk.client(frame(4, 0, 0, b"\0\5\0\1\0\0"))
    pair.talk.server(SETTINGS_ACK + frame(0, 0, 1, bytes(16385)))
    assert not [event for event in read(pair.talk)[1].events if event.kind == "breach"]


def test_a_server_that_begins_with_something_else_than_settings_is_quoted() -> None:
    talk = Talk()
    talk.client(PREFACE + SETTINGS)
    talk.server(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    (stray,) = (event for event in read(talk)[1].events if event.kind == "no_frames")
    assert (stray.side, stray.said[:12]) == (SERVER, "HTTP/1.1 400")


def test_a_server_may_begin_with_the_end() -> None:
    """Jetty, whose idle limit is over before the client's preface comes."""
    talk = Talk()
    talk.client(PREFACE + SETTINGS)
    talk.server(frame(7, 0, 0, bytes(8) + b"idle_timeout"))
    events = [event for event in read(talk)[1].events if event.side == SERVER]
    assert [(event.kind, event.said) for event in events] == [("goaway", "idle_timeout")]


def test_content_that_a_status_forbids_is_a_defect() -> None:
    pair = Pair()
    pair.answer(pair.ask(), b"hello", [(":status", "204")])
    (exchange,) = exchanges(pair.talk)
    assert exchange.response
    assert "RFC 9110 section 6.4.1" in exchange.response.defects[0]


def test_a_table_that_the_clients_settings_allow_is_no_defect_in_whatever_pieces_they_come() -> None:
    encoder = hpack.Encoder()
    encoder.header_table_size = 12_288
    talk = Talk().client(PREFACE + frame(4, 0, 0, b"\0\1\0\1\0\0")).server(SETTINGS)
    talk.client(frame(1, 0x5, 1, hpack.Encoder().encode(ASK))).server(frame(1, 0x5, 1, encoder.encode(OK)))
    (exchange,) = exchanges(talk)
    assert exchange.response
    assert exchange.response.defects == []
