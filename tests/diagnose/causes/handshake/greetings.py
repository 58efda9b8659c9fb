"""Handshakes of TLS that failed."""

from __future__ import annotations

from plainwire.model import (
    ACK,
    PSH,
    Certificate,
    Connection,
    Endpoint,
    TlsInfo,
)
from tests.diagnose.opening import Opening, healthy
from tests.diagnose.wire import CLIENT, SERVER

DAY_NS = 86_400 * 10**9


ELSEWHERE = Endpoint("203.0.113.8", 443)


def greeted() -> Opening:
    opening = Opening().syn(0).accept().hello(81)
    opening.segment(SERVER, 161, ack=517)
    return opening


def refusing(
    detail: str, leaf: Certificate | None = None, *, chain: int = 1, der: bytes = b"old"
) -> Connection:
    opening = greeted()
    opening.segment(SERVER, 165, ACK | PSH, ack=517, length=3000)
    opening.tls = TlsInfo(
        "TLS 1.3", "suite", server_name="api.example", certificate=der, chain=chain, leaf=leaf
    )
    opening.close(CLIENT, "alert", 166, seq=517, ack=3000, detail=detail)
    return opening.done()


def accepting(number: int, der: bytes, *, chain: int = 1) -> Connection:
    connection = healthy(number, server=ELSEWHERE)
    assert connection.tls is not None
    connection.tls.server_name, connection.tls.certificate, connection.tls.chain = "api.example", der, chain
    return connection
