"""Streams of events, in the making. Times in milliseconds."""

from __future__ import annotations

from plainwire.model import Connection, EventStream, Side, StreamEvent
from tests.diagnose.wire import CLIENT, SERVER, Wire


def cut(
    number: int,
    silence: float,
    *,
    pauses: tuple[float, ...] = (300,),
    start: float = 0,
    h2: bool = False,
    side: Side = SERVER,
    events: EventStream | None = None,
) -> Connection:
    """A stream whose parts came with ``pauses`` between them, cut ``silence`` after the last."""
    wire = Wire(id=number, first_exchange=number, first_packet=100 * number, start=start)
    exchange = wire.ask(0, "/events")
    wire.answer(80, complete=False, declared=None, framing="chunked")
    response = exchange.response
    assert response
    at = 80.0
    for pause in pauses:
        at += pause
        row = wire.segment(SERVER, at, length=100)
        wire.ack(CLIENT, at)
        response.last_packet, response.last_ns, response.end = row.packet, row.time_ns, row.seq + 100
    response.event_stream = events if events is not None else EventStream(len(pauses))
    if not h2:
        wire.close(side, "close_notify", at + silence)
        return wire.done("truncated" if side == SERVER else "aborted")
    exchange.protocol, exchange.stream, response.framing = "h2", 1, "stream"
    response.longest_pause_ns = int(max(pauses) * 1e6)
    row = wire.segment(side, at + silence, length=13)
    name = "INTERNAL_ERROR" if side == SERVER else "CANCEL"
    exchange.reset = StreamEvent("rst_stream", side, row.time_ns, row.packet, 1, 2, name)
    return wire.done("truncated" if side == SERVER else "aborted")
