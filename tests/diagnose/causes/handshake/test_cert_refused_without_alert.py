"""A client that leaves when it has seen the certificate, and others that leave for other reasons."""

from __future__ import annotations

import pytest

from plainwire.diagnose import diagnose
from plainwire.model import ACK, PSH, Certificate, Connection, Finding, TlsInfo, Undecrypted
from tests.diagnose.opening import Opening
from tests.diagnose.wire import CLIENT, EPOCH_NS, SERVER, only

_DAY_NS = 86_400 * 10**9
_WILDCARD = Certificate("CN=*.f.test", "CN=CA", ("*.f.test", "f.test"), 0, EPOCH_NS + _DAY_NS)


def _left(
    number: int = 1,
    name: str = "a.b.f.test",
    leaf: Certificate = _WILDCARD,
    *,
    complete: bool = True,
    chain: int = 2,
    at: float = 170,
    used: bool = False,
    whole: bool = True,
) -> Connection:
    opening = Opening(id=number, start=number * 1000).syn(0).accept().hello(81)
    opening.segment(SERVER, 161, ACK | PSH, ack=517, length=3000)
    opening.tls = TlsInfo(
        "TLS 1.3",
        "suite",
        server_name=name,
        certificate=b"der",
        chain=chain,
        leaf=leaf,
        handshake_complete=complete,
        flight_whole=whole,
        starts=[0, 0],
        hello_size=517,
        talked=[used, used],
    )
    opening.close(CLIENT, "fin", at, seq=600, ack=3000)
    return opening.done()


def _found(*connections: Connection) -> list[Finding]:
    return [f for f in diagnose(connections) if f.code == "cert-refused-without-alert"]


def test_a_name_that_the_certificate_does_not_cover_is_quoted_beside_those_that_it_has() -> None:
    finding = only(diagnose([_left()]))
    assert (finding.code, finding.certainty) == ("cert-refused-without-alert", "likely")
    assert {quoted.text for quoted in finding.quotes} == {"a.b.f.test", "*.f.test, f.test"}
    assert "f.test" not in finding.claim


@pytest.mark.parametrize("name", ["x.f.test", "F.TEST.", "f.test"])
def test_a_name_that_is_covered_and_a_whole_chain_say_nothing(name: str) -> None:
    assert not _found(_left(name=name))


def test_a_health_check_that_finishes_the_handshake_and_leaves_is_no_refusal() -> None:
    checks = [_left(number, "f.test") for number in range(1, 20)]
    assert not _found(*checks)


def test_leaving_before_the_own_finished_each_time_with_a_lone_certificate_is_likely_a_refusal() -> None:
    (finding,) = _found(*(_left(n, "f.test", complete=False, chain=1) for n in (1, 2, 3)))
    assert (finding.certainty, len(finding.connections)) == ("likely", 3)
    assert "3 times of 3" in finding.claim


def test_a_client_that_uses_the_same_certificate_elsewhere_did_not_refuse_it() -> None:
    used = _left(2, "f.test", used=True)
    assert not _found(_left(1, "f.test", complete=False, chain=1), used)


def test_a_client_that_leaves_long_after_the_handshake_did_not_leave_for_the_certificate() -> None:
    assert not _found(_left(at=30_000))


def test_an_expired_certificate_is_the_server_s() -> None:
    old = Certificate("CN=f.test", "CN=CA", ("f.test",), 0, EPOCH_NS - 3 * _DAY_NS)
    (finding,) = _found(_left(name="f.test", leaf=old))
    assert finding.fault == "server"
    assert "3 days before" in finding.claim


def test_a_certificate_that_signed_itself_may_be_why_a_client_left_after_the_handshake() -> None:
    own = Certificate("CN=f.test", "CN=f.test", ("f.test",), 0, EPOCH_NS + _DAY_NS)
    (finding,) = _found(_left(name="f.test", leaf=own))
    assert (finding.fault, finding.certainty) == ("unknown", "possible")
    assert "signed itself" in finding.claim


def test_an_ocsp_response_that_was_asked_for_and_did_not_come_is_told() -> None:
    """So does curl --cert-status end, with status 91."""
    asking = _left(name="f.test")
    assert asking.tls is not None
    asking.tls.status_requested = True
    (finding,) = _found(asking)
    assert "stapled OCSP response, and none came" in finding.claim
    asking.tls.stapled = True
    assert not _found(asking)


def test_an_alert_that_nobody_can_read_any_more_hides_nothing() -> None:
    """The server of a client that left says so under a key which the client never had (the JDK's client)."""
    left = _left(name="f.test", complete=False, leaf=Certificate("CN=a", "CN=b", (), 0, EPOCH_NS + _DAY_NS))
    packet = left.closes[0].packet
    for unread, found in ((packet + 1, 1), (packet - 1, 0)):
        left.undecrypted = [Undecrypted("no secret", SERVER, unread)]
        assert len(_found(left)) == found


def test_a_client_that_had_a_part_of_the_flight_refused_nothing() -> None:
    """It waited for the rest, as the JDK's does until its limit for connecting."""
    cut = _left(complete=False, whole=False, at=2170)
    assert only(diagnose([cut])).code == "handshake-stall"
    assert not _found(_left(complete=False, whole=False, at=660))
