"""The client went to an alternative service that is gone."""

from __future__ import annotations

import pytest

from plainwire.diagnose import diagnose
from plainwire.model import Connection, IcmpError
from tests.diagnose.causes.quic.quic_connections import ELSEWHERE, unanswered
from tests.diagnose.opening import healthy
from tests.diagnose.wire import CLIENT_END, EPOCH_NS, MS, SERVER_END, Wire, only


def promising(value: str = 'h3=":443"; ma=3600', at: float = -5000) -> Connection:
    """A connection over TCP whose response names an alternative service."""
    wire = Wire(id=2, first_packet=100, start=at)
    response = wire.ok(0).response
    assert response is not None
    response.headers.append(("Alt-Svc", value))
    return wire.done()


def refused() -> Connection:
    """A client's Initial to a port at which nobody listens."""
    connection = unanswered(packets=1)
    connection.icmp_errors = [
        IcmpError(
            2, EPOCH_NS + MS, SERVER_END.address, 3, 3, "destination unreachable: port unreachable", 17,
            CLIENT_END, SERVER_END,
        )
    ]  # fmt: skip
    return connection


def elsewhere() -> Connection:
    """QUIC of the same client that was answered."""
    connection = unanswered(server=ELSEWHERE, answered=True)
    connection.id, connection.first_packet = 3, 50
    return connection


def test_alternative_at_which_nobody_listens() -> None:
    finding = only(diagnose([promising(), refused()]))
    assert (finding.code, finding.fault, finding.certainty) == ("alt-svc-stale", "server", "likely")
    assert {1, 2, 101} <= set(finding.packets)
    assert "for 3600 s" in finding.claim


def test_alternative_that_is_silent_while_udp_passes() -> None:
    assert only(diagnose([promising(), unanswered(), elsewhere()])).code == "alt-svc-stale"


def test_alternative_that_is_silent_where_nothing_shows_that_udp_passes() -> None:
    assert [finding.code for finding in diagnose([promising(), unanswered()])] == []


@pytest.mark.parametrize(
    "origin",
    [
        promising("clear"),
        promising('h3=":443"; ma=3'),  # over by then
        promising('h3=":8443"; ma=3600'),
        promising('h3="other.example:443"; ma=3600'),
        promising('h2=":443"; ma=3600'),
        promising(at=5000),  # not said before
        healthy(2, start=-5000),
    ],
)
def test_no_alternative_was_promised_there(origin: Connection) -> None:
    assert "alt-svc-stale" not in {finding.code for finding in diagnose([origin, refused()])}


def test_the_latest_promise_counts() -> None:
    later = promising("clear", at=-1000)
    later.id = 3
    assert "alt-svc-stale" not in {f.code for f in diagnose([promising(), later, refused()])}
