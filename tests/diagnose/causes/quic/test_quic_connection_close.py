"""The server ended the QUIC connection."""

from __future__ import annotations

import pytest

from tests.diagnose.causes.http2.multiplexed import Multiplexed, says
from tests.diagnose.wire import SERVER


@pytest.mark.parametrize(("name", "fault"), [("H3_NO_ERROR", "server"), ("H3_EXCESSIVE_LOAD", "unknown")])
def test_a_quic_connection_that_the_server_closed(name: str, fault: str) -> None:
    finding = Multiplexed("h3").close(SERVER, "connection_close").quic_code(name).finding()
    assert says(finding)[:3] == ("quic-connection-close", fault, "proved")
    assert name in finding.claim


def test_a_stateless_reset_says_that_the_server_forgot() -> None:
    finding = Multiplexed("h3").close(SERVER, "stateless_reset").finding()
    assert says(finding)[:3] == ("quic-stateless-reset", "server", "proved")
