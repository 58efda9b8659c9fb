"""A request on a connection that was not free."""

from __future__ import annotations

from tests.diagnose.wire import SERVER, Wire


def overlapping(*, sent_at: float, had: int) -> Wire:
    """The first answer takes from 80 to 200 ms; the second request leaves meanwhile."""
    wire = Wire()
    first = wire.ask(0)
    response = wire.answer(80, size=1000).response
    second = wire.ask(sent_at)
    wire.rows[-1].ack = had
    row = wire.segment(SERVER, 200, length=1000)
    assert response is not None
    response.end, response.last_ns, response.last_packet = 2000, row.time_ns, row.packet
    assert first.outcome == "complete"
    assert second.request is not None
    return wire
