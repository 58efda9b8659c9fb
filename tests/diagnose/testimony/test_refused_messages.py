"""Calls with status OK, and none or several messages: whether that is wrong, the client's words tell."""

from __future__ import annotations

import pytest

from plainwire.diagnose.testimony.refused_messages import refused_messages
from plainwire.diagnose.testimony.sayings import read_messages
from tests.diagnose.causes.grpc.calls import Calls
from tests.diagnose.testimony.speech import OWNER, account, words

REFUSED = "failed: StatusCode.INTERNAL No message received"
OVERDUE = "StatusCode.DEADLINE_EXCEEDED"
UNREACHED = "StatusCode.UNAVAILABLE failed to connect"


@pytest.mark.parametrize(
    ("messages", "text", "codes"),
    [
        (0, REFUSED, ["grpc-bad-messages"]),
        (2, OVERDUE, ["grpc-bad-messages"]),
        (1, REFUSED, []),
        (0, UNREACHED, []),
        (0, "KeyError: no such row", []),
    ],
)
def test_a_call_that_the_program_says_failed(messages: int, text: str, codes: list[str]) -> None:
    """grpc/grpc-java#3756, grpc/grpc-node#2768."""
    calls = Calls()
    exchange = calls.call(0, 0)
    assert exchange.grpc
    exchange.grpc.messages = [1, messages]
    connection = calls.connection()
    connection.program = OWNER
    events = account(words(text + "\n", 300))
    found = refused_messages([connection], [], events, read_messages(events))
    assert [finding.code for finding in found] == codes
    assert all((f.fault, f.certainty, f.exchanges) == ("unknown", "likely", [1]) for f in found)
