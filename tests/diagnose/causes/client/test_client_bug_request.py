"""The request breaks the rules of HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from plainwire.diagnose import diagnose
from tests.diagnose.causes.middlebox.gateways import served
from tests.diagnose.wire import CLIENT, SERVER, Wire

if TYPE_CHECKING:
    from plainwire.model import Connection


def bad_request(defects: list[str], status: int = 400) -> Connection:
    connection = served((status, 5.0))
    request = connection.exchanges[0].request
    assert request is not None
    request.defects = defects
    return connection


def test_a_broken_request_that_is_refused_as_such_is_the_client_s() -> None:
    (finding,) = diagnose([bad_request(["no Host"])])
    assert (finding.code, finding.fault, finding.certainty) == ("client-bug-request", "client", "proved")
    assert "Host" not in finding.claim


def test_a_400_without_a_defect_is_the_program_s_own_business() -> None:
    assert diagnose([bad_request([])]) == []


def test_a_broken_request_that_was_answered_well_is_no_finding() -> None:
    assert diagnose([bad_request(["no Host"], status=200)]) == []


def test_a_request_without_host_that_is_refused_as_such() -> None:
    connection = bad_request([])
    request = connection.exchanges[0].request
    assert request is not None
    request.headers = [("Accept", "*/*")]
    (finding,) = diagnose([connection])
    assert finding.code == "client-bug-request"
    assert "it has no Host field" in finding.claim


@pytest.mark.parametrize(
    ("status", "target", "coding", "says"),
    [
        (400, "/%", "", "hexadecimal"),
        (400, "/a?b=%", "", ""),
        (400, "/%41", "", ""),
        (411, "/", "", "Content-Length"),
        (501, "/", "foo", "another coding than chunked"),
        (501, "/", "chunked", ""),
        (501, "/", "", ""),
    ],
)
def test_what_a_status_says_of_a_request_that_shows_it(
    status: int, target: str, coding: str, says: str
) -> None:
    connection = bad_request([], status=status)
    request = connection.exchanges[0].request
    assert request is not None
    request.target = target
    request.headers += [("Transfer-Encoding", coding)] if coding else []
    findings = diagnose([connection])
    assert [f.code for f in findings] == (["client-bug-request"] if says else [])
    assert not says or says in findings[0].claim


def test_bytes_that_only_the_capture_lacks_are_no_defect_of_the_request() -> None:
    assert diagnose([bad_request(["2920 bytes of the body are not in the capture"])]) == []


def _too_short() -> Connection:
    """A body of 5 bytes is announced, and 18 more come in the same packet; the client hangs up at once."""
    wire = Wire()
    first = wire.ask(0, method="POST", size=100).request
    rest = wire.ask(0, size=18).request
    assert first is not None
    assert rest is not None
    first.framing, first.body_size = "content-length", 5
    rest.packet = rest.last_packet = first.last_packet
    rest.complete, rest.defects = False, ["the head is not complete"]
    wire.close(CLIENT, "fin", 100)
    wire.close(SERVER, "fin", 110)
    return wire.done("aborted")


def test_a_length_that_is_too_small_makes_the_rest_of_the_body_a_request() -> None:
    connection = _too_short()
    finding = next(f for f in diagnose([connection]) if f.code == "client-bug-request")
    assert (finding.fault, finding.exchanges) == ("client", [1, 2])
    assert "18 more bytes came behind it in the same packet" in finding.claim


def test_a_request_of_its_own_packet_is_no_rest_of_a_body() -> None:
    connection = _too_short()
    second = connection.exchanges[1].request
    assert second is not None
    second.packet += 1
    assert not [f for f in diagnose([connection]) if f.code == "client-bug-request"]


@pytest.mark.parametrize(
    ("target", "host", "kind", "says"),
    [
        ("/a|b[c]{d}", "api.test", "text/html;charset=utf-8", "must be written as %xx: [ ] { | }"),
        ("/filter?x[1]=2", "api.test", "application/json", ""),
        ("/a%7Cb", "api.test:8443", "text/html", ""),
        ("/", "a b", "text/html", "its Host (:authority) has a character"),
        ("/", "[::1]:8443", "text/html", ""),
    ],
    ids=["Tomcat's page", "an application's word", "escaped", "lighttpd's page", "an address"],
)
def test_what_strict_servers_refuse_is_likely_where_the_page_may_be_theirs(
    target: str, host: str, kind: str, says: str
) -> None:
    connection = bad_request([])
    (exchange,) = connection.exchanges
    assert exchange.request is not None
    assert exchange.response is not None
    exchange.request.target, exchange.request.headers = target, [("Host", host)]
    exchange.response.headers = [("Content-Type", kind)]
    found = [(f.code, f.certainty, says in f.claim) for f in diagnose([connection])]
    assert found == ([("client-bug-request", "likely", True)] if says else [])


@pytest.mark.parametrize(
    ("path", "fields", "certainty"),
    [
        ("/x%2Fy", [("Server", "Jetty(12.1.14)"), ("Cache-Control", "no-store")], "likely"),
        ("/a/%2e%2e/b", [("Content-Language", "en")], "likely"),  # Tomcat
        ("/x%2Fy", [], "possible"),
        ("/x%20y?a=%2F", [("Server", "Jetty(12.1.14)"), ("Cache-Control", "no-store")], None),
        ("/x%2Fy", [("Content-Type", "application/json")], None),  # the application's answer
    ],
)
def test_a_path_that_can_be_read_in_two_ways(
    path: str, fields: list[tuple[str, str]], certainty: str | None
) -> None:
    connection = bad_request([])
    request, response = connection.exchanges[0].request, connection.exchanges[0].response
    assert request is not None
    assert response is not None
    request.target, response.headers = path, [("Content-Type", "text/html"), *fields]
    if any(name == "Content-Type" for name, _ in fields):
        response.headers = fields
    findings = [f for f in diagnose([connection]) if f.code == "client-bug-request"]
    assert [(f.code, f.fault, f.certainty) for f in findings] == (
        [("client-bug-request", "both", certainty)] if certainty else []
    )


def test_a_server_that_takes_such_a_path_refuses_another_for_another_reason() -> None:
    connection = served((200, 5.0), (400, 5.0))
    for exchange, path in zip(connection.exchanges, ("/x%2Fy", "/x%2Fz"), strict=True):
        assert exchange.request is not None
        assert exchange.response is not None
        exchange.request.target, exchange.response.headers = path, [("Content-Type", "text/html")]
    assert diagnose([connection]) == []
