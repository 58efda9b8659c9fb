"""Signs of HTTP: statuses, bodies, defects."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from plainwire.diagnose.signs import collect
from plainwire.model import SYN, Connection, Content, Exchange, Gap, Request, Response, StreamEvent, Syn
from tests.diagnose.wire import CLIENT, EPOCH_NS, SERVER, Wire


def _signs(*connections: Connection) -> list[tuple[str, str | None]]:
    return [(sign.kind, sign.claimed_by) for sign in collect(connections)]


def _answered(status: int, **fields: str) -> tuple[Connection, Request, Response]:
    wire = Wire()
    wire.ask(0)
    exchange = wire.answer(80, status=status)
    assert exchange.request is not None
    assert exchange.response is not None
    exchange.response.headers += [(name.replace("_", "-"), value) for name, value in fields.items()]
    return wire.done(), exchange.request, exchange.response


@pytest.mark.parametrize("status", [401, 403, 404, 409, 410, 422])
def test_the_application_s_own_answers_are_harmless(status: int) -> None:
    connection, _, _ = _answered(status)
    assert _signs(connection) == [
        ("status-4xx", "harmless: the application's answer to a request that it understood")
    ]


@pytest.mark.parametrize("status", [400, 408, 411, 413, 421, 431])
def test_what_a_server_says_of_a_request_that_it_would_not_read_is_a_sign(status: int) -> None:
    connection, _, _ = _answered(status)
    assert _signs(connection) == [("status-4xx", None)]


def test_a_400_about_the_application_s_data_is_harmless() -> None:
    connection, _, response = _answered(400, Content_Type="application/problem+json")
    assert _signs(connection)[0][1] == "harmless: the application's answer to a request that it understood"
    response.close_announced = True
    assert _signs(connection) == [("status-4xx", None)]


def test_a_server_error_is_a_sign() -> None:
    connection, _, _ = _answered(502)
    assert _signs(connection) == [("status-5xx", None)]


@pytest.mark.parametrize(("status", "field"), [(401, "Authorization"), (407, "Proxy-Authorization")])
def test_credentials_that_were_asked_for_and_given_are_harmless(status: int, field: str) -> None:
    wire = Wire()
    wire.ask(0)
    wire.answer(80, status=status)
    again = wire.ok(200)
    assert again.request is not None
    again.request.headers.append((field, "x"))
    assert _signs(wire.done()) == [("status-4xx", "harmless: credentials were asked for and then given")]


def test_a_connect_that_was_not_granted_is_a_sign() -> None:
    wire = Wire()
    wire.ask(0, "server.example:443", method="CONNECT")
    wire.answer(80, status=403)
    assert _signs(wire.done()) == [("connect-not-granted", None)]


def test_an_upgrade_that_was_not_granted_is_a_sign() -> None:
    connection, request, _ = _answered(200)
    request.headers += [("Connection", "Upgrade"), ("Upgrade", "websocket")]
    assert _signs(connection) == [("upgrade-not-granted", None)]
    request.headers[-1] = ("Upgrade", "h2c")  # that a server does not take this up is normal
    assert _signs(connection) == []


def test_a_body_that_does_not_decode_is_a_sign_and_an_unknown_coding_is_not() -> None:
    connection, _, response = _answered(200)
    response.content = Content(["gzip"], defect="corrupt at byte 0")
    assert _signs(connection) == [("content-not-decodable", None)]
    response.content = Content(["lzma"], defect="content coding lzma is not decoded")
    assert _signs(connection) == []


def test_a_body_with_a_hole_of_the_capture_does_not_speak() -> None:
    connection, _, response = _answered(200)
    response.content = Content(["gzip"], defect="corrupt at byte 0")
    connection.gaps = [Gap(SERVER, 10, 20, 3)]
    assert _signs(connection) == []


def test_defects_count_where_their_receiver_minded_them() -> None:
    connection, request, response = _answered(200)
    request.defects, response.defects = ["odd"], ["odd"]
    assert _signs(connection) == []
    response.status = 400
    assert ("message-defect", None) in _signs(connection)


def test_a_response_whose_stream_the_client_reset_for_its_defects_is_a_sign() -> None:
    connection, _, response = _answered(200)
    response.defects = ["odd"]
    reset = StreamEvent("rst_stream", CLIENT, response.last_ns, response.packet, 1, 1, "PROTOCOL_ERROR")
    connection.exchanges[0].reset = reset
    assert _signs(connection) == [("message-defect", None)]


def test_a_request_that_was_not_sent_to_its_end_is_a_sign() -> None:
    wire = Wire()
    wire.ask(0, method="POST", complete=False)
    wire.answer(80)
    assert _signs(wire.done()) == [("request-incomplete", None)]


def test_a_response_to_nothing_is_a_sign_where_the_capture_lost_nothing() -> None:
    wire = Wire(first_packet=2)
    wire.unasked(0, 408)
    connection = wire.done()
    connection.syns = [Syn(1, EPOCH_NS, CLIENT, SYN, 64240, 64)]
    assert _signs(connection) == [("response-before-request", None)]
    connection.mid_stream = True
    assert _signs(connection) == []


def test_a_408_by_which_a_server_closes_an_idle_connection_is_harmless_where_nothing_was_asked_after_it() -> (
    None
):
    wire = Wire(first_packet=2)
    wire.ask(0)
    wire.answer(80)
    wire.unasked(5_000, 408)
    wire.close(SERVER, "fin", 5_001)
    connection = wire.done()
    connection.syns = [Syn(1, EPOCH_NS, CLIENT, SYN, 64240, 64)]
    ((kind, reason),) = _signs(connection)
    assert kind == "response-before-request"
    assert reason is not None
    assert "a server that closes an idle connection" in reason
    connection.exchanges[1].response.status = 502  # type: ignore[union-attr]
    assert _signs(connection) == [("response-before-request", None)]


def test_a_response_ahead_of_a_syn_may_answer_what_stood_in_the_syn() -> None:
    """TCP Fast Open: RFC 7413."""
    wire = Wire()
    wire.unasked(0, 200)
    assert _signs(wire.done()) == []


def test_a_request_that_acknowledges_the_response_before_was_not_early() -> None:
    """Packets change places in captures, numbers do not."""
    wire = Wire()
    wire.ask(0)
    wire.answer(80)
    late = wire.exchanges[0].response
    wire.ask(90)
    wire.answer(170)
    connection = wire.done()
    assert late is not None
    late.time_ns += 50_000_000
    assert _signs(connection) == []


def _two_requests_at_once(*, interim: Response | None = None) -> list[Exchange]:
    wire = Wire()
    first, second = wire.ask(0), wire.ask(10)
    answer = wire.answer(80).response
    assert answer is not None
    wire.exchanges[:] = [first, second]
    first.response = replace(answer, packet=3, time_ns=answer.time_ns)
    second.response = replace(answer, packet=4, time_ns=answer.time_ns + 1)
    first.outcome = second.outcome = "complete"
    first.interim = [interim] if interim is not None else []
    return wire.exchanges


def test_pipelined_requests_that_were_answered_are_harmless() -> None:
    connection = Wire().done()
    connection.exchanges = _two_requests_at_once()
    assert _signs(connection) == [
        (
            "request-too-early",
            "harmless: pipelined requests (RFC 9112 section 9.3.2), each answered in its turn",
        )
    ]


def test_a_request_that_left_upon_an_interim_response_is_a_sign() -> None:
    connection = Wire().done()
    hint = Response(103, "", "HTTP/1.1", [], 0, 10, packet=2, time_ns=0)
    connection.exchanges = _two_requests_at_once(interim=hint)
    assert _signs(connection) == [("request-too-early", None)]


def test_a_push_that_the_client_did_not_want_is_harmless() -> None:
    wire = Wire()
    exchange = wire.ask(0)
    exchange.pushed, exchange.protocol = True, "h2"
    assert _signs(wire.done("aborted")) == [
        ("exchange-aborted", "harmless: a push that the client did not want")
    ]


@pytest.mark.parametrize(
    ("method", "claimed"),
    [("PUT", None), ("GET", "harmless: who asks for the same at intervals looks just so")],
)
def test_a_whole_response_behind_which_the_client_waited_and_asked_again(
    method: str, claimed: str | None
) -> None:
    wire = Wire()
    wire.ask(0, method=method)
    wire.answer(80)
    wire.close(CLIENT, "fin", 12_000)
    again = Wire(id=2, first_exchange=5, first_packet=20, start=12_010)
    again.ask(0, method=method)
    again.answer(80)
    assert _signs(wire.done(), again.done()) == [("response-not-taken", claimed)]
    assert _signs(wire.done()) == []
