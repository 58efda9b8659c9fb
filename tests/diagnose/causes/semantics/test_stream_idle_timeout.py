"""A response was cut after a silence: a limit, where it is the same each time or a usual one."""

from __future__ import annotations

import pytest

from plainwire.diagnose import diagnose
from plainwire.model import EventStream, StreamEvent
from tests.diagnose.wire import SERVER, only

from .streams import cut


@pytest.mark.parametrize("h2", [False, True])
def test_the_same_silence_each_time_is_a_limit(h2: bool) -> None:  # noqa: FBT001 - a parameter
    finding = only(diagnose([cut(n, 4711 + n, start=9000.0 * n, h2=h2) for n in (1, 2)]))
    assert (finding.code, finding.fault, finding.certainty) == ("stream-idle-timeout", "server", "likely")
    assert "2 responses were cut after the same silence, 4.712 s to 4.713 s" in finding.claim
    assert "heartbeat" in finding.claim
    assert "range request" not in finding.advice_client


@pytest.mark.parametrize("h2", [False, True])
def test_a_usual_silence_once_is_no_more_than_possible(h2: bool) -> None:  # noqa: FBT001 - a parameter
    finding = only(diagnose([cut(1, 60_012, h2=h2)]))
    assert (finding.code, finding.certainty) == ("stream-idle-timeout", "possible")


def test_silences_that_differ_are_no_limit_and_are_named() -> None:
    finding = only(diagnose([cut(1, 1321), cut(2, 2655, start=5000), cut(3, 730, start=9000)]))
    assert finding.code == "response-truncated"
    assert "1.321 s after its last byte" in finding.claim


def test_a_silence_that_another_stream_survived_is_no_limit() -> None:
    survivor = cut(2, 700, pauses=(3200, 100), start=9000)
    codes = {finding.code for finding in diagnose([cut(1, 3005), survivor])}
    assert codes == {"response-truncated"}


def test_a_stream_that_ended_in_the_middle_of_its_beat_is_none() -> None:
    """Go's WriteTimeout ends responses that are too old, silent or not."""
    finding = only(diagnose([cut(n, 170, pauses=(400,) * 7, start=9000.0 * n) for n in (1, 2)]))
    assert finding.code == "response-truncated"
    assert "2 responses were cut the same time after their requests" in finding.claim


def test_responses_that_all_end_at_one_byte_announce_more_than_they_write() -> None:
    """The server gunicorn then ends the connection when it has been idle for its keep-alive."""
    short = [cut(n, 2001, pauses=(), start=9000.0 * n) for n in (1, 2)]
    for connection in short:
        response = connection.exchanges[0].response
        assert response is not None
        response.framing, response.declared_size, response.event_stream = "content-length", 1000, None
    finding = only(diagnose(short))
    assert finding.code == "response-truncated"
    assert "2 responses to such requests ended at this byte" in finding.claim


def test_heartbeats_that_came_are_not_called_missing() -> None:
    finding = only(diagnose([cut(1, 5004, events=EventStream(3, heartbeats=2))]))
    assert "heartbeat" not in finding.claim


@pytest.mark.parametrize(
    ("announced", "code"), [(True, "goaway-accepted-not-answered"), (False, "stream-idle-timeout")]
)
def test_a_connection_whose_end_was_announced_did_not_end_for_silence(announced: bool, code: str) -> None:  # noqa: FBT001
    """Limits of a connection's age let open streams go on for a while (gRPC: MAX_CONNECTION_AGE_GRACE)."""
    connection = cut(1, 3002)
    (exchange,) = connection.exchanges
    exchange.protocol, exchange.stream, connection.application = "h2", 1, "h2"
    if announced:
        at = connection.closes[0].time_ns - 3_500_000_000
        connection.events.append(StreamEvent("goaway", SERVER, at, 3, name="NO_ERROR", last_stream=1))
    assert only(diagnose([connection])).code == code


@pytest.mark.parametrize("line", [r"'\r'", "'ZZ'"])
def test_h2o_breaks_the_body_on_purpose_where_it_gives_its_upstream_up(line: str) -> None:
    """An empty line in place of a chunk's size marks the failure; any other is the server's own."""
    broken = [cut(n, 2001, start=9000.0 * n) for n in (1, 2)]
    for connection in broken:
        response = connection.exchanges[0].response
        assert response is not None
        response.defects = [f"bad chunk size: {line} (RFC 9112 section 7.1)"]
    finding = only(diagnose(broken))
    assert finding.code == ("stream-idle-timeout" if "r" in line else "bad-framing")
    assert ("behind an empty line in place of a chunk" in finding.claim) is ("r" in line)
