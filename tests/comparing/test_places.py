"""What a second place decides, on facts: one connection as both ends see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from plainwire.comparing import compare
from plainwire.model import Connection, Gap, Report, Side
from tests.diagnose.wire import CLIENT, SERVER, Wire
from tests.report.samples import report

if TYPE_CHECKING:
    from plainwire.comparing.places import TwoPlaces

AHEAD = 7200.0
"""Milliseconds that the server's clock is ahead."""


def near(*, reset: bool = True, asked: bool = True) -> Connection:
    """At the client, 40 ms away: an answered request, one without an answer, a reset."""
    wire = Wire(rtt=80)
    wire.ok(0)
    if asked:
        wire.ask(500)
    if reset:
        wire.close(SERVER, "rst", 580)
    return named(wire.done("unanswered" if asked else None))


def far(*, reset: bool = True, asked: bool = True, forged: bool = False, ttl: int = 64) -> Connection:
    """The same at the server."""
    wire = Wire(rtt=0, start=AHEAD + 40, ttl=ttl)
    wire.ok(0)
    if asked:
        wire.ask(500)
    if forged:
        wire.close(CLIENT, "rst", 505)
    if reset:
        wire.close(SERVER, "rst", 500)
    return named(wire.done("unanswered" if asked else None))


def named(connection: Connection) -> Connection:
    assert connection.tls is not None
    connection.tls.client_random = b"r" * 32
    return connection


def places(one: Connection, other: Connection) -> TwoPlaces:
    found = compare(report(one), report(other)).places
    assert found is not None
    return found


@pytest.mark.parametrize("turned", [False, True])
def test_a_reset_that_passed_both_places_is_the_servers(turned: bool) -> None:  # noqa: FBT001 - of two values
    pair = (far(), near()) if turned else (near(), far())
    found = places(*pair)
    assert found.near == ("B" if turned else "A")
    assert [(d.who, d.certainty, d.holds) for d in found.decided] == [("server", "proved", True)]


def test_a_reset_with_a_hop_limit_that_was_counted_down_may_come_from_before_the_server() -> None:
    (decided,) = places(near(), far(ttl=57)).decided
    assert (decided.who, decided.certainty) == ("server", "likely")
    assert "hop limit there is 57" in decided.says


def test_a_reset_that_only_the_client_saw_was_made_in_between() -> None:
    """It refutes what the client's capture alone says."""
    later = Wire(id=9, rtt=0, start=AHEAD, first_exchange=90, first_packet=900)
    later.ok(900)
    found = compare(report(near()), report(far(reset=False, forged=True), later.done())).places
    assert found is not None
    (decided,) = found.decided
    assert (decided.who, decided.certainty) == ("between", "proved")
    assert decided.holds is False
    assert "in the client's name" in decided.evidence[-1].says


def test_where_the_far_capture_ends_just_then_it_is_only_likely() -> None:
    (decided,) = places(near(), far(reset=False)).decided
    assert (decided.who, decided.certainty) == ("between", "likely")


def test_a_request_that_did_not_come_was_lost_in_between() -> None:
    (decided,) = places(near(), far(asked=False, reset=False)).decided
    assert decided.who == "between"
    assert "never came to B" in decided.says


@pytest.mark.parametrize("how", ["gap", "dropped", "ended"])
def test_a_capture_that_is_not_whole_proves_nothing(how: str) -> None:
    there = far(reset=False)
    second = report(there)
    if how == "gap":
        there.gaps = [Gap(Side.SERVER, 0, 10, 3)]
    elif how == "dropped":
        second.coverage.packets_dropped = 3
    else:
        there.last_ns = there.opened_ns + 1_000_000
    found = compare(report(near()), second).places
    assert found is not None
    assert {d.who for d in found.decided} == {"unknown"}
    assert [d.holds for d in found.decided] == [None]


def test_the_clocks_are_aligned_by_what_passed() -> None:
    clocks = places(near(), far()).clocks
    assert clocks is not None
    assert abs(clocks.ahead_ns / 1e6 - AHEAD) <= clocks.error_ns / 1e6


def test_captures_of_other_traffic_are_not_taken_for_the_same() -> None:
    there = far()
    assert there.tls is not None
    there.tls.client_random = b"s" * 32
    found = compare(report(near()), report(there))
    assert found.places is None
    assert found.differences is not None


def test_nothing_beside_nothing() -> None:
    empty: Report = report()
    found = compare(empty, empty)
    assert found.places is None
    assert not found.fails
