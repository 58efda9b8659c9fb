"""The client gave up after a time that only a timer keeps."""

from __future__ import annotations

import pytest

from plainwire.diagnose import diagnose
from tests.diagnose.wire import CLIENT, SERVER, Wire, only


def given_up(waited: float, *, number: int = 1, late: float | None = None, start: float = 0) -> Wire:
    wire = Wire(id=number, first_exchange=10 * number, first_packet=100 * number, start=start)
    wire.ok(0)
    wire.ask(500, f"/slow/{number}")
    wire.ack(SERVER, 580)
    wire.close(CLIENT, "fin", 500 + waited)
    if late is not None:
        wire.answer(500 + waited + late)
        wire.close(CLIENT, "rst", 500.1 + waited + late, bare=True)
    return wire


@pytest.mark.parametrize("waited", [1000.0, 5003.0, 10_025.0, 60_001.0])
def test_a_round_time_is_a_timer(waited: float) -> None:
    finding = only(diagnose([given_up(waited).done("aborted")]))
    assert (finding.code, finding.certainty) == ("client-timeout-too-short", "likely")
    assert finding.fault == ("client" if waited < 2000 else "unknown")
    assert "The capture cannot show whether a response was coming" in finding.claim


@pytest.mark.parametrize("waited", [700.0, 5200.0, 9990.0, 61_000.0])
def test_any_other_time_is_an_abort_for_reasons_unknown(waited: float) -> None:
    assert only(diagnose([given_up(waited).done("aborted")])).code == "client-abort"


def test_two_aborts_after_the_same_time_are_a_timer_though_it_is_not_round() -> None:
    wires = [given_up(730.0 + number, number=number, start=250.0 * number) for number in (1, 2)]
    finding = only(diagnose([wire.done("aborted") for wire in wires]))
    assert (finding.code, finding.exchanges) == ("client-timeout-too-short", [11, 21])
    assert "2 exchanges were given up after the same time" in finding.claim


def test_ends_at_one_instant_are_one_decision_though_an_age_is_round() -> None:
    wires = [given_up(700.0 + 150 * n, number=n, start=-150.0 * n) for n in (1, 2, 3)]
    finding = only(diagnose([wire.done("aborted") for wire in wires]))
    assert (finding.code, finding.fault, len(finding.exchanges)) == ("client-abort", "client", 3)
    assert "3 exchanges" in finding.claim
    assert "one decision of the client" in finding.claim


def test_ends_at_one_instant_of_the_same_age_are_no_evidence_of_a_timer() -> None:
    wires = [given_up(730.0 + number, number=number) for number in (1, 2)]
    assert only(diagnose([wire.done("aborted") for wire in wires])).code == "client-abort"


def test_a_limit_of_the_whole_exchange_counts_from_its_request() -> None:
    wires = []
    for number in (1, 2):
        wire = Wire(id=number, first_exchange=10 * number, first_packet=100 * number, start=400.0 * number)
        wire.ask(0)
        wire.answer(300.0 * number, complete=False, body=50)
        wire.close(CLIENT, "fin", 1700)
        wires.append(wire.done("aborted"))
    finding = only(diagnose(wires))
    assert finding.code == "client-timeout-too-short"
    assert "1.700 s after the request began" in finding.claim


def test_two_aborts_after_different_times_are_none() -> None:
    wires = [given_up(1330.0 * number, number=number) for number in (1, 2)]
    assert only(diagnose([wire.done("aborted") for wire in wires])).code == "client-abort"


def test_an_answer_that_came_afterwards_proves_that_the_server_was_only_slow() -> None:
    finding = only(diagnose([given_up(5001.0, late=1500).done("complete")]))
    assert (finding.code, finding.fault, finding.certainty) == (
        "client-timeout-too-short",
        "client",
        "proved",
    )
    assert "was complete 1.500 s later" in finding.claim


def test_a_request_that_never_arrived_is_not_a_matter_of_patience() -> None:
    wire = Wire()
    wire.ok(0)
    wire.ask(100)
    wire.close(CLIENT, "fin", 5100)
    assert only(diagnose([wire.done("aborted")])).code == "client-abort"


def test_silence_in_the_middle_of_a_body_is_timed_from_its_last_byte() -> None:
    wire = Wire()
    wire.ask(0)
    wire.answer(700, complete=False, body=50)
    wire.close(CLIENT, "fin", 5702)
    finding = only(diagnose([wire.done("aborted")]))
    assert finding.code == "client-timeout-too-short"
    assert "5.002 s after it had last heard of it: this looks like a client timeout of 5 s" in finding.claim


def test_java_says_that_it_ends_both_directions_though_its_kernel_takes_the_answer() -> None:
    """A client that only closes its own direction, and says no more, may still read it."""
    for said, codes in (("user_canceled", ["client-timeout-too-short"]), ("", [])):
        wire = Wire()
        wire.ok(0)
        wire.ask(500, "/slow")
        wire.ack(SERVER, 580)
        wire.close(CLIENT, "close_notify", 3500, detail=said)
        wire.close(CLIENT, "fin", 3501)
        wire.answer(5500)
        wire.ack(CLIENT, 5501)
        assert [f.code for f in diagnose([wire.done()])] == codes
