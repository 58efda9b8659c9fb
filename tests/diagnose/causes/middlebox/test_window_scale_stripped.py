"""A window scale that one side does not know of: packets as captured, through the whole pipeline."""

from __future__ import annotations

import pytest

from plainwire.model import ACK, FIN, PSH, SYN, Finding, Side
from tests.diagnose.captured import ANSWER, GET, findings
from tests.streams.wire import Wire

SCALE = bytes.fromhex("020405b4 0402 01 01 0103030a")  # MSS 1460, SACK permitted, window scale 10
NONE = bytes.fromhex("020405b4 0402 01 01")
ASK = b"POST /object HTTP/1.1\r\nHost: storage.example\r\nContent-Length: 60000\r\n\r\n"
SMALL = 64  # 65160 >> 10, as Linux writes it


def opened(offer: bytes, answer: bytes, *, port: int = 40000, start: int = 0, window: int = 65160) -> Wire:
    wire = Wire(("192.0.2.7", port))
    wire.client(-1, ack=None, flags=SYN, options=offer, window=64240, at=start)
    wire.server(-1, flags=SYN, options=answer, window=window)
    return wire.client(0, window=64240 if answer == NONE else 63)


def uploading(
    offer: bytes = SCALE,
    answer: bytes = NONE,
    *,
    window: int = SMALL,
    pieces: int = 12,
    size: int = SMALL,
    pause: int = 230,
    first: int = 65160,
) -> Wire:
    """The client fills a window of ``window`` bytes again and again, as Linux does when its timer fires."""
    wire = opened(offer, answer, window=first)
    wire.client(0, ASK, flags=PSH).server(0, ack=len(ASK), window=window)
    sent = len(ASK)
    for _ in range(pieces):
        wire.client(sent, b"x" * size, flags=PSH, at=wire.packets[-1][0] + pause)
        sent += size
        wire.server(0, ack=sent, window=window)
    return wire


def healthy(port: int = 40001, start: int = 5, answer: bytes = SCALE) -> Wire:
    wire = opened(SCALE, answer, port=port, start=start)
    wire.client(0, GET, flags=PSH, window=63).server(0, ANSWER, ack=len(GET), flags=PSH, window=SMALL)
    return wire.closed(len(GET), len(ANSWER))


def finding(*wires: Wire) -> Finding | None:
    return findings(*wires).get("window-scale-stripped")


def test_an_upload_that_crawls_through_an_unscaled_window_is_found() -> None:
    found = finding(uploading(), healthy())
    assert found is not None
    assert (found.fault, found.certainty, found.failure) == ("path", "likely", True)
    assert "from 65160 to 64" in found.claim
    assert "768 bytes went out in 2.541 s, in 12 segments" in found.claim  # 12 times 64; 11 times 231 ms
    says = [e.says for e in found.evidence]
    assert "SYN from the client, window scale 10" in says
    assert "SYN, ACK without window scale, window 65160" in says
    assert "SYN, ACK with window scale, from the same address" in says


def test_it_counts_while_the_request_is_still_on_its_way_and_when_the_client_gave_up() -> None:
    wire = uploading()
    last = len(ASK) + 12 * SMALL
    wire.client(last, ack=0, flags=FIN | ACK)
    found = finding(wire, healthy())
    assert found is not None
    assert found.failure


def test_without_another_connection_to_compare_with_it_is_only_possible() -> None:
    found = finding(uploading())
    assert found is not None
    assert found.certainty == "possible"


@pytest.mark.parametrize(
    "wire",
    [
        uploading(answer=SCALE),  # scaling was agreed: the window field means more than it says
        uploading(offer=NONE),  # the client does not scale: nor may the server
        uploading(first=SMALL),  # a server with a small window from the start
        uploading(first=900),  # it fell, but not to a sixteenth
        uploading(size=SMALL - 1),  # the window was never full
        uploading(pieces=2, pause=1500),
        uploading(pieces=5, pause=20),  # an upload that goes on, in a capture that ends
        opened(SCALE, NONE).client(0, GET).server(0, ANSWER, ack=len(GET)).closed(len(GET), len(ANSWER)),
    ],
)  # fmt: skip
def test_what_else_a_syn_ack_without_window_scale_may_mean_is_left_alone(wire: Wire) -> None:
    assert finding(wire, healthy()) is None


