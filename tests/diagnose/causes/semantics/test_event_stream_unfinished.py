"""A stream of events that ended in order, without its closing event."""

from __future__ import annotations

from plainwire.diagnose import diagnose
from plainwire.model import EventStream
from tests.diagnose.wire import CLIENT, only

from .streams import cut
from .test_event_stream_error import whole


def test_a_known_protocol_without_its_closing_event_is_unfinished() -> None:
    finding = only(diagnose([whole(EventStream(4, dialect="Anthropic messages"))]))
    assert (finding.code, finding.fault, finding.certainty) == ("event-stream-unfinished", "server", "likely")
    assert "4 events came, none of them that one" in finding.claim


def test_with_its_closing_event_it_is_whole() -> None:
    assert diagnose([whole(EventStream(4, dialect="Anthropic messages", closing_packet=7))]) == []


def test_of_an_unknown_protocol_nobody_can_tell() -> None:
    assert diagnose([whole(EventStream(4))]) == []


def test_a_stream_that_the_client_left_is_not_unfinished() -> None:
    connection = cut(1, 2300, side=CLIENT, events=EventStream(4, dialect="Gemini"))
    assert only(diagnose([connection])).code == "client-abort"
