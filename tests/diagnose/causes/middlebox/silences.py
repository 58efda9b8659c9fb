"""Requests that went out again and again and met with nothing."""

from __future__ import annotations

from tests.diagnose.wire import CLIENT, Wire


def swallowed(idle: float = 350_000, *, sendings: int = 4, size: int = 99) -> Wire:
    """After a pause the request is sent again and again."""
    wire = Wire()
    wire.ok(0)
    at = 80 + idle
    request = wire.ask(at, size=size).request
    assert request is not None
    for count in range(1, sendings):
        wire.segment(CLIENT, at + 200 * 2**count, length=size, seq=request.start)
    return wire
