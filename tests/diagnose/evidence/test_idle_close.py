"""Closes of idle connections."""

from __future__ import annotations

from plainwire.diagnose.evidence.idle_close import idle_close
from tests.diagnose.wire import SERVER, Wire


def test_an_announced_close_is_told_from_one_that_was_not() -> None:
    wire = Wire()
    wire.ok(0, close=True)
    wire.close(SERVER, "fin", 2080)
    close = idle_close(wire.done())
    assert close is not None
    assert close.announced
