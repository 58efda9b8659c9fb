"""Nothing is concluded from what the capture does not show."""

from __future__ import annotations

from plainwire.diagnose import diagnose
from plainwire.model import CloseEvent, Connection, Gap, QuicInfo, Side, Undecrypted
from tests.diagnose.causes.reuse.cuts import half
from tests.diagnose.causes.reuse.hangups import verdict
from tests.diagnose.wire import CLIENT, SERVER, Wire, only


def failing() -> Connection:
    wire = Wire()
    wire.ok(0)
    wire.ask(500)
    wire.close(SERVER, "close_notify", 580)
    return wire.done("unanswered")


def test_a_hole_where_the_response_would_be_leaves_nothing_to_conclude() -> None:
    connection = failing()
    connection.gaps.append(Gap(Side.SERVER, 200, 1460, packet=4))
    finding = only(diagnose([connection]))
    assert (finding.code, finding.fault, finding.certainty) == ("capture-artifact", "unknown", "possible")
    assert "1460 bytes from the server" in finding.claim


def test_a_hole_long_before_takes_one_grade_of_certainty() -> None:
    connection = failing()
    connection.gaps.append(Gap(Side.SERVER, 10, 20, packet=2))
    finding = only(diagnose([connection]))
    assert (finding.code, finding.certainty) == ("close-mid-request", "likely")


def test_bytes_that_were_acknowledged_but_not_captured_leave_nothing_to_conclude() -> None:
    wire = Wire()
    wire.ok(0)
    wire.ask(500)
    wire.ack(CLIENT, 575, ack=900)
    wire.close(SERVER, "fin", 580, seq=900)
    assert only(diagnose([wire.done("unanswered")])).code == "capture-artifact"


def test_records_that_could_not_be_decrypted_leave_nothing_to_conclude() -> None:
    connection = failing()
    connection.undecrypted.append(Undecrypted("no secrets", Side.SERVER, 4))
    assert only(diagnose([connection])).code == "capture-artifact"


def test_packets_cut_by_the_snap_length_leave_nothing_to_conclude() -> None:
    connection = failing()
    connection.snapped = True
    assert only(diagnose([connection])).code == "capture-artifact"


def test_the_first_exchange_of_a_connection_that_began_before_the_capture_is_not_judged() -> None:
    wire = Wire()
    wire.ask(500)
    wire.close(SERVER, "fin", 580)
    connection = wire.done("unanswered")
    connection.mid_stream = True
    assert only(diagnose([connection])).code == "capture-artifact"


def test_a_later_one_is_judged_with_less_certainty() -> None:
    connection = failing()
    connection.mid_stream = True
    assert only(diagnose([connection])).certainty == "likely"


def test_an_exchange_still_open_when_the_capture_ended_is_no_failure() -> None:
    wire = Wire()
    wire.ok(0)
    wire.ask(500)
    assert diagnose([wire.done("unseen")]) == []


def test_an_exchange_lost_in_a_hole_is_named() -> None:
    wire = Wire()
    wire.ok(0)
    wire.ask(500)
    connection = wire.done("unseen")
    connection.gaps.append(Gap(Side.SERVER, 200, 100, packet=3))
    assert only(diagnose([connection])).code == "capture-artifact"


def test_without_the_last_segments_the_closes_alone_still_decide() -> None:
    """A long connection keeps only its last segments; the closes carry their own acknowledgments."""
    connection = failing()
    connection.segments = None
    assert only(diagnose([connection])).code == "close-mid-request"


def test_a_hole_that_the_receiver_has_too_is_the_network_s_and_not_the_capture_s() -> None:
    wire = Wire()
    wire.ok(0)
    wire.ask(500)
    wire.segment(SERVER, 590, length=100, seq=wire.sent[SERVER] + 1448)
    wire.ack(CLIENT, 590.1, ack=200)
    wire.close(SERVER, "rst", 30_000)
    wire.rows[-1].ack = wire.closes[0].ack or 0
    connection = wire.done("unanswered")
    connection.gaps.append(Gap(Side.SERVER, 200, 1448, packet=4))
    assert only(diagnose([connection])).code != "capture-artifact"


def test_a_response_whose_end_the_capture_lost_is_not_called_truncated() -> None:
    wire = half()
    wire.close(SERVER, "fin", 600)
    wire.ack(CLIENT, 601, ack=wire.sent[SERVER] + 500)
    assert only(diagnose([wire.done()])).code == "capture-artifact"


def test_a_reset_beyond_the_last_byte_seen_is_no_proof_that_no_answer_was_sent() -> None:
    wire = Wire()
    wire.ok(0)
    wire.ask(500)
    wire.close(SERVER, "rst", 580, seq=700)
    assert verdict(wire).code == "capture-artifact"


def _half_closed(*, later: float) -> list[Connection]:
    """A client that closes its own direction right behind its request; another connection goes on."""
    wire = Wire()
    wire.ask(0)
    wire.close(CLIENT, "fin", 1)
    other = Wire(id=2, first_exchange=5, first_packet=50, start=later)
    other.ok(0, "/another")
    return [wire.done("aborted"), other.done()]


def test_a_client_that_closed_its_direction_at_the_capture_s_end_may_still_wait() -> None:
    assert only(diagnose(_half_closed(later=100))).code == "capture-artifact"
    assert only(diagnose(_half_closed(later=9000))).code == "client-abort"


def test_so_may_one_to_which_the_response_goes_on_when_the_capture_ends() -> None:
    wire = Wire()
    wire.ask(0)
    wire.close(CLIENT, "fin", 1)
    wire.answer(80, declared=1000, complete=False)
    assert only(diagnose([wire.done("aborted")])).code == "capture-artifact"
    wire.close(CLIENT, "rst", 81, bare=True)
    assert only(diagnose([wire.done("aborted")])).code == "client-abort"


def test_a_packet_of_quic_that_was_acknowledged_and_not_captured_leaves_nothing_to_conclude() -> None:
    wire = Wire()
    exchange = wire.ask(0)
    exchange.protocol, exchange.stream = "h3", 0
    connection = wire.done("aborted")
    connection.transport, connection.quic = "quic", QuicInfo()
    connection.closes = [CloseEvent("connection_close", CLIENT, connection.last_ns + 1, 9, 4, 0)]
    assert only(diagnose([connection])).code == "client-abort"
    connection.quic.acknowledged[CLIENT] = [(0, 1, 0, 3)]
    connection.quic.numbers[SERVER] = [(1, 0), (2, 1), (3, 3)]
    assert only(diagnose([connection])).code == "capture-artifact"
