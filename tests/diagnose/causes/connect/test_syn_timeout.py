"""Nothing answered the attempt to connect."""

from __future__ import annotations

from plainwire.diagnose import diagnose
from plainwire.model import ACK, FIN, PSH, SYN, Connection, Endpoint, TlsInfo
from tests.diagnose.causes.connect.lookups import NAME, lookup
from tests.diagnose.opening import Opening, healthy
from tests.diagnose.wire import CLIENT, SERVER, only


def test_syns_without_any_answer() -> None:
    finding = only(diagnose([Opening().syn(0, 1010, 2030, 3060).done()]))
    assert (finding.code, finding.fault, finding.certainty) == ("syn-timeout", "unknown", "likely")
    assert "4 times in 3.060 s" in finding.claim


def test_a_syn_at_the_end_of_the_capture_says_nothing() -> None:
    assert diagnose([Opening().syn(0).done()]) == []


def test_an_answer_to_the_syn_refutes_silence() -> None:
    assert diagnose([Opening().syn(0, 1000).accept(1080).done()]) == []


def test_other_connections_that_stay_open_speak_for_a_limit() -> None:
    served = []
    for number in (1, 2, 3):
        opening = Opening(id=number, start=number * 10.0).syn(0).accept().hello(81)
        opening.segment(SERVER, 161, ACK | PSH, ack=517, length=3000)
        opening.tls = TlsInfo("TLS 1.3", "suite", handshake_complete=True)
        served.append(opening.done())
    silent = Opening(id=9, start=500).syn(0, 1010, 3030).done()
    claim = only(diagnose([*served, silent])).claim
    assert "3 other connections to it were accepted and answered" in claim
    assert "limit on connections" in claim


def test_a_name_with_another_address_that_accepts_is_told() -> None:
    other = Endpoint("203.0.113.8", 443)
    silent = Opening(id=1, start=10).syn(0, 1000).done()
    asked = [lookup(0, at=5, addresses=(silent.server.address, other.address))]
    finding = next(
        f for f in diagnose([silent, healthy(2, start=2_010, server=other)], asked) if f.code == "syn-timeout"
    )
    assert (
        f"one of 2 addresses of the name that was looked up; the other address {other.address}"
        in finding.claim
    )
    assert [quoted.text for quoted in finding.quotes] == [NAME]


def test_two_syns_at_one_moment_are_one_that_was_captured_twice() -> None:
    assert diagnose([Opening().syn(0, 0.4).done()]) == []


def test_a_probe_of_a_scan_wants_no_connection() -> None:
    opening = Opening()
    for at in (0, 1000, 3000):
        opening.segment(CLIENT, at, SYN | FIN, seq=-1, ack=-1)
    assert diagnose([opening.done()]) == []


def test_where_only_what_clients_sent_was_captured_silence_says_nothing() -> None:
    tried = Opening().syn(0, 1000, 3000).done()
    other = Opening(id=2, start=100).syn(0)
    other.segment(CLIENT, 80)
    other.established = True  # it acknowledges what the capture does not hold
    assert diagnose([tried, other.done()]) == []
    assert only(diagnose([tried])).code == "syn-timeout"


def _answered(again: float) -> Connection:
    opening = Opening().syn(0)
    opening.segment(SERVER, 1, SYN | ACK, seq=-1)
    opening.syn(again).segment(SERVER, again + 1, SYN | ACK, seq=-1)
    return opening.done()


def test_an_answer_that_the_client_s_host_drops_is_in_the_capture_all_the_same() -> None:
    """A capture is taken ahead of the packet filter and of rp_filter."""
    finding = only(diagnose([_answered(1010)]))
    assert (finding.code, finding.fault, finding.certainty) == ("syn-timeout", "unknown", "likely")
    assert "rp_filter" in finding.claim
    assert diagnose([_answered(1.5)]) == []
