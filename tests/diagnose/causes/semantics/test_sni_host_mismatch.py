"""The request is for another name than the TLS connection."""

from __future__ import annotations

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
