"""Signs of TCP: which resets, closes and silences are harmless, and for which reason."""

from __future__ import annotations

from plainwire.diagnose.signs import collect
from plainwire.model import ACK, PSH, Connection, Endpoint, IcmpError, TlsInfo
from tests.diagnose.opening import Opening
from tests.diagnose.wire import CLIENT, CLIENT_END, EPOCH_NS, SERVER, SERVER_END, Wire

_IDLE = (
    "harmless: an idle connection that no request was using; a client that writes on it next gets "
    "ECONNRESET, and no packet shows that"
)


def _signs(*connections: Connection) -> list[tuple[str, str | None]]:
    return [(sign.kind, sign.claimed_by) for sign in collect(connections)]


def test_a_client_s_reset_when_nothing_was_outstanding_is_harmless() -> None:
    wire = Wire()
    wire.ok(0)
    wire.close(CLIENT, "rst", 200)
    assert _signs(wire.done()) == [
        ("reset-by-client", "harmless: the client's reset when nothing was outstanding")
    ]


def test_a_reset_after_the_other_side_s_close_is_harmless() -> None:
    wire = Wire()
    wire.ok(0)
    wire.close(SERVER, "fin", 200)
    wire.close(CLIENT, "rst", 201)
    assert _signs(wire.done()) == [
        ("reset-by-client", "harmless: the other side had closed the connection already")
    ]


def test_a_reset_after_its_sender_s_own_close_is_harmless() -> None:
    wire = Wire()
    wire.ok(0)
    wire.close(CLIENT, "fin", 200)
    wire.close(CLIENT, "rst", 285)
    assert _signs(wire.done()) == [
        ("reset-by-client", "harmless: its sender had closed the connection already")
    ]


def test_a_reset_after_a_fin_that_the_capture_lacks_is_harmless() -> None:
    """Its acknowledgment is there; what acknowledged the response is lost with it."""
    opening = Opening().syn(0).accept().hello(85)
    opening.segment(SERVER, 170, ack=517, length=4_000)
    opening.close(CLIENT, "rst", 190, seq=517)
    connection = opening.done()
    connection.sizes = [517, 4_000]
    assert ("reset-by-client", None) in _signs(connection)
    connection.unseen_fins = [True, False]
    reason = "its sender had closed the connection already, by a FIN that the capture lacks"
    assert ("reset-by-client", f"harmless: {reason}") in _signs(connection)


def test_a_server_s_reset_of_an_idle_connection_is_harmless() -> None:
    wire = Wire()
    wire.ok(0)
    wire.close(SERVER, "rst", 5000)
    assert _signs(wire.done()) == [("reset-by-server", _IDLE)]


def test_a_reset_in_the_middle_of_an_exchange_is_not() -> None:
    wire = Wire()
    wire.ask(0)
    wire.close(SERVER, "rst", 80)
    assert _signs(wire.done("unanswered")) == [("reset-by-server", None), ("no-response", None)]


def _encrypted(*, answer: int) -> Opening:
    """A connection whose contents nobody can read: a long request, and what the server sent of its answer."""
    opening = Opening(tls=TlsInfo("TLS 1.3", "suite", handshake_complete=True)).syn(0).accept()
    opening.segment(CLIENT, 100, ACK | PSH, length=900)
    opening.segment(SERVER, 180, ACK | PSH, ack=900, length=answer)
    return opening


def test_a_reset_of_an_encrypted_connection_whose_last_word_was_taken_is_harmless() -> None:
    opening = _encrypted(answer=3000)
    opening.segment(CLIENT, 181, ack=3000, seq=900)
    opening.close(CLIENT, "rst", 300, seq=900, ack=3000)
    assert ("reset-by-client", "harmless: the client's reset when nothing was outstanding") in _signs(
        opening.done()
    )


def test_a_reset_a_round_trip_behind_its_sender_s_last_data_left_nothing_outstanding() -> None:
    """The last acknowledgment is not in the capture, or was not due yet (RFC 9293 section 3.8.6.3)."""
    opening = _encrypted(answer=3000)
    opening.close(SERVER, "rst", 300, seq=3000, ack=900)
    assert ("reset-by-server", _IDLE) in _signs(opening.done())


