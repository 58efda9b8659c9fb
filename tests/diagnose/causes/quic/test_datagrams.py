"""QUIC that met with nothing, while TCP works; or that went where nobody is; or that was too small."""

from __future__ import annotations

import pytest

from plainwire.diagnose import diagnose
from plainwire.model import Connection, Endpoint, IcmpError, QuicInfo, TlsInfo
from tests.diagnose.opening import healthy
from tests.diagnose.wire import CLIENT_END, EPOCH_NS, MS, SERVER_END, Wire, only

ELSEWHERE = Endpoint("203.0.113.99", 443)


def unanswered(
    *, packets: int = 4, server: Endpoint = SERVER_END, answered: bool = False, mid_stream: bool = False
) -> Connection:
    """A client's Initials over 1.4 s."""
    return Connection(
        id=1, client=CLIENT_END, server=server, first_packet=1, opened_ns=EPOCH_NS, mid_stream=mid_stream,
        last_packet=packets, last_ns=EPOCH_NS + 1400 * MS, packets=packets, transport="quic",
        quic=QuicInfo("QUIC v1", answered=answered), tls=TlsInfo(), application="h3",
    )  # fmt: skip


@pytest.mark.parametrize("start", [-500, 3000])
def test_initials_without_an_answer_while_tcp_works(start: float) -> None:
    finding = only(diagnose([unanswered(), healthy(2, start=start)]))
    assert (finding.code, finding.fault, finding.certainty) == ("quic-udp-blocked", "unknown", "possible")
    assert not finding.failure
    assert {1, 4} < set(finding.packets)


@pytest.mark.parametrize(
    "connection",
    [
        unanswered(answered=True),
        unanswered(mid_stream=True),
        unanswered(packets=1),
        unanswered(server=ELSEWHERE),
    ],
)
def test_what_may_be_something_else_is_left_alone(connection: Connection) -> None:
    assert diagnose([connection, healthy(2, start=3000)]) == []


def test_without_tcp_to_compare_with_nothing_is_said() -> None:
    assert diagnose([unanswered()]) == []


def test_the_same_name_at_another_address_is_the_same_server() -> None:
    udp, tcp = unanswered(server=ELSEWHERE), healthy(2, start=3000)
    udp.tls = tcp.tls = TlsInfo(server_name="storage.example")
    assert only(diagnose([udp, tcp])).code == "quic-udp-blocked"


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


def test_initials_that_are_too_small_to_be_answered() -> None:
    connection = unanswered()
    assert connection.quic is not None
    connection.quic.largest_initial = 900
    finding = only(diagnose([connection, healthy(2, start=3000)]))
    assert (finding.code, finding.fault) == ("quic-pmtu-or-amplification-stall", "client")
    assert "has 900 bytes" in finding.claim
    connection.quic.largest_initial = 1200
    assert only(diagnose([connection, healthy(2, start=3000)])).code == "quic-udp-blocked"
    connection.quic.largest_initial, connection.snapped = 900, True
    assert only(diagnose([connection, healthy(2, start=3000)])).code == "quic-udp-blocked"
