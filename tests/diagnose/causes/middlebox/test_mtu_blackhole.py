"""Large packets vanish on the path, small ones pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from plainwire.diagnose import diagnose
from plainwire.model import IcmpError, Side
from tests.diagnose.causes.handshake.greetings import greeted
from tests.diagnose.causes.middlebox.silences import swallowed
from tests.diagnose.wire import CLIENT, CLIENT_END, SERVER, SERVER_END, Wire, only

if TYPE_CHECKING:
    from plainwire.model import Connection

FRAGMENTATION_NEEDED = IcmpError(
    90,
    0,
    "192.0.2.1",
    3,
    4,
    "destination unreachable: fragmentation needed",
    6,
    CLIENT_END,
    SERVER_END,
    mtu=1280,
)


def large() -> Wire:
    wire = swallowed(idle=100, size=1448)
    wire.ack(SERVER, 400, ack=99)  # the server is alive
    wire.close(CLIENT, "fin", 20_000)
    return wire


def test_only_large_segments_that_never_arrive_are_a_path_that_takes_no_large_packets() -> None:
    connection = large().done("aborted")
    connection.icmp_errors.append(FRAGMENTATION_NEEDED)
    finding = only(diagnose([connection]))
    assert (finding.code, finding.fault, finding.certainty) == ("mtu-blackhole", "path", "likely")
    assert "1448 bytes was sent 4 times" in finding.claim
    assert 90 in finding.packets


def test_without_the_icmp_error_it_is_only_possible() -> None:
    assert only(diagnose([large().done("aborted")])).certainty == "possible"


def test_a_segment_of_that_size_that_was_acknowledged_elsewhere_refutes_it() -> None:
    other = Wire(id=2, first_exchange=20, first_packet=200)
    other.ask(0, size=1448)
    other.answer(80)
    other.ack(SERVER, 200)
    finding = only(diagnose([large().done("aborted"), other.done()]))
    assert finding.code == "retransmission-loss"


def test_small_segments_that_are_lost_are_not_a_matter_of_size() -> None:
    wire = swallowed(idle=100)
    wire.ack(SERVER, 400, ack=99)
    wire.close(Side.CLIENT, "fin", 20_000)
    assert only(diagnose([wire.done("aborted")])).code == "retransmission-loss"


def unheard(number: int = 1, *, missing: int = 20_000, largest: int = 300) -> Wire:
    """The server has the request; long after, a small segment shows that it had sent much in between."""
    wire = Wire(id=number, first_exchange=10 * number, first_packet=100 * number)
    wire.ok(0)
    wire.segment(SERVER, 81, length=largest)
    wire.ask(500)
    wire.ack(SERVER, 580)
    wire.close(CLIENT, "fin", 4_620)
    wire.segment(SERVER, 4_700, seq=wire.sent[SERVER] + missing)
    return wire


def test_answers_that_never_come_while_small_segments_do_are_too_large_for_the_path() -> None:
    finding = only(diagnose([unheard(n).done("aborted") for n in (1, 2)]))
    assert (finding.code, finding.fault, finding.certainty) == ("mtu-blackhole", "path", "likely")
    assert "on by 20000 bytes" in finding.claim
    assert only(diagnose([unheard().done("aborted")])).certainty == "possible"


def test_a_large_segment_that_did_come_refutes_it() -> None:
    assert only(diagnose([unheard(largest=1448).done("aborted")])).code == "client-abort"


def test_a_small_hole_is_no_matter_of_size() -> None:
    assert only(diagnose([unheard(missing=200).done("aborted")])).code != "mtu-blackhole"


def unread(*, missing: int) -> Connection:
    """A ClientHello that was acknowledged; the end of the connection shows that the server had answered."""
    opening = greeted()
    opening.close(CLIENT, "fin", 6_000, seq=517)
    opening.segment(SERVER, 6_080, seq=missing, ack=518)
    return opening.done()


@pytest.mark.parametrize(
    ("missing", "code"), [(977, "retransmission-loss"), (3_500, "mtu-blackhole"), (0, "handshake-stall")]
)
def test_an_answer_to_the_client_hello_that_was_lost_is_not_the_servers_silence(
    missing: int, code: str
) -> None:
    """oven-sh/bun#27351: the certificate does not pass."""
    finding = only(diagnose([unread(missing=missing)]))
    assert (finding.code, finding.fault) == (code, "server" if code == "handshake-stall" else "path")


def test_what_came_for_a_client_that_had_reset_was_not_lost() -> None:
    """Nobody acknowledges it: a close_notify that the capture lost, and the FIN behind it."""
    opening = greeted()
    opening.close(CLIENT, "fin", 6_000, seq=517)
    opening.close(CLIENT, "rst", 6_040, seq=518)
    opening.segment(SERVER, 6_080, seq=977, ack=518)
    assert "retransmission-loss" not in {f.code for f in diagnose([opening.done()])}


def test_small_segments_that_did_come_are_not_lost_where_the_client_is_not_heard() -> None:
    """A WebSocket's messages in a capture that has hardly an acknowledgment of the client's."""
    opening = greeted()
    for number in range(20):
        opening.segment(SERVER, 200 + 1_000 * number, seq=26 * number, ack=517, length=26)
    assert "retransmission-loss" not in {f.code for f in diagnose([opening.done()])}


def test_streams_of_http2_lose_large_packets_as_well() -> None:
    wire = unheard()
    connection = wire.done("aborted")
    for exchange in connection.exchanges:
        exchange.protocol, exchange.stream = "h2", 1
    assert only(diagnose([connection])).code == "mtu-blackhole"


def test_the_end_of_the_handshake_may_be_in_the_segment_that_is_lost() -> None:
    wire = Wire()
    wire.segment(CLIENT, 0, length=349)
    wire.ack(SERVER, 1, ack=349)
    exchange = wire.ask(20, size=1448)
    assert exchange.request is not None
    exchange.request.start += 80
    for at in (220.0, 640.0, 1_480.0):
        wire.segment(CLIENT, at, length=1448, seq=349)
    assert only(diagnose([wire.done("unseen")])).code == "mtu-blackhole"
