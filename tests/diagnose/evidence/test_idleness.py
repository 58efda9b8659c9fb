"""How long a connection had been idle before what the client sent next."""

from __future__ import annotations

from plainwire.diagnose.evidence.idleness import burst_before, pause_before_reset
from tests.diagnose.wire import CLIENT, MS, SERVER, Wire


def test_idleness_counts_from_the_last_data_and_not_from_a_late_acknowledgment() -> None:
    wire = Wire()
    wire.ok(0)
    wire.ack(CLIENT, 130)
    exchange = wire.ask(5080)
    assert exchange.request
    burst = burst_before(wire.done(), exchange.request.packet)
    assert burst
    assert burst.idle_ns == 5000 * MS


def test_what_the_client_sent_first_after_the_pause_counts_and_not_the_request_behind_it() -> None:
    wire = Wire()
    wire.ok(0)
    ping = wire.segment(CLIENT, 3080, length=17)
    exchange = wire.ask(3081)
    assert exchange.request
    burst = burst_before(wire.done(), exchange.request.packet)
    assert burst
    assert (burst.packet, burst.start, burst.idle_ns) == (ping.packet, ping.seq, 3000 * MS)


def test_a_reset_that_acknowledged_nothing_after_the_pause_answers_it() -> None:
    wire = Wire()
    wire.ok(0)
    wire.ask(3080)
    reset = wire.close(SERVER, "rst", 3081, bare=True)
    assert pause_before_reset(wire.done(), reset)


def test_a_server_that_had_received_it_knew_the_connection() -> None:
    wire = Wire()
    wire.ok(0)
    wire.ask(3080)
    wire.ack(SERVER, 3160)
    reset = wire.close(SERVER, "rst", 3170, bare=True)
    assert pause_before_reset(wire.done(), reset) is None
