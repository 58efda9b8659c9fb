"""Segments to connections: incarnations, roles, ends, offsets."""

from __future__ import annotations

import pytest

from plainwire.model import ACK, FIN, PSH, RST, SYN, Side
from plainwire.streams.last_segments import TAIL
from plainwire.streams.tcp_connection import LINGER_NS
from tests.builders.packets import CLIENT, SERVER, packet
from tests.streams.wire import MS, START_NS, Wire, streams

C, S = Side.CLIENT, Side.SERVER


def every_cut(wire: Wire) -> list[tuple[int, ...]]:
    """In one batch, in batches of one packet, and in two halves everywhere."""
    count = len(wire.packets)
    return [(), tuple(range(count)), *((at,) for at in range(1, count))]


def test_a_connection_from_syn_to_fin() -> None:
    wire = (
        Wire().opened().client(0, b"ask", flags=PSH).server(0, b"answer", ack=3).client(3, ack=6).closed(3, 6)
    )
    for cuts in every_cut(wire):
        stream = wire.stream(cuts)
        assert (stream.sent(C), stream.sent(S)) == (b"ask", b"answer")
        assert stream.closes == [("fin", C, 3, 6), ("fin", S, 6, 4)]
        facts = stream.facts
        assert (str(facts.client), str(facts.server)) == ("192.0.2.7:40000", "203.0.113.7:443")
        assert (facts.id, facts.first_packet, facts.last_packet, facts.packets) == (1, 1, 9, 9)
        assert (facts.mid_stream, facts.roles_guessed, facts.established) == (False, False, True)
        assert (facts.opened_ns, facts.last_ns) == (START_NS, START_NS + 8 * MS)
        assert facts.sizes == [3, 6]
        assert facts.retransmissions == [0, 0]


def test_the_client_is_who_sent_the_syn_even_from_a_low_port() -> None:
    wire = Wire(("192.0.2.7", 20), ("203.0.113.7", 50000)).opened().server(0, b"data")
    facts = wire.stream().facts
    assert (facts.client.port, facts.roles_guessed) == (20, False)


def test_a_syn_ack_alone_tells_the_roles() -> None:
    wire = Wire(("192.0.2.7", 20), ("203.0.113.7", 50000)).server(-1, flags=SYN).client(0, b"ask")
    facts = wire.stream().facts
    assert (facts.client.port, facts.roles_guessed, facts.rtt_syn_ns) == (20, False, None)


def test_in_mid_connection_the_higher_port_is_taken_for_the_client_and_that_is_said() -> None:
    facts = Wire().server(700, b"data", ack=900).stream().facts
    assert str(facts.client) == "192.0.2.7:40000"
    assert facts.roles_guessed
    assert facts.mid_stream


@pytest.mark.parametrize(
    ("first", "who"),
    [
        (b"GET / HTTP/1.1\r\n", C),
        (b"HTTP/1.1 200 OK\r\n", S),
        (bytes.fromhex("1603010200010001fc0303"), C),  # ClientHello, RFC 8446 section 4.1.2
        (bytes.fromhex("160303007a020000760303"), S),  # ServerHello
    ],
)
def test_in_mid_connection_requests_and_hellos_tell_who_is_who(first: bytes, who: Side) -> None:
    wire = Wire(("192.0.2.7", 20), ("203.0.113.7", 50000)).server(0).client(0, ack=0).add(who, 0, first)
    facts = wire.stream().facts
    assert facts.client.port == 20
    assert facts.roles_guessed


def test_in_mid_connection_offsets_count_from_the_first_byte_seen() -> None:
    wire = Wire().client(700, b"ask", ack=900).server(900, b"answer", ack=703).closed(703, 906)
    for cuts in every_cut(wire):
        stream = wire.stream(cuts)
        assert (stream.sent(C), stream.sent(S)) == (b"ask", b"answer")
        assert stream.closes == [("fin", C, 3, 6), ("fin", S, 6, 4)]


@pytest.mark.parametrize("probe", [b"", b"\0"])
def test_a_keep_alive_probe_is_no_byte_of_the_stream(probe: bytes) -> None:
    wire = Wire().client(699, probe, ack=900).server(900, ack=700).client(700, b"ask", ack=900)
    stream = wire.stream()
    assert stream.sent(C) == b"ask"
    assert stream.facts.retransmissions == [0, 0]
    later = Wire().opened().client(0, b"ask").server(0, ack=3).client(2, probe).server(0, ack=3)
    assert later.stream().sent(C) == b"ask"
    assert later.stream().facts.retransmissions == [0, 0]


def test_a_capture_that_begins_with_the_close_has_its_ends_at_the_right_offsets() -> None:
    wire = Wire().client(700, ack=900).closed(700, 900)
    assert wire.stream().closes == [("fin", C, 0, 0), ("fin", S, 0, 1)]
    assert Wire().closed(700, 900).stream().closes == [("fin", C, 0, 0), ("fin", S, 0, 1)]


