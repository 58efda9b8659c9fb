"""The TTL of the server's packets, beside failures of the same server and nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from plainwire.diagnose import diagnose
from plainwire.diagnose.comparison.comparison import compare
from plainwire.model import ACK, RST, SYN, Side, Syn
from tests.diagnose.bulk import Traffic
from tests.diagnose.wire import SERVER, Wire

if TYPE_CHECKING:
    from plainwire.model import Connection, Finding


def remark(*connections: Connection) -> Finding | None:
    return next((f for f in diagnose(connections) if f.code == "path-change"), None)


def wire(number: int, ttl: int = 57) -> Wire:
    return Wire(id=number, first_exchange=10 * number, first_packet=100 * number, ttl=ttl)


def failing(number: int, ttl: int = 57) -> Connection:
    """The whole request was acknowledged, and then a RST, ACK came."""
    made = wire(number, ttl)
    made.ok(0)
    made.ask(200)
    made.ack(SERVER, 280)
    made.close(SERVER, "rst", 300)
    return made.done("unanswered")


def good(number: int, ttl: int = 57) -> Connection:
    made = wire(number, ttl)
    made.ok(0)
    made.ok(200)
    return made.done()


def stepping(number: int, *ttls: int, fails: bool = False) -> Connection:
    made = wire(number)
    for place, ttl in enumerate(ttls):
        made.ttl = ttl
        made.ok(200 * place)
    if fails:
        made.ask(200 * len(ttls))
        made.ack(SERVER, 200 * len(ttls) + 80)
        made.close(SERVER, "rst", 200 * len(ttls) + 100)
    return made.done("unanswered" if fails else None)


def test_a_step_in_mid_connection_is_told_with_its_distance_from_the_failure() -> None:
    found = remark(stepping(1, 57, 57, 57, 54, 54, 54, fails=True))
    assert found is not None
    assert (found.fault, found.certainty, found.failure, found.exchanges) == (
        "unknown",
        "possible",
        False,
        [],
    )
    assert "stepped from 57 to 54" in found.claim
    assert (
        "520 ms before" in found.claim
    )  # the first answer of the other TTL at 680 ms, the request at 1200 ms
    assert [e.says for e in found.evidence] == ["from the server, TTL 57", "from the server, TTL 54"]


def test_so_is_one_on_a_good_connection_beside_a_failure() -> None:
    found = remark(stepping(1, 57, 57, 57, 54, 54, 54), failing(2))
    assert found is not None
    assert found.connections == [1]


@pytest.mark.parametrize(
    "ttls",
    [
        (57, 57, 57, 57, 57, 57),
        (57, 54, 57, 54, 57, 54, 57),  # two ways at once
        (57, 57, 57, 57, 57, 54),  # too few
        (57, 57, 54, 54, 54, 54),
        (57, 57, 57, 54, 54, 54, 57, 57, 57),
    ],
)
def test_what_is_no_step_is_left_alone(ttls: tuple[int, ...]) -> None:
    assert remark(stepping(1, *ttls, fails=True)) is None


def test_resets_of_another_ttl_are_no_step() -> None:
    made = wire(1)
    for place in range(4):
        made.ok(200 * place)
    made.ask(1000)
    for place in range(4):
        made.segment(SERVER, 1010 + place, flags=RST, ttl=250)
    made.close(SERVER, "rst", 1020, ttl=250)
    assert remark(made.done("unanswered")) is None


def test_where_nothing_failed_nothing_is_said() -> None:
    assert diagnose([stepping(1, 57, 57, 57, 54, 54, 54), *(good(n) for n in range(2, 9))]) == []


def test_failing_connections_with_a_ttl_of_their_own_are_told() -> None:
    found = remark(*(failing(n, 54) for n in range(1, 4)), *(good(n) for n in range(4, 9)))
    assert found is not None
    assert found.connections == [1, 2, 3]
    assert "have TTL 54 here and 57 on 5 connections without failure" in found.claim


def test_one_good_connection_with_the_same_ttl_is_enough_against_it() -> None:
    bad = [failing(n, 54) for n in range(1, 4)]
    assert remark(*bad, *(good(n) for n in range(4, 9)), good(9, 54)) is None


def test_few_connections_show_nothing() -> None:
    bad = [failing(n, 54) for n in range(1, 4)]
    assert remark(*bad, *(good(n) for n in range(4, 8))) is None
    assert remark(*bad[:2], *(good(n) for n in range(4, 12))) is None


def test_failures_of_one_ttl_are_told_as_what_they_have_in_common() -> None:
    traffic = Traffic()
    for number in range(60):
        connection, ttl = traffic.connect(), 54 if number % 4 == 0 else 57
        connection.syns = [Syn(number, 0, Side.SERVER, SYN | ACK, 65160, ttl)]
        traffic.ask(1.0, code="close-mid-request" if ttl == 54 else None)
    told = compare(traffic.connections, traffic.findings()).contrasts
    assert "ttl" in {name for contrast in told for name in (contrast.feature, *contrast.also)}
    assert "15 of 15 failures" in told[0].claim


def test_without_syn_acks_the_ttl_is_no_feature() -> None:
    traffic = Traffic()
    for number in range(60):
        traffic.connect()
        traffic.ask(1.0, code="close-mid-request" if number % 4 == 0 else None)
    for contrast in compare(traffic.connections, traffic.findings()).contrasts:
        assert "ttl" not in (contrast.feature, *contrast.also)
