"""An event inside a stream reports an error."""

from __future__ import annotations

import pytest

from plainwire.diagnose import diagnose
from plainwire.model import Connection, EventStream
from tests.diagnose.wire import EPOCH_NS, Wire, only

from .streams import cut

SAID = '{"error":{"type":"overloaded_error","message":"Overloaded"}}'


def failing() -> EventStream:
    return EventStream(3, error_packet=5, error_ns=EPOCH_NS + 120_000_000, error=SAID)


def whole(events: EventStream) -> Connection:
    wire = Wire()
    exchange = wire.ask(0, "/events", method="POST")
    wire.answer(80, declared=None, framing="chunked")
    assert exchange.response
    exchange.response.event_stream = events
    return wire.done()


def test_an_error_in_a_stream_with_status_200_is_a_failure() -> None:
    finding = only(diagnose([whole(failing())]))
    assert (finding.code, finding.fault, finding.failure) == ("event-stream-error", "server", True)
    assert [(quoted.packet, quoted.text) for quoted in finding.quotes] == [(5, SAID)]
    assert "Overloaded" not in finding.claim


@pytest.mark.parametrize("h2", [False, True])
def test_a_cut_behind_an_error_is_its_consequence(h2: bool) -> None:  # noqa: FBT001 - a parameter
    assert only(diagnose([cut(1, 5, h2=h2, events=failing())])).code == "event-stream-error"


def test_a_stream_without_an_error_is_none() -> None:
    assert diagnose([whole(EventStream(3))]) == []