def test_a_window_that_fell_by_less_and_one_that_was_closed_first_are_left_alone() -> None:
    for wire in (uploading(first=900), uploading(first=SMALL)):
        wire.server(0, ack=len(ASK) + 12 * SMALL, window=0)
        assert finding(wire, healthy()) is None
    wire = opened(SCALE, NONE).client(0, ASK, flags=PSH).server(0, ack=len(ASK), window=0)
    for number in range(6):
        sent = len(ASK) + number * 1000
        wire.server(0, ack=sent, window=1000)
        wire.client(sent, b"x" * 1000, flags=PSH, at=wire.packets[-1][0] + 500)
    assert finding(wire, healthy()) is None


def test_one_segment_sent_again_and_again_fills_the_window_once() -> None:
    wire = uploading(pieces=0)
    for _ in range(6):
        wire.client(len(ASK), b"x" * SMALL, flags=PSH, at=wire.packets[-1][0] + 500)
    assert finding(wire, healthy()) is None


def test_two_segments_that_fill_it_may_do_so_by_accident() -> None:
    wire = uploading(pieces=1, pause=20)
    wire.client(len(ASK) + SMALL, b"x" * SMALL, flags=PSH, at=wire.packets[-1][0] + 1500)
    assert finding(wire, healthy()) is None


def got_through() -> tuple[Wire, int]:
    """A whole request in twelve small pieces, each of which filled the window; and its size."""
    wire = opened(SCALE, NONE)
    ask = ASK.replace(b"60000", b"%d" % (12 * SMALL))
    wire.client(0, ask, flags=PSH).server(0, ack=len(ask), window=SMALL)
    for number in range(12):
        sent = len(ask) + number * SMALL
        wire.client(sent, b"x" * SMALL, flags=PSH, at=wire.packets[-1][0] + 230)
        wire.server(0, ack=sent + SMALL, window=SMALL)
    return wire, len(ask) + 12 * SMALL


def test_a_response_that_the_server_broke_off_after_a_slow_request_is_another_matter() -> None:
    wire, sent = got_through()
    wire.server(0, ANSWER[:-1], ack=sent, flags=PSH, window=SMALL)
    wire.reset(Side.SERVER, len(ANSWER) - 1, ack=sent)
    found = findings(wire, healthy())
    assert "window-scale-stripped" not in found
    assert found["reset-mid-response"].failure


def test_options_that_were_cut_by_the_snap_length_accuse_nobody() -> None:
    wire = uploading()
    when, data, length = wire.packets[1]
    wire.packets[1] = when, data[:-4], length
    assert finding(wire, healthy()) is None


def test_a_request_that_got_through_late_is_told_and_did_not_fail() -> None:
    wire, sent = got_through()
    wire.server(0, ANSWER, ack=sent, flags=PSH, window=SMALL)
    found = finding(wire, healthy())
    assert found is not None
    assert (found.failure, found.certainty, found.exchanges) == (False, "likely", [1])


def test_a_request_that_cannot_be_read_is_held_up_all_the_same() -> None:
    """Its first TLS record is never whole."""
    hello = bytes.fromhex("1603010200010001fc0303") + bytes(506)  # the beginning of a ClientHello
    wire = opened(SCALE, NONE).client(0, hello, flags=PSH).server(0, ack=len(hello), window=SMALL)
    for number in range(12):
        sent = len(hello) + number * SMALL
        wire.client(sent, b"\x17\x03\x03\x40\x00".ljust(SMALL), flags=PSH, at=wire.packets[-1][0] + 230)
        wire.server(0, ack=sent + SMALL, window=SMALL)
    found = findings(wire, healthy())
    assert found.keys() == {"window-scale-stripped"}
    told = found["window-scale-stripped"]
    assert (told.failure, told.exchanges, told.connections) == (True, [], [1])
    wire.server(0, b"x" * 50, ack=len(hello) + 12 * SMALL, window=SMALL)
    told = findings(wire, healthy())["window-scale-stripped"]
    assert (told.failure, told.connections) == (False, [1])


