"""Two processes or threads on one TLS connection."""

from __future__ import annotations

import pytest

from plainwire.diagnose import diagnose
from plainwire.model import Connection, Reused, Side, StreamEvent
from tests.diagnose.wire import CLIENT, EPOCH_NS, MS, SERVER, Wire, only

NUMBER = 3


def shared(connection: Connection, first: int, second: int, *, copied: bool = False) -> Connection:
    """The records that begin at the packets ``first`` and ``second`` bear one number."""
    segments, tls = connection.segments, connection.tls
    assert segments is not None
    assert tls is not None
    rows = {int(packet): row for row, packet in enumerate(segments.number)}
    one, other = rows[first], rows[second]
    side = Side(int(segments.side[other]))
    tls.reused.append(
        Reused(
            side, NUMBER, int(segments.seq[one]), int(segments.seq[other]), second,
            int(segments.time_ns[other]), copied=copied,
        )
    )  # fmt: skip
    return connection


def forked(detail: str = "bad_record_mac") -> Wire:
    """Packets 1 to 3: an answered request, and one that an alert answers."""
    wire = Wire()
    wire.ok(0, "/child")
    wire.ask(500, "/parent")
    if detail:
        wire.close(SERVER, "alert", 580, detail=detail)
    return wire


def test_two_records_with_one_number_and_the_alert_prove_it() -> None:
    finding = only(diagnose([shared(forked().done("unanswered"), 1, 3)]))
    assert (finding.code, finding.fault, finding.certainty) == ("connection-shared", "client", "proved")
    assert finding.exchanges == [2]
    assert finding.packets == [1, 3, 4]
    assert "number (3)" in finding.claim
    assert finding.retry_safe
    assert "bad-record-mac" in finding.runner_up


def test_without_such_records_the_alert_names_itself() -> None:
    assert only(diagnose([forked().done("unanswered")])).code == "bad-record-mac"


def test_a_record_that_was_sent_twice_shows_no_second_sender() -> None:
    connection = shared(forked().done("unanswered"), 1, 3, copied=True)
    assert only(diagnose([connection])).code == "bad-record-mac"


@pytest.mark.parametrize("kind", ["fin", "rst"])
def test_a_close_without_the_alert_does_not_prove_that_it_was_for_this(kind: str) -> None:
    wire = forked("")
    wire.close(SERVER, "fin" if kind == "fin" else "rst", 590)
    finding = only(diagnose([shared(wire.done("unanswered"), 1, 3)]))
    assert (finding.code, finding.certainty) == ("connection-shared", "likely")


def test_a_server_that_closed_before_the_second_record_came_had_another_reason() -> None:
    wire = forked("")
    wire.close(SERVER, "fin", 520)
    connection = wire.done("unanswered")
    request = connection.exchanges[1].request
    assert request is not None
    assert connection.closes[0].ack == request.start
    assert only(diagnose([shared(connection, 1, 3)])).code == "keepalive-idle-race"


def test_one_process_ends_tls_and_the_other_goes_on() -> None:
    wire = Wire()
    wire.ok(0)
    ending = wire.close(CLIENT, "close_notify", 300)
    wire.close(SERVER, "fin", 380)
    request = wire.ask(500, "/parent").request
    assert request is not None
    finding = only(diagnose([shared(wire.done("unanswered"), ending.packet, request.packet)]))
    assert (finding.code, finding.certainty) == ("connection-shared", "proved")
    assert "close_notify" in finding.claim


def test_a_request_of_the_other_process_that_was_open_when_it_happened() -> None:
    """The server had it, and may have acted on it."""
    wire = Wire()
    wire.ask(0, "/parent", method="POST")
    wire.ask(10, "/child")
    wire.close(SERVER, "alert", 95, detail="bad_record_mac")
    wire.exchanges[0].outcome = "unanswered"
    finding = only(diagnose([shared(wire.done("unanswered"), 1, 2)]))
    assert finding.exchanges == [1, 2]
    assert not finding.retry_safe


def test_a_server_that_forks() -> None:
    wire = Wire()
    wire.ask(0)
    wire.answer(80, size=200, complete=False)
    wire.segment(SERVER, 90, length=200)
    wire.close(CLIENT, "alert", 91, detail="bad_record_mac")
    finding = only(diagnose([shared(wire.done("truncated"), 2, 3)]))
    assert (finding.code, finding.fault, finding.certainty) == ("connection-shared", "server", "proved")


def test_where_no_http_is_spoken_the_alert_decides() -> None:
    def spoken(detail: str) -> Connection:
        wire = Wire()
        for at in (0, 10, 20):
            wire.segment(CLIENT, at, length=50)
        wire.close(SERVER, "alert" if detail else "fin", 110, detail=detail)
        return shared(wire.done(), 2, 3)

    finding = only(diagnose([spoken("bad_record_mac")]))
    assert (finding.code, finding.certainty) == ("connection-shared", "proved")
    assert diagnose([spoken("")]) == []


def test_what_was_answered_is_no_failure() -> None:
    wire = Wire()
    wire.ok(0)
    wire.ok(500)
    assert diagnose([shared(wire.done(), 1, 3)]) == []


def test_in_http_2_every_stream_that_was_open_is_lost() -> None:
    wire = Wire()
    for at in (0, 10):
        wire.ask(at).protocol = "h2"
    wire.close(SERVER, "alert", 95, detail="bad_record_mac")
    wire.exchanges[0].outcome = "unanswered"
    connection = shared(wire.done("unanswered"), 1, 2)
    finding = only(diagnose([connection]))
    assert (finding.code, finding.exchanges) == ("connection-shared", [1, 2])


def test_a_stream_that_had_been_reset_before_has_its_own_cause() -> None:
    wire = Wire()
    for at in (0, 10, 30):
        wire.ask(at).protocol = "h2"
    wire.close(SERVER, "alert", 115, detail="bad_record_mac")
    connection = wire.done("unanswered")
    one, other, _ = connection.exchanges
    one.outcome = other.outcome = "unanswered"
    one.reset = StreamEvent("reset", SERVER, 2, EPOCH_NS + 20 * MS, 1, code=2, name="INTERNAL_ERROR")
    found = {f.code: f.exchanges for f in diagnose([shared(connection, 2, 3)])}
    assert found["connection-shared"] == [2, 3]
    assert found["h2-stream-reset-internal-error"] == [1]
