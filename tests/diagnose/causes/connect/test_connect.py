"""Connections that did not come about, or late."""

from __future__ import annotations

from plainwire.diagnose import diagnose
from plainwire.model import ACK, PSH, RST, SYN, Connection, Endpoint, IcmpError
from tests.diagnose.opening import Opening, healthy
from tests.diagnose.wire import CLIENT, EPOCH_NS, SERVER, SERVER_END, Wire, only

LOCAL = Endpoint("127.0.0.1", 8443)
LOCAL6 = Endpoint("::1", 8443)
OTHER6 = Endpoint("2001:db8::7", 443)


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


def test_syns_without_any_answer() -> None:
    finding = only(diagnose([Opening().syn(0, 1010, 2030, 3060).done()]))
    assert (finding.code, finding.fault, finding.certainty) == ("syn-timeout", "unknown", "likely")
    assert "4 times in 3.060 s" in finding.claim


def test_a_syn_at_the_end_of_the_capture_says_nothing() -> None:
    assert diagnose([Opening().syn(0).done()]) == []


def test_an_answer_to_the_syn_refutes_silence() -> None:
    assert diagnose([Opening().syn(0, 1000).accept(1080).done()]) == []


def test_ipv6_that_is_dead_where_ipv4_works() -> None:
    dead = Opening(server=OTHER6).syn(0, 1000).done()
    finding = only(diagnose([dead, healthy(2, start=2000)]))
    assert (finding.code, finding.failure) == ("ipv6-broken-fallback", False)
    assert "2.000 s" in finding.claim


def test_ipv6_and_ipv4_both_dead_is_no_matter_of_ipv6() -> None:
    dead = [Opening(1, server=OTHER6).syn(0, 1000).done(), Opening(2, start=2000).syn(0, 1000).done()]
    assert {finding.code for finding in diagnose(dead)} == {"syn-timeout"}


def test_many_connections_and_silence_only_for_a_new_one_may_be_a_nat_without_ports() -> None:
    old = Wire(id=900, first_packet=900_000)
    old.ok(-1000)
    old.ok(5000)
    crowd = [healthy(number, start=-500) for number in range(100, 600)]
    connection = old.done()
    connection.opened_ns = EPOCH_NS - 10**9
    new = Opening(2000).syn(0, 1000, 3000).done()
    finding = only(diagnose([connection, *crowd, new]))
    assert (finding.code, finding.certainty) == ("port-exhaustion", "possible")


def overflowing(*, heard: bool = True, acknowledged: bool = False) -> Connection:
    opening = Opening().syn(0).accept(1).hello(2, 205, 620)
    if acknowledged:
        opening.segment(SERVER, 3, ack=517)
    opening.segment(SERVER, 1010, SYN | ACK, seq=-1)
    if heard:
        opening.hello(1400)
        opening.segment(SERVER, 1401, ack=517)
        opening.segment(SERVER, 1402, ACK | PSH, ack=517, length=2000)
    return opening.done()


def test_a_syn_ack_again_and_again_with_the_client_s_data_ignored_is_a_full_queue() -> None:
    finding = only(diagnose([overflowing()]))
    assert (finding.code, finding.fault, finding.failure) == ("accept-queue-overflow", "server", False)
    assert only(diagnose([overflowing(heard=False)])).failure


def test_a_server_that_had_acknowledged_the_data_has_no_full_queue() -> None:
    assert diagnose([overflowing(acknowledged=True)]) == []


def test_a_port_whose_last_connection_the_server_still_remembers() -> None:
    opening = Opening().syn(0)
    opening.segment(SERVER, 80, ACK, seq=5000, ack=77_000)
    opening.segment(CLIENT, 80, RST, seq=77_000, ack=-1)
    opening.syn(1000).accept(1080)
    finding = only(diagnose([opening.done()]))
    assert (finding.code, finding.failure) == ("port-reuse-time-wait", False)


def test_a_connection_without_a_word_is_no_failure() -> None:
    assert diagnose([Opening().syn(0).accept().done()]) == []
