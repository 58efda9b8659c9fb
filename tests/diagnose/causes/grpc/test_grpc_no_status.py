"""A gRPC response that ended without a gRPC status."""

from __future__ import annotations

import pytest

from plainwire.diagnose import diagnose

from .calls import Calls


@pytest.mark.parametrize(
    ("kind", "says"), [("application/grpc+proto", "is of gRPC's type"), ("text/html", "something else than")]
)
def test_a_whole_response_without_a_status_is_the_servers(kind: str, says: str) -> None:
    calls = Calls()
    exchange = calls.call(0, None)
    assert exchange.response
    exchange.response.headers = [("content-type", kind)]
    finding = calls.finding()
    assert (finding.code, finding.fault, finding.certainty) == ("grpc-no-status", "server", "proved")
    assert says in finding.claim.replace(" and ", " is ")


def test_an_error_status_of_http_is_told_as_such() -> None:
    calls = Calls()
    exchange = calls.call(0, None)
    assert exchange.response
    exchange.response.status = 504
    assert calls.finding().code == "gateway-timeout"


def test_trailers_that_cannot_be_read_are_not_missing() -> None:
    calls = Calls()
    exchange = calls.call(0, None)
    assert exchange.grpc
    exchange.grpc.kind = "grpc-web-text"
    assert diagnose([calls.connection()]) == []


def test_a_response_with_holes_accuses_nobody() -> None:
    calls = Calls()
    exchange = calls.call(0, None)
    assert exchange.response
    exchange.response.defects = ["header table unknown: bytes are missing from the capture: 1 fields"]
    assert "grpc-no-status" not in {finding.code for finding in diagnose([calls.connection()])}
