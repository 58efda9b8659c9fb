"""The request is for another name than the TLS connection."""

from __future__ import annotations

import pytest

from plainwire.diagnose import diagnose
from tests.diagnose.causes.semantics.talks import Talk
from tests.diagnose.wire import only


def test_requests_for_another_name_than_the_connection_s_that_are_all_refused() -> None:
    talk = Talk()
    for _ in range(3):
        talk.say(200)
    for _ in range(3):
        talk.say(403, "/b")
    for exchange in talk.wire.exchanges[3:]:
        assert exchange.request is not None
        exchange.request.headers[0] = ("Host", "other.example")
    connection = talk.done()
    assert connection.tls is not None
    connection.tls.server_name = "storage.example"
    assert only(diagnose([connection])).code == "sni-host-mismatch"
    connection.tls.server_name = "other.example"
    assert diagnose([connection]) == []


@pytest.mark.parametrize(
    ("server", "name", "host", "says"),
    [
        ("Jetty(12.1.14)", "", "192.0.2.7:8443", "told no server name"),
        ("Jetty(12.1.14)", "api.example", "other.example", "for another name than its TLS connection"),
        ("Jetty(12.1.14)", "api.example", "api.example:8443", ""),
        ("nginx", "", "192.0.2.7:8443", ""),
    ],
    ids=["no name", "another name", "the names agree", "another server"],
)
def test_jetty_compares_the_names(server: str, name: str, host: str, says: str) -> None:
    talk = Talk()
    talk.say(400)
    (exchange,) = talk.wire.exchanges
    assert exchange.request is not None
    assert exchange.response is not None
    exchange.request.headers = [("Host", host)]
    exchange.response.headers = [("Server", server), ("Content-Type", "text/html;charset=iso-8859-1")]
    connection = talk.done()
    assert connection.tls is not None
    connection.tls.server_name = name
    found = [(f.code, f.fault, f.certainty, says in f.claim) for f in diagnose([connection])]
    assert found == ([("sni-host-mismatch", "client", "likely", True)] if says else [])
