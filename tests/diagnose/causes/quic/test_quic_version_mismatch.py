"""The server named other versions of QUIC, and the client came with none of them."""

from __future__ import annotations

from plainwire.diagnose import diagnose
from plainwire.model import Connection, Side, StreamEvent
from tests.diagnose.causes.quic.quic_connections import unanswered
from tests.diagnose.wire import EPOCH_NS, MS, only


def negotiated() -> Connection:
    connection = unanswered(answered=True)
    detail = "the server knows QUIC v2"
    connection.events = [StreamEvent("version_negotiation", Side.SERVER, EPOCH_NS + MS, 2, detail=detail)]
    return connection


def test_no_version_in_common() -> None:
    finding = only(diagnose([negotiated()]))
    assert (finding.code, finding.fault, finding.certainty) == ("quic-version-mismatch", "both", "likely")
    assert "asked for QUIC v1" in finding.claim
    assert "the server knows QUIC v2" in finding.claim
    assert 2 in finding.packets


def test_a_client_that_comes_again_in_another_version_is_well() -> None:
    connection = negotiated()
    connection.established = True
    assert diagnose([connection]) == []
