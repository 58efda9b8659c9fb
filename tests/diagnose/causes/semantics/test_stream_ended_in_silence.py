"""Streams of events that a limit of silence ended in order."""

from __future__ import annotations

from plainwire.diagnose import diagnose
from plainwire.model import Connection, EventStream
from tests.diagnose.wire import Wire, only


def ended(number: int, silence_ms: float, *, pause_ms: int = 100, whole: bool = False) -> Connection:
    """A complete stream whose end came ``silence_ms`` after its last event."""
    wire = Wire(id=number, first_exchange=number, first_packet=100 * number, start=60_000 * number)
    exchange = wire.ask(0, "/events")
    wire.answer(80, declared=None, framing="chunked")
    response = exchange.response
    assert response
    last = response.last_ns
    response.event_stream = EventStream(
        3, closing_packet=7 if whole else None, last_ns=last, longest_pause_ns=pause_ms * 1_000_000
    )
    response.last_ns = last + int(silence_ms * 1_000_000)
    return wire.done()


def test_the_same_usual_silence_before_two_ends_is_a_limit() -> None:
    finding = only(diagnose([ended(1, 3001), ended(2, 3004)]))
    assert (finding.code, finding.fault, finding.certainty) == ("stream-idle-timeout", "server", "likely")
    assert "2 such streams ended after the same silence, 3.001 s to 3.004 s" in finding.claim


def test_a_silence_that_nobody_configures_needs_a_third() -> None:
    streams = [ended(number, 6400 + number) for number in range(1, 4)]
    assert diagnose(streams[:2]) == []
    assert only(diagnose(streams)).code == "stream-idle-timeout"


def test_one_end_after_silence_is_no_habit() -> None:
    assert diagnose([ended(1, 3001)]) == []


def test_a_stream_that_pauses_as_long_by_itself_ended_at_its_own_pace() -> None:
    assert diagnose([ended(1, 3001, pause_ms=2900), ended(2, 3004)]) == []


def test_what_its_own_protocol_closed_was_whole() -> None:
    assert diagnose([ended(1, 3001, whole=True), ended(2, 3004, whole=True)]) == []


def test_ends_at_different_times_are_the_servers_own() -> None:
    assert diagnose([ended(1, 3001), ended(2, 5203)]) == []
