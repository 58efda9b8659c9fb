"""The two ends of a connection."""

from __future__ import annotations

from plainwire.diagnose.evidence.ends import on_one_host
from plainwire.model import Endpoint
from tests.diagnose.wire import Wire


def test_loopback_and_one_address_are_one_host() -> None:
    def pair(client: str, server: str) -> bool:
        return on_one_host(Wire(client=Endpoint(client, 1), server=Endpoint(server, 2)).done())

    assert pair("127.0.0.1", "127.0.0.2")
    assert pair("::1", "::1")
    assert pair("192.0.2.7", "192.0.2.7")
    assert not pair("192.0.2.7", "192.0.2.8")
    assert not pair("127.0.0.1", "192.0.2.8")
