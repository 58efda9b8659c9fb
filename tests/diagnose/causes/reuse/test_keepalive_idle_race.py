"""The server closed the idle connection while the next request was on its way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import diagnose
from tests.diagnose.wire import SERVER, Wire, only

if TYPE_CHECKING:
    from plainwire.model import Finding


def race(gap: float = 960.0, *, rtt: float = 80.0, number: int = 1, start: float = 0.0) -> Wire:
    """A server with an idle timeout of 1 s, and a request sent ``gap`` ms after the last response."""
    wire = Wire(id=number, first_exchange=10 * number, first_packet=100 * number, rtt=rtt, start=start)
    wire.ok(0)
    wire.ask(rtt + gap)
    wire.close(SERVER, "close_notify", rtt + 1000)
    wire.close(SERVER, "fin", rtt + 1000)
    wire.close(SERVER, "rst", 2 * rtt + gap, bare=True, seq=200)
    return wire


def test_a_close_that_crosses_the_request_is_a_race_and_nobody_s_fault_alone() -> None:
    finding = only(diagnose([race().done("unanswered")]))
    assert finding.code == "keepalive-idle-race"
    assert finding.fault == "both"
    assert finding.certainty == "proved"
    assert finding.retry_safe is True
    assert finding.exchanges == [11]
    assert "40 ms after the request had left" in finding.claim
    assert "idle for 1.000 s" in finding.claim


def test_the_lab_s_marks_of_a_race() -> None:
    """FIN with Ack=689, request 689 to 780 in Wireshark's numbers: seen on a real server over 81 ms."""
    wire = Wire(rtt=81)
    wire.ask(0, size=688)
    wire.answer(81)
    request = wire.ask(81 + 970, size=92).request
    fin = wire.close(SERVER, "fin", 81 + 1000)
    wire.close(SERVER, "rst", 81 + 970 + 81, bare=True, seq=200)
    assert request is not None
    assert (request.start + 1, request.end) == (689, 780)
    assert fin.ack == 688
    assert only(diagnose([wire.done("unanswered")])).code == "keepalive-idle-race"


def test_the_evidence_names_the_request_the_close_and_the_reset_it_provoked() -> None:
    finding = only(diagnose([race().done("unanswered")]))
    says = {evidence.packet: evidence.says for evidence in finding.evidence}
    assert says[102].startswith("the request, bytes 100 to 198")
    assert says[103] == "close_notify (TLS) from the server, Ack=100"
    assert says[105].startswith("RST without ACK, Seq=201")


def test_the_advice_names_an_idle_limit_below_the_server_s_by_two_round_trips() -> None:
    finding = only(diagnose([race().done("unanswered")]))
    assert "idle for more than 840 ms" in finding.advice_client


def test_other_idle_closes_of_the_server_tell_its_timeout() -> None:
    idle = []
    for number in (2, 3):
        wire = Wire(id=number, first_exchange=10 * number, first_packet=100 * number)
        wire.ok(0)
        wire.close(SERVER, "fin", 1080 + number)
        idle.append(wire.done())
    finding = only(diagnose([race().done("unanswered"), *idle]))
    assert "the server's idle timeout (1.000 s to 1.003 s, seen 3 times)" in finding.claim


def test_a_post_lost_in_the_race_may_be_repeated_because_the_server_never_had_it() -> None:
    wire = Wire()
    wire.ok(0)
    wire.ask(1040, method="POST")
    wire.close(SERVER, "fin", 1080)
    assert only(diagnose([wire.done("unanswered")])).retry_safe is True


def test_a_close_long_after_the_request_that_acknowledges_none_of_it_is_only_likely_a_race() -> None:
    wire = Wire()
    wire.ok(0)
    wire.ask(1040)
    wire.close(SERVER, "fin", 1900, ack=99)
    finding = only(diagnose([wire.done("unanswered")]))
    assert (finding.code, finding.certainty) == ("keepalive-idle-race", "likely")


def test_seen_from_the_server_s_side_the_request_s_own_ack_still_tells_the_race() -> None:
    """Captured at the server, the close passes 40 ms before the request; they left at about the same time."""
    wire = Wire(rtt=80)
    wire.ok(0)
    fin = wire.close(SERVER, "fin", 1080)
    wire.ask(1120)
    assert wire.rows[-1].packet == 4
    wire.rows[-1].ack = fin.seq  # the client had not received the FIN when it sent
    assert only(diagnose([wire.done("unanswered")])).code == "keepalive-idle-race"


def test_a_close_at_once_after_a_response_is_not_called_an_idle_timeout() -> None:
    wire = Wire()
    wire.ok(0)
    wire.ask(90)
    wire.close(SERVER, "fin", 81, ack=99)
    wire.rows[2].ack = 200
    finding = only(diagnose([wire.done("unanswered")]))
    assert "without announcing it" in finding.claim


def behind_a_relay(close: float, *, idle: float = 960.0) -> Finding:
    """The server is 80 ms away, and pasta has acknowledged the request when its close comes."""
    wire = Wire(rtt=80)
    wire.ok(0)
    wire.ask(80 + idle)
    wire.close(SERVER, "fin", close, ack=198)
    connection = wire.done("unanswered")
    connection.relayed, connection.rtt_syn_ns = True, 80_000_000
    return only(diagnose([connection]))


def test_relay_s_acknowledgment_does_not_refute_a_race() -> None:
    """Met with pasta: what it had taken from the client it had acknowledged, the server had closed before."""
    finding = behind_a_relay(1080)
    assert (finding.code, finding.fault, finding.certainty) == ("keepalive-idle-race", "both", "likely")
    assert "a round trip takes 80 ms" in finding.claim


def test_close_a_round_trip_behind_the_request_may_be_either_behind_a_relay() -> None:
    finding = behind_a_relay(1130)
    assert (finding.code, finding.fault, finding.certainty) == ("close-mid-request", "unknown", "possible")


def test_close_long_after_the_request_answers_it_behind_a_relay_too() -> None:
    for finding in (behind_a_relay(1600), behind_a_relay(180, idle=10)):
        assert (finding.code, finding.fault, finding.certainty) == ("close-mid-request", "server", "likely")
        assert "The relay of this network had acknowledged the whole request" in finding.claim


def idle_closes(count: int) -> list[Wire]:
    found = []
    for number in range(2, 2 + count):
        wire = Wire(id=number, first_exchange=10 * number, first_packet=100 * number)
        wire.ok(0)
        wire.close(SERVER, "fin", 1080)
        found.append(wire)
    return found


def test_a_request_taken_in_by_the_kernel_just_when_the_idle_timer_fires_is_likely_the_race() -> None:
    wire = Wire()
    wire.ok(0)
    wire.ask(1000)
    wire.close(SERVER, "fin", 1080.1)  # acknowledges the request, 1.000 s after the last response
    finding = only(diagnose([wire.done("unanswered"), *(w.done() for w in idle_closes(2))]))
    assert (finding.code, finding.certainty) == ("keepalive-idle-race", "likely")


def test_the_same_without_a_known_idle_timeout_is_a_close_in_mid_request() -> None:
    wire = Wire()
    wire.ok(0)
    wire.ask(1000)
    wire.close(SERVER, "fin", 1080.1)
    assert only(diagnose([wire.done("unanswered")])).code == "close-mid-request"
