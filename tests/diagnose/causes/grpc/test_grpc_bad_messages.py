"""gRPC calls with status OK whose messages do not agree with that, and calls that only look so."""

from __future__ import annotations

import pytest

from plainwire.diagnose import diagnose

from .calls import Calls


def test_a_message_that_the_status_cuts_is_the_servers() -> None:
    calls = Calls()
    exchange = calls.call(0, 0)
    assert exchange.grpc
    exchange.grpc.missing, exchange.grpc.messages = 95, [1, 0]
    finding = calls.finding()
    assert (finding.code, finding.fault, finding.certainty) == ("grpc-bad-messages", "server", "proved")
    assert "95 bytes of its last message had not come; 0 whole messages had" in finding.claim


@pytest.mark.parametrize(("encoding", "count"), [("", 1), ("identity", 1), ("gzip", 0)])
def test_a_compressed_message_needs_the_name_of_its_encoding(encoding: str, count: int) -> None:
    calls = Calls()
    exchange = calls.call(0, 0)
    assert exchange.grpc
    assert exchange.response
    exchange.grpc.compressed = 1
    exchange.response.headers += [("grpc-encoding", encoding)] if encoding else []
    assert [f.code for f in diagnose([calls.connection()])] == ["grpc-bad-messages"] * count


@pytest.mark.parametrize("messages", [0, 1, 7])
def test_any_number_of_messages_may_be_what_a_method_streams(messages: int) -> None:
    calls = Calls()
    exchange = calls.call(0, 0)
    assert exchange.grpc
    exchange.grpc.messages = [1, messages]
    assert diagnose([calls.connection()]) == []