def test_a_reset_of_an_encrypted_connection_in_answer_to_data_is_not() -> None:
    opening = _encrypted(answer=3000)
    opening.segment(CLIENT, 181, ACK | PSH, ack=3000, seq=900, length=700)
    opening.close(SERVER, "rst", 300, seq=3000, ack=1600)
    assert ("reset-by-server", None) in _signs(opening.done())


def test_a_close_that_crosses_data_is_a_sign_where_nobody_can_read_what_it_was() -> None:
    opening = _encrypted(answer=3000)
    opening.segment(CLIENT, 181, ACK | PSH, ack=3000, seq=900, length=700)
    opening.close(SERVER, "fin", 200, seq=3000, ack=900)
    assert ("close-with-data-outstanding", None) in _signs(opening.done())


def test_a_connection_that_was_never_established_is_a_sign() -> None:
    tried = Opening().syn(0, 1000, 3000).done()
    other = Opening(id=2, start=9000, server=Endpoint("203.0.113.9", 443)).syn(0).accept().done()
    assert _signs(tried, other) == [("connect-failed", None)]


def test_a_syn_just_before_the_capture_s_end_is_harmless() -> None:
    assert _signs(Opening().syn(0).done()) == [
        ("connect-failed", "harmless: the capture ended before an answer could have come")
    ]


def test_the_address_family_that_lost_the_race_is_harmless() -> None:
    six = (
        Opening(server=Endpoint("2001:db8::7", 443), client=Endpoint("2001:db8::1", 4000)).syn(0, 1000).done()
    )
    four = Opening(id=2, start=250).syn(0).accept()
    four.segment(CLIENT, 9000)
    assert _signs(six, four.done()) == [
        (
            "connect-failed",
            "harmless: the client used the other of the host's two address families instead (RFC 8305)",
        )
    ]


def test_a_server_that_was_only_being_started_is_harmless() -> None:
    here, client = Endpoint("127.0.0.1", 8443), Endpoint("127.0.0.1", 40000)
    early = Opening(server=here, client=client).syn(0)
    early.close(SERVER, "rst", 1)
    later = Opening(id=2, start=500, server=here, client=client).syn(0).accept()
    assert _signs(early.done(), later.done()) == [
        ("connect-failed", "harmless: the server on this host was only being started")
    ]


def test_an_icmp_error_on_a_connection_that_was_answered_is_harmless() -> None:
    wire = Wire()
    wire.ok(0)
    connection = wire.done()
    error = IcmpError(9, EPOCH_NS, "192.0.2.9", 3, 4, "fragmentation needed", 6, CLIENT_END, SERVER_END)
    connection.icmp_errors = [error]
    assert _signs(connection) == [("icmp-error", "harmless: everything was answered completely all the same")]


def test_the_same_bytes_three_times_without_an_acknowledgment_are_a_sign() -> None:
    wire = Wire()
    wire.ok(0)
    wire.ask(100)
    for again in (400, 1000, 2200):
        wire.segment(CLIENT, again, length=99, seq=wire.sent[CLIENT] - 99)
    connection = wire.done()
    connection.retransmissions = [3, 0]
    assert ("silence-after-retransmissions", None) in _signs(connection)


def test_a_window_that_stays_closed_for_a_second_is_a_sign() -> None:
    opening = _encrypted(answer=3000)
    opening.segment(CLIENT, 181, ack=3000, seq=900, window=0)
    opening.segment(CLIENT, 1500, ack=3000, seq=900, window=500)
    assert ("window-closed", None) in _signs(opening.done())
    opening = _encrypted(answer=3000)
    opening.segment(CLIENT, 181, ack=3000, seq=900, window=0)
    opening.segment(CLIENT, 300, ack=3000, seq=900, window=500)
    opening.segment(CLIENT, 2000, ack=3000, seq=900, window=500)
    assert "window-closed" not in [kind for kind, _ in _signs(opening.done())]


def test_what_another_protocol_means_by_a_reset_is_not_said() -> None:
    opening = _encrypted(answer=3000)
    opening.tls = None
    opening.close(CLIENT, "rst", 300, seq=900, ack=0)
    assert _signs(opening.done()) == []
