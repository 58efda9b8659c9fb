"""Resets by the client's own host."""

from __future__ import annotations

from plainwire.diagnose import diagnose
from tests.diagnose.wire import CLIENT, SERVER, Wire, only


def downloading() -> Wire:
    wire = Wire()
    wire.ok(0)
    wire.ask(500)
    wire.answer(580, complete=False)
    return wire


def test_a_reset_for_a_segment_in_order_by_a_client_that_goes_on_is_its_host_s() -> None:
    wire = downloading()
    wire.close(CLIENT, "rst", 580.1, bare=True)
    wire.ack(CLIENT, 620)
    finding = only(diagnose([wire.done("aborted")]))
    assert (finding.code, finding.fault, finding.certainty) == ("conntrack-invalid-reset", "client", "likely")


def test_without_a_sign_of_life_it_is_only_possible() -> None:
    wire = downloading()
    wire.close(CLIENT, "rst", 580.1, bare=True)
    finding = only(diagnose([wire.done("aborted")]))
    assert (finding.code, finding.certainty) == ("conntrack-invalid-reset", "possible")


def test_captured_far_from_the_client_it_is_not_said_to_be_its_host() -> None:
    wire = downloading()
    wire.close(CLIENT, "rst", 660, bare=True)
    assert only(diagnose([wire.done("aborted")])).code == "client-abort"


def test_a_reset_with_ack_is_the_program_s_own() -> None:
    wire = downloading()
    wire.close(CLIENT, "rst", 580.1)
    assert only(diagnose([wire.done("aborted")])).code == "client-abort"


def test_a_reset_for_what_comes_after_the_client_s_close_is_automatic() -> None:
    wire = downloading()
    wire.close(CLIENT, "fin", 580.1)
    wire.segment(SERVER, 660, length=100)
    wire.close(CLIENT, "rst", 660.1, bare=True)
    assert only(diagnose([wire.done("aborted")])).code == "client-abort"
