"""Tunnels that did not come about, and what a proxy takes from the evidence."""

from __future__ import annotations

import pytest

from plainwire.diagnose import diagnose
from plainwire.model import Connection, Finding, Tunnel
from tests.diagnose.wire import CLIENT, SERVER, Wire, only


def connect(status: int, *, number: int = 1, at: float = 0.0) -> Connection:
    wire = Wire(id=number, first_exchange=10 * number, first_packet=100 * number, tls=False, start=at)
    wire.ask(0, "api.example:443", method="CONNECT")
    wire.answer(80, status=status)
    wire.close(CLIENT, "fin", 90)
    return wire.done("complete")


def test_a_connect_that_is_answered_with_an_error_is_the_proxy_s() -> None:
    finding = only(diagnose([connect(503)]))
    assert (finding.code, finding.fault, finding.certainty) == ("proxy-connect-failure", "path", "likely")
    assert "status 503" in finding.claim
    assert finding.retry_safe is True


def test_a_tunnel_that_came_about_is_no_finding() -> None:
    assert diagnose([connect(200)]) == []


def test_a_challenge_that_was_answered_is_how_authentication_goes() -> None:
    assert diagnose([connect(407), connect(200, number=2, at=200)]) == []


def test_a_challenge_that_stayed_unanswered_is_the_client_s() -> None:
    finding = only(diagnose([connect(407)]))
    assert (finding.code, finding.fault) == ("proxy-connect-failure", "client")


def test_wrong_credentials_are_the_client_s_whatever_the_proxy_calls_them() -> None:
    """Tinyproxy answers 401 to a CONNECT with a wrong password."""
    connection = connect(401)
    request = connection.exchanges[0].request
    assert request is not None
    assert only(diagnose([connection])).fault == "path"
    request.headers = [("Proxy-Authorization", "[redacted]")]
    finding = only(diagnose([connection]))
    assert (finding.fault, "does not accept them" in finding.claim) == ("client", True)


def test_a_refusal_in_socks_is_the_same() -> None:
    wire = Wire(tls=False)
    wire.ack(CLIENT, 0)
    connection = wire.done()
    connection.tunnels.append(Tunnel("SOCKS 5", "", 1, "the proxy refused: host unreachable"))
    finding = only(diagnose([connection]))
    assert (finding.code, finding.packets) == ("proxy-connect-failure", [1])


def relayed(kind: str) -> Connection:
    """A request inside a tunnel."""
    wire = Wire()
    tunnel = wire.ask(0, "api.example:443", method="CONNECT")
    wire.answer(80)
    wire.ask(200)
    wire.exchanges[-1].via = tunnel
    if kind == "close":
        wire.ack(SERVER, 290)
        wire.close(SERVER, "close_notify", 300)
    else:
        wire.close(SERVER, kind, 300)  # type: ignore[arg-type]
    return wire.done("unanswered")


def test_through_a_proxy_what_tcp_says_is_the_proxy_s_word() -> None:
    finding = only(diagnose([relayed("close")]))
    assert (finding.code, finding.certainty) == ("close-mid-request", "likely")
    assert "through a proxy" in finding.claim
    assert only(diagnose([relayed("rst")])).certainty == "possible"


def test_a_body_that_tls_itself_cut_is_still_proved() -> None:
    wire = Wire()
    tunnel = wire.ask(0, "api.example:443", method="CONNECT")
    wire.answer(80)
    wire.ask(200)
    wire.answer(280, body=50, complete=False)
    wire.exchanges[-1].via = tunnel
    wire.close(SERVER, "close_notify", 300)
    finding = only(diagnose([wire.done("truncated")]))
    assert (finding.code, finding.certainty) == ("response-truncated", "proved")


def _whole_url(
    *fields: tuple[str, str], target: str = "http://storage.example/object", status: int = 503
) -> list[Finding]:
    wire = Wire()
    wire.ask(0, target)
    response = wire.answer(80, status=status).response
    assert response is not None
    response.headers = list(fields)
    return diagnose([wire.done()])


def test_a_proxys_own_answer_to_a_whole_url_is_not_the_servers() -> None:
    finding = only(_whole_url(("X-Squid-Error", "ERR_CONNECT_FAIL 111")))
    assert (finding.code, finding.fault, finding.certainty) == ("proxy-connect-failure", "path", "proved")
    assert [quote.text for quote in finding.quotes] == ["ERR_CONNECT_FAIL 111"]
    assert "could not connect to the server" in finding.claim
    assert only(_whole_url()).certainty == "possible"


@pytest.mark.parametrize(
    ("status", "field", "fault"),
    [
        (500, ("Server", "tinyproxy/1.11.1"), "path"),
        (503, ("Expires", "Sat, 17 Jun 2000 12:00:00 GMT"), "path"),
        (403, ("X-Squid-Error", "ERR_ACCESS_DENIED 0"), "path"),
        (502, ("Proxy-Status", "p.example; error=connection_refused"), "path"),
        (407, ("Proxy-Authenticate", "Basic"), "client"),
    ],
)
def test_proxies_are_known_by_their_marks(status: int, field: tuple[str, str], fault: str) -> None:
    finding = only(_whole_url(field, status=status))
    assert (finding.code, finding.fault) == ("proxy-connect-failure", fault)
    assert ("Repeating does not help" in finding.advice_client) is (status == 403)


def test_what_a_proxy_passes_on_is_likely_the_servers() -> None:
    finding = only(_whole_url(("Server", "nginx"), ("Via", "1.1 proxy.example (squid/5.7)")))
    assert (finding.code, finding.fault, finding.certainty) == ("overload-5xx", "server", "likely")
    assert "went to a proxy" in finding.claim
    assert _whole_url(("Server", "nginx"), status=404) == []


def test_a_close_in_answer_to_a_whole_url_is_nobodys_proved() -> None:
    wire = Wire()
    wire.ask(0, "http://storage.example/object")
    wire.ack(SERVER, 80)
    wire.close(SERVER, "fin", 90)
    finding = only(diagnose([wire.done("unanswered")]))
    assert (finding.code, finding.fault, finding.certainty) == ("close-mid-request", "unknown", "likely")


def test_a_tunnel_that_was_opened_in_http_1_0_is_not_announced_as_closing() -> None:
    """Tinyproxy grants each CONNECT by ``HTTP/1.0 200`` without keep-alive."""
    connection = relayed("fin")
    granted = connection.exchanges[0].response
    assert granted is not None
    granted.version, granted.headers = "HTTP/1.0", [("Proxy-agent", "tinyproxy/1.11.1")]
    finding = only(diagnose([connection]))
    assert (finding.code, finding.fault) == ("close-mid-request", "unknown")


def test_an_interceptors_answer_inside_its_tunnel_is_the_paths() -> None:
    wire = Wire()
    wire.ask(0, "api.example:443", method="CONNECT")
    wire.answer(80)
    wire.ask(200)
    response = wire.answer(280, status=502).response
    assert response is not None
    response.headers = [("Server", "mitmproxy 11.0.2")]
    finding = only(diagnose([wire.done()]))
    assert (finding.code, finding.fault) == ("overload-5xx", "path")


def test_an_error_in_answer_to_a_path_is_not_a_forward_proxys() -> None:
    assert only(_whole_url(target="/object")).code == "overload-5xx"
