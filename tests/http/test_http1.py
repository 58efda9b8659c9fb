"""What was asked and what came back, however the connection went."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from plainwire.http.exchange_room import ExchangeShare
from plainwire.http.http1 import Http1
from plainwire.http.http1_messages import RequestReader
from plainwire.http.reading import Reading
from plainwire.model import Connection, Endpoint
from tests.http.talk import CLIENT, GET, HEAD, OK, SECOND, SERVER, Act, Talk, Where, only, told

if TYPE_CHECKING:
    from plainwire.model import CloseKind, Side

ANSWERED = ("GET /", 200, "complete", 0, 3)


@pytest.mark.parametrize("at_once", [False, True])
def test_keep_alive(*, at_once: bool) -> None:
    talk = Talk().client(GET).server(OK).client(GET).server(OK)
    assert told(talk.read(at_once=at_once)) == [ANSWERED, ANSWERED]


@pytest.mark.parametrize("at_once", [False, True])
def test_pipelined_requests_get_their_answers_in_order(*, at_once: bool) -> None:
    head = b"HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\n"
    talk = Talk().client(GET + HEAD + GET).server(OK + head + OK)
    assert told(talk.read(at_once=at_once)) == [ANSWERED, ("HEAD /", 404, "complete", 0, 0), ANSWERED]


@pytest.mark.parametrize("status", [204, 304])
def test_answers_that_have_no_body_whatever_they_announce(status: int) -> None:
    answer = f"HTTP/1.1 {status} X\r\nContent-Length: 5\r\n\r\n".encode()
    assert told(Talk().client(GET).server(answer).client(GET).server(OK).read()) == [
        ("GET /", status, "complete", 0, 0),
        ANSWERED,
    ]


def test_interim_answers_belong_to_the_exchange_that_they_precede() -> None:
    ask = b"PUT /x HTTP/1.1\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n"
    talk = Talk().client(ask).server(b"HTTP/1.1 100 Continue\r\n\r\n").client(b"body")
    talk.server(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + OK).client(GET).server(OK)
    first, second = talk.read()
    assert told([first, second]) == [("PUT /x", 200, "complete", 4, 3), ANSWERED]
    assert [(r.status, r.packet) for r in first.interim] == [(100, 2), (103, 4)]
    assert second.interim == []


def test_a_switch_of_protocols_ahead_of_its_request_answers_it() -> None:
    """As where the clocks of two places of capture differ: what follows is HTTP in neither direction."""
    ask = b"GET /chat HTTP/1.1\r\nHost: a.example\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n"
    switch = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x05hello"
    talk = Talk().server(switch).client(ask).client(b"\x81\x85mask" + bytes(5)).close(SERVER, "fin")
    assert told(talk.read()) == [("GET /chat", 101, "complete", 0, 0)]


def test_an_answer_before_any_request_answers_none() -> None:
    timeout = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    talk = Talk().client(GET).server(OK).server(timeout).client(GET).close(SERVER, "fin")
    assert told(talk.read(at_once=True)) == [
        ANSWERED,
        (None, 408, "complete", 0, 0),
        ("GET /", None, "unanswered", 0, 0),
    ]


@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.parametrize("rest", [b"", b"ost: a.example\r\n\r\n"])
def test_an_answer_to_a_head_that_is_not_complete(rest: bytes, *, at_once: bool) -> None:
    timeout = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"
    talk = Talk().client(b"GET /slow HTTP/1.1\r\nH").server(timeout)
    talk = talk.client(rest) if rest else talk
    exchanges = talk.close(SERVER, "fin").read(at_once=at_once)
    assert told(exchanges) == [("GET /slow", 408, "complete", 0, 0)]


# --- outcomes -------------------------------------------------------------------------------------

SIZED = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"
UNTIL_CLOSE = b"HTTP/1.1 200 OK\r\n\r\nhalf"
CUT_HEAD = b"HTTP/1.1 200 OK\r\nContent-"


@pytest.mark.parametrize("kind", ["fin", "rst", "close_notify"])
@pytest.mark.parametrize("answer", [SIZED, CHUNKED, CUT_HEAD])
def test_an_answer_that_the_server_cut_is_truncated(answer: bytes, kind: CloseKind) -> None:
    (exchange,) = Talk().client(GET).server(answer).close(SERVER, kind).read()
    assert exchange.outcome == "truncated"
    assert exchange.response
    assert exchange.response.status == 200
    assert not exchange.response.complete


@pytest.mark.parametrize(
    ("kind", "outcome"), [("fin", "complete"), ("close_notify", "complete"), ("rst", "truncated")]
)
def test_a_body_that_ends_with_the_connection(kind: CloseKind, outcome: str) -> None:
    (exchange,) = Talk().client(GET).server(UNTIL_CLOSE).close(SERVER, kind).read()
    assert exchange.outcome == outcome
    assert exchange.response
    assert (exchange.response.framing, exchange.response.body) == ("close", b"half")


@pytest.mark.parametrize(("side", "outcome"), [(SERVER, "unanswered"), (CLIENT, "aborted"), (None, "unseen")])
@pytest.mark.parametrize("kind", ["fin", "rst"])
def test_without_a_byte_of_answer(side: Side | None, outcome: str, kind: CloseKind) -> None:
    talk = Talk().client(GET)
    if side is not None:
        talk.close(side, kind)
    assert told(talk.read()) == [("GET /", None, outcome, 0, 0)]


def test_a_client_that_leaves_in_the_middle_of_the_answer_aborts_it() -> None:
    talk = Talk().client(GET).server(SIZED).close(CLIENT, "fin").close(SERVER, "rst")
    assert told(talk.read()) == [("GET /", 200, "aborted", 0, 4)]


def test_an_answer_after_the_client_s_fin_is_whole() -> None:
    talk = Talk().client(GET).close(CLIENT, "fin").server(OK).close(SERVER, "fin")
    assert told(talk.read()) == [ANSWERED]


def test_a_request_that_the_client_cut() -> None:
    talk = Talk().client(b"POST /x HTTP/1.1\r\nContent-Length: 9\r\n\r\nhalf").close(CLIENT, "rst")
    (exchange,) = talk.read()
    assert told([exchange]) == [("POST /x", None, "aborted", 4, 0)]
    assert exchange.request
    assert not exchange.request.complete


def test_half_a_request_head_is_a_request() -> None:
    (exchange,) = Talk().client(b"GET /x HTTP/1.1\r\nHo").close(CLIENT, "rst").read()
    assert exchange.request
    assert (exchange.request.method, exchange.request.target) == ("GET", "/x")
    assert exchange.request.defects == ["the head is not complete"]


def test_an_answer_to_a_request_that_is_still_being_sent_is_complete() -> None:
    refused = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n"
    talk = Talk().client(b"POST / HTTP/1.1\r\nContent-Length: 99\r\n\r\nhalf").server(refused)
    assert told(talk.close(SERVER, "rst").read()) == [("POST /", 413, "complete", 4, 0)]


# --- holes ----------------------------------------------------------------------------------------


def test_a_hole_inside_a_body_of_known_size_is_bridged() -> None:
    talk = Talk().client(GET).server(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nab").hole(SERVER, 5)
    exchanges = talk.server(b"cde" + OK).client(GET).read(at_once=True)
    assert told(exchanges[:1]) == [("GET /", 200, "complete", 0, 10)]
    assert exchanges[0].response
    assert exchanges[0].response.defects == ["5 bytes of the body are not in the capture"]


def test_a_hole_as_long_as_the_rest_of_the_body_ends_it() -> None:
    talk = Talk().client(GET).server(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n").hole(SERVER, 8)
    assert told(talk.client(GET).server(OK).read()) == [("GET /", 200, "complete", 0, 8), ANSWERED]


def test_a_hole_inside_a_chunk_is_bridged() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nab"
    talk = Talk().client(GET).server(head).hole(SERVER, 6).server(b"\r\n0\r\n\r\n")
    assert told(talk.read()) == [("GET /", 200, "complete", 0, 8)]


@pytest.mark.parametrize("exact", [True, False])
def test_behind_any_other_hole_nothing_is_guessed(*, exact: bool) -> None:
    talk = Talk(exact).client(GET).server(b"HTTP/1.1 200 OK\r\nContent-Le").hole(SERVER, 9).server(OK)
    cut, unasked = talk.close(SERVER, "fin").read()
    assert cut.outcome == "unseen"
    assert cut.response is not None
    assert not cut.response.complete
    assert unasked.request is None


# --- other protocols ------------------------------------------------------------------------------


@pytest.mark.parametrize("at_once", [False, True])
def test_a_protocol_that_was_changed_is_no_longer_read(*, at_once: bool) -> None:
    ask = b"GET /chat HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    switch = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x05hello"
    talk = Talk().client(ask).server(switch).client(GET).server(OK)
    (exchange,) = talk.read(at_once=at_once)
    assert told([exchange]) == [("GET /chat", 101, "complete", 0, 0)]
    assert exchange.response
    assert exchange.response.framing == "tunnel"


@pytest.mark.parametrize("at_once", [False, True])
def test_a_tunnel_by_connect(*, at_once: bool) -> None:
    ask = b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n"
    talk = Talk().client(ask).server(b"HTTP/1.1 200 Connection established\r\n\r\n")
    request, response = only(talk.client(b"\x16\x03\x01").server(b"\x16\x03\x03").read(at_once=at_once))
    assert (request.authority, response.framing, response.complete) == ("a.example:443", "tunnel", True)


def test_a_tunnel_announces_no_close_whatever_the_proxy_says() -> None:
    ask = b"CONNECT a.example:443 HTTP/1.0\r\nConnection: close\r\n\r\n"
    said = b"HTTP/1.0 200 Connection established\r\nConnection: close\r\n\r\n"
    request, response = only(Talk().client(ask).server(said).read())
    assert (request.close_announced, response.close_announced) == (False, False)


@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.parametrize(
    "ask", [b"CONNECT a:443 HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nUpgrade: h2c\r\n\r\n"]
)
def test_a_change_of_protocol_that_was_refused_leaves_http(ask: bytes, *, at_once: bool) -> None:
    refused = OK.replace(b"200", b"403")
    talk = Talk().client(ask + HEAD).server(refused + b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n")
    statuses = [row[1:3] for row in told(talk.read(at_once=at_once))]
    assert statuses == [(403, "complete"), (200, "complete")]


def test_an_upgrade_that_was_answered_before_its_body_had_come() -> None:
    ask = b"POST / HTTP/1.1\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\n"
    talk = Talk().client(ask).server(OK).client(b"xx").client(GET).server(OK)
    assert told(talk.read()) == [("POST /", 200, "complete", 2, 3), ANSWERED]


def test_an_earlier_answer_does_not_settle_a_later_upgrade() -> None:
    ask = b"GET /chat HTTP/1.1\r\nUpgrade: websocket\r\n\r\n"
    switch = b"HTTP/1.1 101 Switching Protocols\r\n\r\n"
    talk = Talk().client(GET + ask).server(OK).client(b"\x81\x85....junk\r\n\r\n").server(switch)
    assert told(talk.read()) == [ANSWERED, ("GET /chat", 101, "complete", 0, 0)]


def test_http_2_is_named() -> None:
    exchanges, http = Talk().client(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").server(b"\0\0\0\4\0").reader()
    assert exchanges == []
    assert http.requests.foreign == "HTTP/2"


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        (b"EHLO client.example\r\n", b"220 mail.example ESMTP\r\n"),
        (b"SSH-2.0-client\r\n", b"SSH-2.0-server\r\n"),
        (b"ping", b"pong"),
        (b"", b"220 ftp.example\r\n"),
        (b"HELF \0\0\0\0", b"ACKF\0"),
        (b"hello there\nworld\n", b"hello you\n"),
    ],
)
def test_other_protocols_make_no_exchanges(asked: bytes, answered: bytes, size: int) -> None:
    talk = Talk().client(asked).server(answered).recut(size).close(SERVER, "fin")
    assert talk.read(at_once=True) == []


@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.parametrize("size", [2, 1000])
def test_an_http_server_that_was_asked_in_another_protocol_is_heard(size: int, *, at_once: bool) -> None:
    talk = Talk().client(b"hello there\n").server(OK).recut(size)
    assert told(talk.read(at_once=at_once)) == [(None, 200, "complete", 0, 3)]


def test_an_answer_that_is_not_http_is_shown_as_it_came() -> None:
    (exchange,) = Talk().client(GET).server(b"SSH-2.0-server\r\n").close(SERVER, "fin").read()
    assert exchange.response
    assert (exchange.response.status, exchange.response.complete) == (0, False)
    assert exchange.response.defects == ["16 bytes that are no response: 'SSH-2.0-server\\r\\n'"]


# --- where and when -------------------------------------------------------------------------------


def test_packets_of_first_and_last_bytes_in_clear_text() -> None:
    talk = Talk().client(GET[:10]).client(GET[10:]).server(OK[:9]).server(OK[9:-1]).server(OK[-1:] + OK)
    request, response = only(talk.client(GET).read(at_once=True)[:1])
    assert (request.packet, request.last_packet) == (1, 2)
    assert (request.start, request.end) == (0, len(GET))
    assert (response.packet, response.last_packet) == (3, 5)
    assert (response.start, response.end) == (0, len(OK))


def test_offsets_in_tls_are_those_of_whole_records() -> None:
    talk = Talk(exact=False).client(GET[:10]).client(GET[10:] + GET).server(OK[:9]).server(OK[9:] + OK)
    first, second = talk.read(at_once=True)
    assert first.request
    assert second.request
    assert first.response
    assert second.response
    records = [10 + 22, 10 + 22 + len(GET) * 2 - 10 + 22]
    assert (first.request.start, first.request.end) == (0, records[1])
    assert (second.request.start, second.request.end) == (records[0], records[1])
    assert (second.request.packet, second.response.packet) == (2, 4)
    assert first.response.last_packet == 4


def test_times_between_and_within_exchanges() -> None:
    talk = Talk().client(GET, at=10).server(OK[:5], at=11).server(OK[5:], at=12)
    talk.client(GET, at=17.5).server(OK, at=18)
    first, second = talk.read()
    assert (first.idle_before_ns, second.idle_before_ns) == (None, int(5.5 * SECOND))
    assert (first.duration_ns, second.duration_ns) == (2 * SECOND, SECOND // 2)
    assert [first.ordinal, second.ordinal] == [1, 2]


def test_requests_with_the_same_body_have_the_same_digest() -> None:
    post = b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\n"
    chunked = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"
    talk = Talk().client(post + b"abc" + post + b"abd" + chunked + GET)
    same, other, again, empty = (e.request.body_digest for e in talk.recut(5).read() if e.request)
    assert same == again != other
    assert empty is None


@pytest.mark.parametrize("exact", [True, False])
def test_what_waited_for_the_answer_to_a_connect_keeps_its_packets(*, exact: bool) -> None:
    reading = Reading()
    reader = RequestReader(reading, ExchangeShare(reading.exchanges), exact=exact)
    ask = b"CONNECT a:443 HTTP/1.1\r\n\r\n"
    size = len(ask)
    reader.feed([(ask + b"x", 0, size + 1)])
    reader.feed([(b"ab", size + 1, size + 3), (b"cd", size + 3, size + 5)])
    reader.answer(tunnel=True)
    first = (b"x", size if exact else 0, size + 1)
    assert reader.tunnelled == [first, (b"ab", size + 1, size + 3), (b"cd", size + 3, size + 5)]


@pytest.mark.parametrize(("asked", "answered"), [(3, True), (7, False)])
def test_a_request_that_is_read_after_its_answer_still_has_it(*, asked: int, answered: bool) -> None:
    where = (Where([Act(CLIENT, asked, asked, 0, len(GET), GET)]), Where([Act(SERVER, 5, 5, 0, len(OK), OK)]))
    http = Http1(Reading(), exact=True)
    http.feed((), [(OK, 0, len(OK))], where)
    http.feed([(GET, 0, len(GET))], (), where)
    end = Endpoint("192.0.2.1", 1)
    exchanges = http.close(Connection(1, end, end, 1, 0), where)
    assert [(bool(e.request), bool(e.response)) for e in exchanges] == (
        [(True, True)] if answered else [(False, True), (True, False)]
    )


def test_a_head_in_which_every_line_is_wrong_has_a_hundred_defects_and_a_folded_field_one_value() -> None:
    head = b"HTTP/1.1 200 OK\r\nA: b" + b"\r\n c" * 5000 + b"\r\nno colon" * 5000
    _, response = only(Talk().client(GET).server(head + b"\r\nContent-Length: 0\r\n\r\n").read())
    assert len(response.defects) == 100
    assert response.headers[0] == ("A", "b" + " c" * 5000)
    assert response.complete
