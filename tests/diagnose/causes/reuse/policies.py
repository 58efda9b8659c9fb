"""Closes by a count, an age, in one moment, without announcement, by reset."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.diagnose.wire import SERVER, Wire

if TYPE_CHECKING:
    from plainwire.model import Connection


def lost(wire: Wire, closed_at: float, *, sent_at: float | None = None) -> Connection:
    """A request that crosses the server's FIN."""
    wire.ask(closed_at - wire.rtt / 2 if sent_at is None else sent_at)
    wire.close(SERVER, "fin", closed_at, ack=wire.exchanges[-1].request.start)  # type: ignore[union-attr]
    return wire.done("unanswered")


def wires(count: int) -> list[Wire]:
    return [Wire(id=n, first_exchange=20 * n, first_packet=100 * n) for n in range(2, 2 + count)]


def run(wire: Wire, requests: int, *, pause: float = 0.0) -> float:
    """Healthy exchanges; when the last response had come."""
    at = 0.0
    for _ in range(requests):
        wire.ok(at)
        at += wire.rtt + 1 + pause
    return at - 1 - pause
