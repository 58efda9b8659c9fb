"""The attempt to connect was refused."""

from __future__ import annotations

from plainwire.diagnose import diagnose
from plainwire.model import ACK, RST, Connection, Endpoint, IcmpError
from tests.diagnose.opening import Opening, healthy
from tests.diagnose.wire import EPOCH_NS, SERVER, SERVER_END, only

LOCAL = Endpoint("127.0.0.1", 8443)


LOCAL6 = Endpoint("::1", 8443)


def refused(server: Endpoint = SERVER_END, number: int = 1, *, ttl: int = 57) -> Connection:
    opening = Opening(
        number, server=server, client=Endpoint(server.address, 5) if server == LOCAL6 else server
    )
    if server == SERVER_END:
        opening.client = Endpoint("192.0.2.7", 40000)
    opening.syn(0).segment(SERVER, 80, RST | ACK, ttl=ttl)
    return opening.done()


def test_a_reset_in_answer_to_the_syn_is_a_refusal() -> None:
    finding = only(diagnose([refused()]))
    assert (finding.code, finding.fault, finding.certainty) == ("connection-refused", "server", "likely")
    assert finding.packets == [1000, 1001]


def test_on_one_host_a_refusal_is_the_server_s() -> None:
    assert only(diagnose([refused(LOCAL)])).certainty == "proved"


def test_a_refusal_with_another_ttl_than_the_server_s_is_the_path_s() -> None:
    finding = only(diagnose([healthy(), refused(ttl=250)]))
    assert (finding.code, finding.fault) == ("connection-refused", "path")


def test_the_one_address_of_localhost_at_which_nothing_listens_is_normal() -> None:
    assert diagnose([refused(LOCAL6), healthy(2, start=1, server=LOCAL)]) == []


def test_a_refusal_that_was_over_within_a_minute_is_told_as_no_failure() -> None:
    finding = only(diagnose([refused(), healthy(2, start=3000)]))
    assert not finding.failure
    assert "accepted 3.000 s later" in finding.claim


def test_a_server_on_this_host_that_is_only_being_started_refuses_nobody() -> None:
    assert diagnose([refused(LOCAL), healthy(2, start=100, server=LOCAL)]) == []


def test_a_server_on_this_host_that_was_there_before_is_missed() -> None:
    before, after = healthy(1, server=LOCAL), healthy(3, start=500, server=LOCAL)
    gone = refused(LOCAL, 2)
    gone.opened_ns += 10**8
    finding = only(diagnose([before, gone, after]))
    assert (finding.code, finding.failure) == ("connection-refused", False)


def test_a_refusal_beside_open_connections_may_be_a_limit() -> None:
    opened = Opening(1, server=LOCAL, client=Endpoint("127.0.0.1", 5)).syn(0).accept().hello(90).done()
    late = Opening(2, server=LOCAL, client=Endpoint("127.0.0.1", 6), start=500).syn(0)
    late.segment(SERVER, 80, RST | ACK)
    finding = next(f for f in diagnose([opened, late.done()]) if f.code == "connection-refused")
    assert (finding.fault, finding.certainty) == ("unknown", "likely")
    assert "1 other connection to 127.0.0.1:8443 had been accepted" in finding.claim
    assert "nothing accepts" not in finding.claim


def unreachable(kind: int, code: int) -> Connection:
    opening = Opening().syn(0, 1000)
    end = Endpoint("192.0.2.7", 40000)
    opening.errors.append(IcmpError(1500, EPOCH_NS + 5, "198.51.100.1", kind, code, "", 6, end, SERVER_END))
    return opening.done()


def test_an_icmp_error_about_the_syn_is_a_refusal_by_the_path() -> None:
    finding = only(diagnose([unreachable(3, 1)]))
    assert (finding.code, finding.fault) == ("connection-refused", "path")
    assert 1500 in finding.packets


def test_a_packet_that_was_too_big_is_no_refusal() -> None:
    assert diagnose([unreachable(3, 4)]) == []
