"""A large ClientHello is not understood."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import diagnose
from tests.diagnose.opening import Opening, healthy
from tests.diagnose.wire import SERVER, only

if TYPE_CHECKING:
    from plainwire.model import (
        Connection,
    )


def large() -> Connection:
    opening = Opening().syn(0).accept().hello(81, size=1800)
    opening.close(SERVER, "rst", 161, ack=1400)
    return opening.done()


def test_a_large_hello_that_is_reset_where_small_ones_are_answered() -> None:
    finding = only(diagnose([healthy(), large()]))
    assert (finding.code, finding.fault) == ("large-clienthello-drop", "server")


def test_a_large_hello_that_was_answered_refutes_it() -> None:
    assert only(diagnose([healthy(), healthy(51, hello=1700), large()])).code == "handshake-reset"


def test_without_a_small_hello_to_compare_it_is_only_a_rival() -> None:
    finding = only(diagnose([large()]))
    assert finding.code == "handshake-reset"
    assert "large-clienthello-drop" in finding.runner_up
