"""A machine that slept, as its own capture shows it: through the whole pipeline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from plainwire.model import ACK, FIN, PSH, RST, SYN
from tests.diagnose.captured import ANSWER, GET, findings, stamp
from tests.streams.wire import Wire

if TYPE_CHECKING:
    from plainwire.model import Finding

CLOCK = 3_000_000
HOUR = 3_600_000  # ms
CLIENT = "192.0.2.7"


def opened(at: int, port: int, ticks: int) -> Wire:
    """A connection whose SYN has that many ticks of the client's clock."""
    wire = Wire((CLIENT, port))
    wire.client(-1, ack=None, flags=SYN, at=at, options=stamp(CLOCK + ticks))
    return wire.server(-1, flags=SYN, at=at + 20, options=stamp(7, CLOCK + ticks)).client(0, flags=ACK)


def answered(wire: Wire) -> Wire:
    return (
        wire.client(0, GET, flags=PSH)
        .server(0, ANSWER, ack=len(GET), flags=PSH)
        .client(len(GET), ack=len(ANSWER))
    )


def too_late(wire: Wire, at: int) -> Wire:
    """Closed by the server while the client was suspended; then used again."""
    wire.server(len(ANSWER), ack=len(GET), flags=FIN, at=at - 1)
    wire.client(len(GET), GET, ack=len(ANSWER) + 1, flags=PSH, at=at)
    return wire.server(len(ANSWER) + 1, ack=None, flags=RST, at=at + 20)


def slept(*, ticks: int, steady: int = 1, idle: int = HOUR, offset: int = 0) -> Finding | None:
    """An hour without a packet, then a new connection, ``ticks`` of the clock after the first."""
    old = too_late(answered(opened(0, 40000, 0)), idle)
    other = answered(opened(1500, 40001, 1500 if steady else 300))
    third = answered(opened(4000, 40003, 4000 + offset)).closed(len(GET), len(ANSWER))
    wires = [old, third, other.closed(len(GET), len(ANSWER)), answered(opened(HOUR + 100, 40002, ticks))]
    return findings(*wires).get("suspend-resume")


def test_clock_that_stood_still_while_a_connection_was_idle() -> None:
    found = slept(ticks=9_000)
    assert found is not None
    assert (found.fault, found.certainty, found.failure) == ("client", "likely", False)
    assert found.connections == [1]
    assert "went on by 5.000 s in the 3596.100 s between two SYNs" in found.claim
    assert "stood still for about 3591.100 s" in found.claim


@pytest.mark.parametrize(
    "how",
    [
        {"ticks": HOUR + 100},  # it went on
        {"ticks": HOUR - 5_000},  # and a little slowly
        {"ticks": 9_000, "steady": 0, "offset": 50_000},  # nothing shows its pace
        {"ticks": 109_000, "offset": 100_000},  # each connection has a clock of its own
        {"ticks": 9_000, "idle": 60_000},  # used again before the pause
    ],
)
def test_others_say_nothing(how: dict[str, int]) -> None:
    assert slept(**how) is None
