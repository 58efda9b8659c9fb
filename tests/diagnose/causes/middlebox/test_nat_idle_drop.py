"""The path swallows what is sent on a connection that was idle."""

from __future__ import annotations

from plainwire.diagnose import diagnose
from plainwire.model import Endpoint
from tests.diagnose.causes.middlebox.idle_streams import multiplexed
from tests.diagnose.causes.middlebox.silences import swallowed
from tests.diagnose.wire import CLIENT, SERVER, Wire, only


def fresh(at: float, *, answered: bool = True) -> Wire:
    """Another connection at the same time."""
    wire = Wire(id=2, first_exchange=20, first_packet=200, start=at, client=Endpoint("192.0.2.7", 40001))
    if answered:
        wire.ok(0, "/other")
    else:
        wire.segment(CLIENT, 0, flags=0x02, seq=-1, ack=-1)
    return wire


def test_silence_after_a_pause_while_new_connections_work_is_a_path_that_forgot() -> None:
    wire = swallowed()
    finding = only(diagnose([wire.done("unseen"), fresh(350_700).done()]))
    assert (finding.code, finding.fault, finding.certainty) == ("nat-idle-drop", "path", "likely")
    assert "idle" in finding.claim
    assert "sent 4 times in 1.600 s" in finding.claim
    assert "the same address answers on connection 2" in [e.says for e in finding.evidence]


def test_the_client_that_gave_up_on_the_dead_connection_is_not_called_the_cause() -> None:
    wire = swallowed()
    wire.close(CLIENT, "fin", 380_000)
    finding = only(diagnose([wire.done("aborted")]))
    assert (finding.code, finding.certainty) == ("nat-idle-drop", "possible")


def test_a_pause_that_another_request_survived_refutes_it() -> None:
    wire = swallowed()
    wire.close(CLIENT, "fin", 380_000)
    other = Wire(id=2, first_exchange=20, first_packet=200)
    other.ok(0)
    other.ok(400_000)
    assert only(diagnose([wire.done("aborted"), other.done()])).code == "retransmission-loss"


def test_new_connections_that_fail_too_are_an_outage() -> None:
    wire = swallowed()
    wire.close(CLIENT, "fin", 380_000)
    codes = [f.code for f in diagnose([wire.done("aborted"), fresh(350_700, answered=False).done()])]
    assert "nat-idle-drop" not in codes


def test_an_acknowledged_request_was_not_swallowed() -> None:
    wire = swallowed()
    wire.ack(SERVER, 352_000)
    wire.close(CLIENT, "fin", 380_000)
    assert only(diagnose([wire.done("aborted")])).code == "client-abort"


def test_an_open_request_that_was_sent_only_once_or_twice_is_no_failure() -> None:
    assert diagnose([swallowed(sendings=2).done("unseen")]) == []


def test_without_a_pause_before_nothing_is_said_about_idleness() -> None:
    assert diagnose([swallowed(idle=200).done("unseen")]) == []


def test_data_that_nobody_answers_after_a_pause_are_the_paths() -> None:
    wire = Wire()
    wire.ok(0)
    exchange = wire.ask(5080)
    request = exchange.request
    assert request
    for at in (5300, 5700, 6500, 8100):
        wire.segment(CLIENT, at, length=99, seq=request.start)
    exchange.outcome = "aborted"
    wire.close(CLIENT, "fin", 9000)
    assert {finding.code for finding in diagnose([multiplexed(wire)])} == {"nat-idle-drop"}


def _died_while_waiting(*, acknowledged: bool = True, sendings: int = 4) -> Wire:
    """The request is acknowledged, then nothing comes any more; the client's FIN is sent again and again."""
    wire = Wire()
    wire.ok(0)
    request = wire.ask(500).request
    assert request is not None
    if acknowledged:
        wire.ack(SERVER, 580, request.end)
    wire.close(CLIENT, "fin", 6_500)
    for count in range(1, sendings):
        wire.segment(CLIENT, 6_500 + 200 * 2**count, flags=0x11, seq=request.end)
    return wire


def test_a_path_that_died_while_the_response_was_worked_on_is_no_slow_server() -> None:
    finding = only(diagnose([_died_while_waiting().done("aborted"), fresh(6_600).done()]))
    assert (finding.code, finding.fault, finding.certainty) == ("nat-idle-drop", "path", "likely")
    assert "keepalive" in finding.advice_client


def test_a_fin_that_was_sent_once_says_nothing_of_the_path() -> None:
    codes = {f.code for f in diagnose([_died_while_waiting(sendings=1).done("aborted"), fresh(6_600).done()])}
    assert "nat-idle-drop" not in codes


def test_a_ping_that_nobody_answers_shows_that_the_path_forgot_an_open_stream() -> None:
    wire = Wire()
    exchange = wire.ask(0, "/watch", method="POST")
    wire.answer(80, complete=False, declared=None, framing="stream")
    ping = wire.segment(CLIENT, 9080, length=17)
    for at in (9300, 9700, 10_500):
        wire.segment(CLIENT, at, length=17, seq=ping.seq)
    exchange.outcome = "aborted"
    wire.close(CLIENT, "fin", 29_080)
    finding = only(diagnose([multiplexed(wire)]))
    assert (finding.code, finding.fault, finding.certainty) == ("nat-idle-drop", "path", "possible")
    assert "it sent 4 times in 1.420 s" in finding.claim
