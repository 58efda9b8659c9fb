"""Responses that began slowly after a pause: bursts, one a round trip."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from plainwire.diagnose import diagnose
from tests.diagnose.wire import SERVER, Wire

if TYPE_CHECKING:
    from plainwire.model import Connection

SEGMENT = 1000
RTT = 80.0


def transfers(*each: tuple[float, tuple[int, ...]], rtt: float = RTT, lost: bool = False) -> Connection:
    """One response after another: the pause before each, in ms, and the segments of its bursts."""
    wire, at = Wire(rtt=rtt), 0.0
    for number, (pause, bursts) in enumerate(each):
        at += pause
        wire.ask(at)
        for place, segments in enumerate(bursts):
            at += rtt
            size = segments * SEGMENT
            if not place:
                total = sum(bursts) * SEGMENT
                start = wire.sent[SERVER]
                exchange = wire.answer(at, size=SEGMENT)
                size -= SEGMENT
            for piece in range(size // SEGMENT):
                row = wire.segment(SERVER, at + 0.01 * (piece + 1), length=SEGMENT)
        if lost and number:
            wire.segment(SERVER, at + 30, length=SEGMENT, seq=start)
        response = exchange.response
        assert response is not None
        response.end, response.last_ns, response.last_packet = start + total, row.time_ns, row.packet
    return wire.done()


QUICK, CAREFUL = (80, 20), (10, 20, 40, 30)
AFTER_PAUSE = ((0.0, (10, 20, 40, 30)), (10.0, QUICK), (10.0, QUICK), (2500.0, (10, 20, 20, 20, 30)))


def test_response_that_began_slowly_after_a_pause() -> None:
    (finding,) = diagnose([transfers(*AFTER_PAUSE)])
    assert (finding.code, finding.fault, finding.failure) == ("slow-start-after-idle", "server", False)
    assert finding.exchanges == [4]
    assert "began with 10000 bytes and took 5 round trips" in finding.claim
    assert "it began with 80000 bytes and took 2. That is 240 ms more." in finding.claim


@pytest.mark.parametrize(
    "connection",
    [
        transfers((0, CAREFUL), (10, QUICK), (10, CAREFUL)),  # no pause before it
        transfers((0, CAREFUL), (2500, CAREFUL)),  # it was never quicker
        transfers((0, QUICK), (2500, (60, 40))),  # and hardly slower
        transfers((0, (5, 5)), (2500, (2, 2, 2, 2, 2))),  # small
        transfers(*AFTER_PAUSE, rtt=2),  # costs nothing
        transfers(*AFTER_PAUSE, lost=True),
    ],
)
def test_others_are_left_alone(connection: Connection) -> None:
    assert diagnose([connection]) == []
