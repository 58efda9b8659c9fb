"""The server ended the QUIC connection."""

from __future__ import annotations

import pytest

from plainwire.diagnose import diagnose
from plainwire.model import CloseEvent, StreamEvent
from tests.diagnose.causes.http2.multiplexed import Multiplexed, says
from tests.diagnose.causes.quic.quic_connections import unanswered
from tests.diagnose.wire import SERVER


@pytest.mark.parametrize(("name", "fault"), [("H3_NO_ERROR", "server"), ("H3_EXCESSIVE_LOAD", "unknown")])
def test_a_quic_connection_that_the_server_closed(name: str, fault: str) -> None:
    finding = Multiplexed("h3").close(SERVER, "connection_close").quic_code(name).finding()
    assert says(finding)[:3] == ("quic-connection-close", fault, "proved")
    assert name in finding.claim


def test_a_stateless_reset_says_that_the_server_forgot() -> None:
    finding = Multiplexed("h3").close(SERVER, "stateless_reset").finding()
    assert says(finding)[:3] == ("quic-stateless-reset", "server", "proved")


@pytest.mark.parametrize(
    ("name", "faults"),
    [("CONNECTION_REFUSED", ["server"]), ("PROTOCOL_VIOLATION", ["unknown"]), ("NO_ERROR", [])],
)
def test_one_that_it_closed_before_a_request(name: str, faults: list[str]) -> None:
    connection = unanswered(answered=True)
    at = connection.opened_ns + 5_000_000
    connection.closes = [CloseEvent("connection_close", SERVER, at, 5, 0, None)]
    connection.events = [StreamEvent("connection_close", SERVER, at, 5, code=2, name=name)]
    findings = diagnose([connection])
    assert [finding.fault for finding in findings] == faults
    assert {finding.code for finding in findings} <= {"quic-connection-close"}
    assert not any("streams" in finding.claim or "GOAWAY" in finding.advice_server for finding in findings)