def test_so_is_one_behind_others_that_were_answered() -> None:
    wire = opened(SCALE, NONE).client(0, GET, flags=PSH).server(0, ANSWER, ack=len(GET), window=SMALL)
    sent = len(GET)
    for _ in range(12):
        wire.client(sent, b"P" + b"x" * (SMALL - 1), flags=PSH, ack=len(ANSWER), at=wire.packets[-1][0] + 230)
        sent += SMALL
        wire.server(len(ANSWER), ack=sent, window=SMALL)
    found = findings(wire, healthy())
    assert found.keys() == {"window-scale-stripped"}
    assert found["window-scale-stripped"].failure


def test_a_request_that_got_through_and_was_not_answered_for_long_is_another_matter() -> None:
    wire = uploading(pieces=4)
    wire.client(len(ASK) + 4 * SMALL, ack=0, flags=FIN | ACK, at=30_000)
    assert finding(wire, healthy()) is None


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"


def download(*, again: bool, size: int = 200_000) -> Wire:
    """A server that sends 80,000 bytes into a window of 64,240, and repeats what the client did not take."""
    wire = opened(SCALE, NONE).client(0, GET, flags=PSH, window=64240)
    head = HEAD % size
    wire.server(0, head, ack=len(GET), flags=PSH, window=SMALL)
    body, beyond = len(head), range(65_000, 80_000, 1000)
    wire.server(body, b"x" * 65_000, ack=len(GET), window=SMALL)
    for at in beyond:
        wire.server(body + at, b"x" * 1000, ack=len(GET), window=SMALL)
    wire.client(len(GET), ack=body, window=64240)
    for at in beyond if again else ():
        wire.server(body + at, b"x" * 1000, ack=len(GET), window=SMALL, at=wire.packets[-1][0] + 200)
    wire.client(len(GET), ack=body + 80_000, window=64240)
    return wire.client(len(GET), ack=body + 80_000, flags=FIN | ACK)


def test_a_server_that_sends_beyond_the_clients_window_and_must_repeat_it_is_found() -> None:
    found = finding(download(again=True), healthy())
    assert found is not None
    assert (found.fault, found.certainty) == ("path", "likely")
    assert "15 segments beyond the client's window" in found.claim


def test_where_the_client_took_what_lay_beyond_its_window_nothing_is_said() -> None:
    assert finding(download(again=False), healthy()) is None


def test_a_server_that_broke_the_response_off_itself_did_that() -> None:
    wire = download(again=True)
    wire.packets.pop()  # the client's FIN
    wire.reset(Side.SERVER, 80_050, ack=len(GET))
    assert finding(wire, healthy()) is None


def test_a_capture_with_holes_shows_nothing_beyond_a_window() -> None:
    for hole in (False, True):
        wire = download(again=True, size=80_000)
        wire.packets.pop()  # the client's FIN
        end = 80_000 + len(HEAD % 80_000)
        if not hole:
            wire.client(len(GET), GET, flags=PSH, ack=end, window=64240)
            wire.server(end, ANSWER, ack=2 * len(GET), flags=PSH, window=SMALL)
        wire.client(2 * len(GET), GET, flags=PSH, ack=end + len(ANSWER), window=64240)
        wire.server(end + len(ANSWER), ANSWER, ack=3 * len(GET), flags=PSH, window=SMALL)
        wire.client(3 * len(GET), ack=end + 2 * len(ANSWER), window=64240)
        found = finding(wire, healthy())
        assert (found is None) is hole


def test_connections_without_trouble_are_silent_whatever_their_options() -> None:
    assert findings(healthy(), healthy(40002, 7, NONE), healthy(40003, 9)) == {}
