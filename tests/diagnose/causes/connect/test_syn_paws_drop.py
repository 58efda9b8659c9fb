"""SYNs whose timestamps lag behind, as they would be captured at the server, through the whole pipeline."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from plainwire.model import ACK, RST, SYN
from tests.diagnose.captured import asked, findings, stamp, syns

if TYPE_CHECKING:
    from plainwire.model import Finding
    from tests.streams.wire import Wire

QUICK, SLOW = 4_000_000_000, 1_000_000  # the clocks of two hosts behind one NAT


def accepted(at: int, port: int, clock: int = QUICK, **how: str) -> Wire:
    """A connection of a host whose clock was ``clock`` at time 0 and ticks in milliseconds."""
    wire = syns(at, port=port, stamps=(clock + at,), **how)  # type: ignore[arg-type]
    wire.server(-1, flags=SYN, at=at + 20, options=stamp(7, clock + at))
    return asked(wire)


def lost(at: int, port: int, clock: int = SLOW, sendings: int = 3) -> Wire:
    times = [at + (1 << number) * 1000 - 1000 for number in range(sendings)]
    return syns(*times, port=port, stamps=tuple(clock + time for time in times))


def quick(count: int = 8, first: int = 0) -> list[Wire]:
    """Connections of one host, three seconds apart."""
    return [accepted(first + 3000 * n, 40000 + n) for n in range(count)]


def finding(*wires: Wire) -> Finding | None:
    return findings(*wires).get("syn-paws-drop")


def test_the_host_whose_clock_lags_is_not_accepted_while_the_other_one_is() -> None:
    behind = QUICK - 500_000
    found = finding(*quick(), lost(10_000, 50000, behind), lost(20_000, 50001, behind))
    assert found is not None
    assert (found.fault, found.certainty, found.failure) == ("server", "likely", True)
    assert len(found.connections) == 2
    assert "is 499000 ticks lower than" in found.claim  # accepted one second before: 500,000 less 1,000
    assert "of 2 of 2 connections that got no reply, and of none of the 8" in found.claim


def test_once_is_only_possible_and_no_longer_a_plain_syn_timeout() -> None:
    found = findings(*quick(), lost(10_000, 50000, QUICK - 500_000))
    assert found.keys() == {"syn-paws-drop"}
    assert found["syn-paws-drop"].certainty == "possible"


def test_clocks_that_wrap_around_are_compared_as_signed_numbers() -> None:
    wires = [accepted(3000 * n, 40000 + n, (1 << 32) - 5000) for n in range(6)]  # wraps after 5 s
    assert finding(*wires, lost(10_000, 50000, (1 << 32) - 80_000)) is not None
    assert finding(*wires, lost(10_000, 50000, (1 << 32) + 80_000)) is None  # it leads


def test_a_host_that_leads_is_no_such_case() -> None:
    assert findings(*quick(), lost(10_000, 50000, QUICK + 500_000)).keys() == {"syn-timeout"}


@pytest.mark.parametrize(
    "other",
    [
        accepted(14_000, 51000, QUICK - 500_000),  # as low a timestamp was accepted
        lost(14_000, 51000, QUICK + 100),  # one that does not lag was lost as well
        lost(14_000, 51000, QUICK + 900_000),
    ],
)
def test_what_contradicts_a_server_that_compares_timestamps_refutes_it(other: Wire) -> None:
    behind = lost(10_000, 50000, QUICK - 500_000)
    assert finding(*quick(), behind) is not None
    assert finding(*quick(), behind, other) is None


def test_after_a_minute_the_server_has_forgotten() -> None:
    assert finding(*quick(4), lost(80_000, 50000, QUICK - 500_000)) is None
    # sent again until then, and still not answered: not this cause
    assert finding(*quick(4), lost(20_000, 50000, QUICK - 500_000, sendings=7)) is None


def test_clocks_that_begin_anew_with_each_connection_say_nothing() -> None:
    """As of systems with an offset for each connection: whatever was lost among them."""
    draw = random.Random(7)
    for _ in range(50):
        wires = [accepted(1000 * n, 40000 + n, draw.randrange(1 << 32)) for n in range(draw.randrange(2, 9))]
        assert finding(*wires, lost(9_000, 50000, draw.randrange(1 << 32))) is None


def test_three_that_do_not_tick_together_are_no_clock() -> None:
    wires = [accepted(1000 * n, 40000 + n, 1_000_000_000 + 400_000_000 * n) for n in range(3)]
    assert findings(*wires, lost(9_000, 50000, 1_200_000_000)).keys() == {"syn-timeout"}


def test_a_syn_that_left_a_little_before_another_and_came_after_it_does_not_lag() -> None:
    late = lost(9_010, 50000, QUICK - 40, sendings=2)  # 30 ms lower than those of 9.0 and of 10.0 s
    assert findings(*quick(), accepted(10_000, 41000), late).keys() == {"syn-timeout"}


def test_where_nothing_was_accepted_afterwards_an_outage_is_not_excluded() -> None:
    found = finding(*quick(), lost(22_000, 50000, QUICK - 500_000), lost(23_000, 50001, QUICK - 500_000))
    assert found is not None
    assert found.certainty == "possible"
    assert "not excluded" in found.runner_up


def test_one_that_was_refused_was_not_lost() -> None:
    refused = syns(14_000, 15_000, port=51000, stamps=(QUICK, QUICK + 900_000))
    refused.server(-1, ack=0, flags=RST | ACK, at=15_020)
    assert finding(*quick(), lost(10_000, 50000, QUICK - 500_000), refused) is not None


def test_other_clients_addresses_do_not_count() -> None:
    wires = [accepted(3000 * n, 40000 + n, client="192.0.2.99") for n in range(12)]
    assert finding(*wires, lost(10_000, 50000, QUICK - 500_000)) is None


def test_one_host_whose_syns_get_lost_does_not_lag_behind_itself() -> None:
    assert findings(*quick(), lost(10_000, 50000, QUICK)).keys() == {"syn-timeout"}


def test_a_refused_connection_is_not_this() -> None:
    wire = lost(10_000, 50000, QUICK - 500_000).server(-1, ack=0, flags=RST | ACK, at=17_020)
    assert findings(*quick(), wire).keys() == {"connection-refused"}


def test_without_loss_nothing_is_said_of_any_clock() -> None:
    assert findings(*quick(), accepted(10_000, 50000, SLOW)) == {}
