"""The answer to TLS came in clear text."""

from __future__ import annotations

from plainwire.diagnose import diagnose
from plainwire.model import (
    ACK,
    PSH,
    Connection,
    Exchange,
    Response,
    Undecrypted,
)
from tests.diagnose.opening import Opening, healthy
from tests.diagnose.wire import EPOCH_NS, MS, SERVER, only


def clear_text(number: int = 1) -> Connection:
    opening = Opening(number).syn(0).accept().hello(81)
    packet = opening.segment(SERVER, 161, ACK | PSH, ack=517, length=90)
    opening.close(SERVER, "fin", 162, seq=90, ack=517)
    connection = opening.done()
    response = Response(400, "", "HTTP/1.1", [], 0, 90, packet=packet, last_packet=packet, complete=True)
    response.time_ns = response.last_ns = EPOCH_NS + 161 * MS
    connection.exchanges.append(Exchange(1, number, 1, None, response, "complete"))
    connection.undecrypted.append(Undecrypted("clear text", SERVER, packet))
    return connection


def test_http_in_clear_text_in_answer_to_the_hello() -> None:
    finding = only(diagnose([clear_text()]))
    assert (finding.code, finding.fault) == ("plaintext-on-tls-port", "unknown")


def test_where_the_address_speaks_tls_otherwise_it_is_the_server_s() -> None:
    assert only(diagnose([healthy(), clear_text()])).fault == "server"