# --- who belongs to whom --------------------------------------------------------------------------------


def test_the_same_ports_with_a_new_initial_sequence_number_are_a_new_connection() -> None:
    first = Wire().opened().client(0, b"first").closed(5)
    second = Wire(isn=(900_000, 17)).opened().client(0, b"second").closed(6)
    first.packets += second.packets
    for cuts in every_cut(first):
        one, two = first.streams(cuts)
        assert (one.sent(C), two.sent(C)) == (b"first", b"second")
        assert (one.facts.last_packet, two.facts.first_packet) == (7, 8)
        assert one.closes == [("fin", C, 5, 0), ("fin", S, 0, 6)]
        assert two.closes == [("fin", C, 6, 0), ("fin", S, 0, 7)]


def test_ids_follow_the_first_packets_whatever_the_batches() -> None:
    first = Wire().opened().closed()
    other = Wire(("192.0.2.7", 40001)).opened()
    again = Wire(isn=(900_000, 17)).opened()
    both = first.packets + other.packets + again.packets
    for cuts in ((), range(len(both))):
        assert [(s.facts.id, s.facts.first_packet) for s in streams(both, cuts)] == [(1, 1), (2, 7), (3, 10)]


def test_a_syn_sent_again_is_the_same_connection_and_no_measure_of_the_round_trip() -> None:
    wire = (
        Wire().client(-1, ack=None, flags=SYN).client(-1, ack=None, flags=SYN, at=1000).server(-1, flags=SYN)
    )
    wire.client(0)
    for cuts in every_cut(wire):
        stream = wire.stream(cuts)
        assert stream.facts.rtt_syn_ns is None
        assert stream.facts.established


def test_the_round_trip_is_from_syn_to_the_first_syn_ack() -> None:
    wire = Wire().client(-1, ack=None, flags=SYN).server(-1, flags=SYN, at=40)
    wire.server(-1, flags=SYN, at=1040).client(0)
    for cuts in every_cut(wire):
        assert wire.stream(cuts).facts.rtt_syn_ns == 40 * MS


def test_a_syn_ack_captured_ahead_of_its_syn_belongs_to_it() -> None:
    wire = Wire().server(-1, flags=SYN).client(-1, ack=None, flags=SYN).client(0, b"ask")
    for cuts in every_cut(wire):
        stream = wire.stream(cuts)
        assert stream.sent(C) == b"ask"
        assert stream.facts.rtt_syn_ns is None


def test_data_captured_ahead_of_the_syn_ack_are_not_lost() -> None:
    wire = Wire().client(-1, ack=None, flags=SYN).server(0, b"a").server(1, b"nswer").server(-1, flags=SYN)
    for cuts in every_cut(wire):
        assert wire.stream(cuts).sent(S) == b"answer"


def test_a_refused_connection_is_not_established_and_its_reset_stands_at_the_start() -> None:
    wire = Wire(isn=(1000, -1)).client(-1, ack=None, flags=SYN).reset(S, 0, 0)
    for cuts in every_cut(wire):
        stream = wire.stream(cuts)
        assert not stream.facts.established
        assert stream.closes == [("rst", S, 0, 0)]


def test_after_a_refusal_the_same_syn_may_succeed() -> None:
    wire = Wire().client(-1, ack=None, flags=SYN)
    wire.packets.append((1, packet(SERVER, CLIENT, 0, 1001, RST | ACK), 40))
    wire.client(-1, ack=None, flags=SYN).server(-1, flags=SYN).client(0, b"ask").server(0, b"answer", ack=3)
    for cuts in every_cut(wire):
        stream = wire.stream(cuts)
        assert stream.sent(S) == b"answer"
        assert stream.closes == []


def test_what_a_server_says_of_an_older_connection_is_no_part_of_the_new_one() -> None:
    wire = Wire().client(-1, ack=None, flags=SYN)
    wire.server(900_000_000, ack=800_000_000).reset(C, 800_000_000 - 2**32)  # RFC 9293 section 3.5.1
    wire.client(-1, ack=None, flags=SYN, at=1000).server(-1, flags=SYN).client(0)
    wire.client(0, b"ask").server(0, b"answer", ack=3).reset(S, 6, 3)
    for cuts in every_cut(wire):
        stream = wire.stream(cuts)
        assert (stream.sent(C), stream.sent(S)) == (b"ask", b"answer")
        assert stream.gaps == ([], [])
        assert stream.closes == [("rst", S, 6, 3)]


def test_of_two_syn_acks_the_one_counts_that_the_client_acknowledged() -> None:
    for first, second in ((-5_000_000, -1), (5_000_000, -1), (-1, 5_000_000)):
        wire = Wire().client(-1, ack=None, flags=SYN).server(first, flags=SYN)
        wire.client(-1, ack=None, flags=SYN, at=1000).server(second, flags=SYN)
        wire.client(0, b"ask").server(0, b"answer", ack=3)
        for cuts in every_cut(wire):
            stream = wire.stream(cuts)
            assert stream.sent(S) == b"answer"
            assert stream.gaps == ([], [])


