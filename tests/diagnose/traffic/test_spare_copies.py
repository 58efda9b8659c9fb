"""Copies of one request of which the client needed one: those that it drops did not fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import diagnose
from plainwire.diagnose.traffic.attempts import attempts
from plainwire.diagnose.traffic.spare_copies import spare_copies
from tests.diagnose.wire import CLIENT, Wire, only

if TYPE_CHECKING:
    from plainwire.model import Connection


def _dropped(at: float, *, begun: float = 0) -> Connection:
    wire = Wire(start=begun)
    wire.ask(0)
    wire.close(CLIENT, "fin", at - begun)
    return wire.done("aborted")


def _answered(number: int, begun: float, *, status: int = 200) -> Connection:
    wire = Wire(id=number, first_exchange=10 * number, first_packet=100 * number, start=begun)
    wire.ask(0)
    wire.answer(80, status=status)
    return wire.done()


def test_the_copy_that_is_dropped_when_the_other_was_answered_did_not_fail() -> None:
    both = [_dropped(390), _answered(2, 300)]
    assert spare_copies(both) == {1}
    assert diagnose(both) == []
    assert attempts(both, []) is None


def test_a_timeout_and_then_another_attempt_is_none() -> None:
    assert spare_copies([_dropped(290), _answered(2, 300)]) == frozenset()
    assert only(diagnose([_dropped(2000)])).code in ("client-abort", "client-timeout-too-short")


def test_under_load_the_end_of_one_has_nothing_to_do_with_the_answers_to_others() -> None:
    many = [_answered(number, 60 * number) for number in range(2, 6)]
    assert spare_copies([_dropped(390), *many]) == frozenset()


def test_an_error_is_no_answer_to_have() -> None:
    assert spare_copies([_dropped(390), _answered(2, 300, status=503)]) == frozenset()
    assert spare_copies([_dropped(3900), _answered(2, 300)]) == frozenset()
