"""Something between client and server reset the connection."""

from __future__ import annotations

import pytest

from plainwire.diagnose import diagnose
from plainwire.model import Endpoint
from tests.diagnose.wire import MS, SERVER, Wire, only


def reset(at: float = 580, wire: Wire | None = None, *, ttl: int = 57) -> Wire:
    wire = wire or Wire()
    wire.ok(0)
    wire.ask(500)
    wire.close(SERVER, "rst", at, ack=198, ttl=ttl)
    return wire


def test_another_ttl_alone_makes_a_foreign_reset_possible() -> None:
    finding = only(diagnose([reset(ttl=250).done("unanswered")]))
    assert (finding.code, finding.fault, finding.certainty) == (
        "middlebox-injected-reset",
        "path",
        "possible",
    )
    assert "TTL is 250, that of the server's other packets 57" in finding.claim


def test_a_ttl_that_differs_by_one_is_no_mark() -> None:
    assert only(diagnose([reset(ttl=56).done("unanswered")])).code == "reset-mid-request"


def test_a_reset_sooner_than_a_round_trip_came_from_nearer() -> None:
    finding = only(diagnose([reset(505).done("unanswered")]))
    assert (finding.code, finding.fault) == ("middlebox-injected-reset", "path")
    assert "sooner than one round trip" in finding.claim


def test_on_one_host_a_long_round_trip_is_one_that_waited_for_a_processor() -> None:
    wire = reset(505, Wire(client=Endpoint("127.0.0.1", 40000), server=Endpoint("127.0.0.1", 8443)))
    assert only(diagnose([wire.done("unanswered")])).fault == "server"


def test_two_marks_make_it_likely() -> None:
    assert only(diagnose([reset(505, ttl=250).done("unanswered")])).certainty == "likely"


def test_a_server_s_idle_reset_that_crosses_the_request_is_not_called_too_early() -> None:
    """It answers nothing: its acknowledgment is that of the request before."""
    wire = Wire()
    wire.ok(0)
    wire.ask(1075)
    wire.close(SERVER, "rst", 1080)
    assert only(diagnose([wire.done("unanswered")])).code == "idle-close-by-reset"


@pytest.mark.parametrize("ttl", [57, 250])
def test_a_response_that_came_after_a_forged_reset_does_not_make_the_exchange_a_success(ttl: int) -> None:
    """The lab's marks: RST, ACK 5 ms after the request, the server's answer a round trip after it."""
    wire = reset(505, ttl=ttl)
    wire.answer(580)
    finding = only(diagnose([wire.done("complete")]))
    assert (finding.code, finding.fault, finding.certainty) == ("middlebox-injected-reset", "path", "likely")
    assert finding.exchanges == [2]
    assert "the server went on sending after it (packet 5)" in finding.claim


def test_a_forged_reset_in_the_middle_of_a_response_is_found_though_all_of_it_came() -> None:
    wire = Wire()
    wire.ok(0)
    wire.ask(500)
    response = wire.answer(580).response
    assert response is not None
    wire.close(SERVER, "rst", 581, seq=response.end)
    wire.segment(SERVER, 600, length=300, seq=response.end)
    response.end += 300
    response.last_ns += 20 * MS
    finding = only(diagnose([wire.done("complete")]))
    assert (finding.code, finding.fault) == ("middlebox-injected-reset", "path")
    assert "in the middle of the response" in finding.claim


def test_a_reset_captured_just_ahead_of_the_bytes_before_it_is_no_forgery() -> None:
    """Packets change places; the sequence numbers tell the order in which they were sent."""
    wire = Wire()
    wire.ok(0)
    wire.ask(500)
    wire.close(SERVER, "rst", 579.9, seq=400)
    wire.sent[SERVER] = 200
    wire.answer(580)
    assert diagnose([wire.done("complete")]) == []