def test_a_reset_of_which_nothing_else_is_known_has_an_offset_of_0() -> None:
    assert Wire().reset(S, 700).stream().closes == [("rst", S, 0, None)]


def test_a_handshake_without_data_is_established() -> None:
    assert Wire().opened().stream().facts.established
    assert not Wire().client(-1, ack=None, flags=SYN).server(-1, flags=SYN).stream().facts.established


def test_connections_that_ended_long_ago_are_let_go() -> None:
    wire = Wire().opened().closed()
    other = Wire(("192.0.2.7", 40001))
    other.client(-1, ack=None, flags=SYN, at=LINGER_NS // MS + 100)
    again = Wire(isn=(1000, 5000)).client(-1, ack=None, flags=SYN, at=LINGER_NS // MS + 200)
    found = streams(wire.packets + other.packets + again.packets, range(8))
    assert [s.facts.first_packet for s in found] == [1, 7, 8]


def test_a_connection_that_one_side_has_closed_stays_however_long_it_is_quiet() -> None:
    wire = Wire().opened().client(0, b"ask", flags=FIN).server(0, b"answer", ack=4, at=10 * LINGER_NS // MS)
    for cuts in every_cut(wire):
        assert wire.stream(cuts).sent(S) == b"answer"


# --- ends --------------------------------------------------------------------------------------------


def test_a_reset_with_data_ends_the_stream_before_the_data() -> None:
    wire = Wire().opened().client(0, b"ask").server(0, b"bye", ack=3, flags=RST)
    stream = wire.stream()
    assert stream.sent(S) == b""
    assert stream.closes == [("rst", S, 0, 3)]


def test_a_fin_stands_behind_the_data_that_it_carries() -> None:
    wire = Wire().opened().server(0, b"bye", ack=0, flags=FIN)
    stream = wire.stream()
    assert stream.sent(S) == b"bye"
    assert stream.closes == [("fin", S, 3, 0)]


def test_a_fin_sent_again_is_marked() -> None:
    wire = Wire().opened().server(0, flags=FIN).server(0, flags=FIN)
    for cuts in every_cut(wire):
        stream = wire.stream(cuts)
        assert [c.repeated for c in stream.facts.closes] == [False, True]
        assert stream.closes == [("fin", S, 0, 0)] * 2


def test_ends_keep_what_the_rules_need_of_their_segments() -> None:
    event = Wire().opened().reset(S, 0, 0).stream().facts.closes[0]
    assert (event.packet, event.flags, event.ttl, event.ip_id, event.window) == (4, RST | ACK, 64, 4, 500)
    assert event.time_ns == START_NS + 3 * MS


def test_ends_from_before_the_first_byte_are_of_an_older_connection() -> None:
    wire = Wire().opened().reset(C, -5000).server(-4000, flags=FIN)
    assert wire.stream().closes == []


def test_a_fin_from_outside_the_window_is_junk() -> None:
    wire = Wire().opened().server(2_000_000_000, flags=FIN).server(0, b"answer")
    stream = wire.stream()
    assert stream.closes == []
    assert (stream.sent(S), stream.gaps[S]) == (b"answer", [])


def test_a_fin_behind_much_that_the_capture_lost_is_no_junk() -> None:
    far = 900_000_000
    wire = Wire().opened().server(far, b"data").server(2 * far, flags=FIN)
    for cuts in every_cut(wire):
        stream = wire.stream(cuts)
        assert stream.closes == [("fin", S, 2 * far, 0)]
        assert stream.gaps[S] == [(0, far), (far + 4, far - 4)]


# --- the last segments -------------------------------------------------------------------------------


def test_the_segments_that_are_kept_have_offsets_and_sides() -> None:
    wire = Wire(isn=(2**32 - 3, 2**32 - 1)).opened().client(0, b"askme").server(0, b"answer", ack=5)
    wire.reset(C, 5)
    for cuts in every_cut(wire):
        kept = wire.stream(cuts).facts.segments
        assert kept is not None
        assert kept.number.tolist() == [1, 2, 3, 4, 5, 6]
        assert kept.side.tolist() == [C, S, C, C, S, C]
        assert kept.seq.tolist() == [-1, -1, 0, 0, 0, 5]
        assert kept.ack.tolist() == [-1, 0, 0, 0, 5, -1]
        assert kept.length.tolist() == [0, 0, 0, 5, 6, 0]
        assert kept.flags.tolist() == [SYN, SYN | ACK, ACK, ACK, ACK, RST]


def test_of_a_long_connection_only_the_last_segments_are_kept() -> None:
    wire = Wire().opened()
    for number in range(TAIL + 100):
        wire.client(number, b"x")
    for cuts in ((), range(0, TAIL, 100)):
        kept = wire.stream(cuts).facts.segments
        assert kept is not None
        assert len(kept) == TAIL
        assert kept.seq.tolist() == list(range(100, TAIL + 100))
