"""Connections that resume a session fail, full handshakes do not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import diagnose
from tests.diagnose.wire import SERVER, Wire

if TYPE_CHECKING:
    from plainwire.model import (
        Connection,
    )


def resumed(number: int, *, fails: bool, again: bool = True) -> Connection:
    wire = Wire(id=number, first_exchange=number * 10, first_packet=number * 1000, start=number * 1000)
    if fails:
        wire.ask(0)
        wire.close(SERVER, "rst", 80)
        connection = wire.done("unanswered")
    else:
        wire.ok(0)
        connection = wire.done()
    assert connection.tls is not None
    connection.tls.resumed = again
    return connection


def test_failures_that_keep_to_resumed_sessions() -> None:
    bad = [resumed(number, fails=True) for number in range(1, 6)]
    good = [resumed(number, fails=False, again=False) for number in range(10, 18)]
    findings = {finding.code: finding for finding in diagnose([*bad, *good])}
    assert "5 of 5 connections that resumed" in findings["resumption-failure"].claim


def test_failures_among_all_alike_are_no_matter_of_resumption() -> None:
    mixed = [resumed(n, fails=n % 2 == 0, again=n % 4 < 2) for n in range(1, 21)]
    assert "resumption-failure" not in {finding.code for finding in diagnose(mixed)}
