"""Slow exchanges, against what the same server does otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import diagnose
from tests.diagnose.wire import SERVER, Wire

if TYPE_CHECKING:
    from plainwire.model import Exchange, Finding


def usual(wire: Wire, count: int = 10) -> float:
    for place in range(count):
        wire.ok(place * 200)
    return count * 200


def timed(exchange: Exchange) -> None:
    assert exchange.request is not None
    assert exchange.response is not None
    exchange.duration_ns = exchange.response.last_ns - exchange.request.time_ns


def window(*, again: float) -> list[Finding]:
    wire = Wire()
    exchange = wire.ask(0, method="PUT", size=5000)
    wire.segment(SERVER, 80, ack=3000)
    wire.rows[-1].window = 0
    wire.segment(SERVER, 80 + again, ack=3000)
    timed(wire.answer(200 + again))
    assert exchange.request is not None
    return diagnose([wire.done()])
