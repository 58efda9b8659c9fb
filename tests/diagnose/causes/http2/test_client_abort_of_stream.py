"""The client reset the stream, or left the connection."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from plainwire.model import Grpc, StreamEvent
from tests.diagnose.causes.http2.multiplexed import Multiplexed, says
from tests.diagnose.wire import CLIENT, SERVER


def test_a_client_that_leaves_although_an_answer_was_promised() -> None:
    scene = Multiplexed().goaway(3).close(CLIENT, "fin", 300)
    scene.failed.outcome = "aborted"
    finding = scene.finding()
    assert (finding.code, finding.fault) == ("client-abort", "client")
    assert "would still answer" in finding.claim


def test_a_client_that_cancels_at_once_did_so_itself() -> None:
    finding = Multiplexed().reset(CLIENT, "CANCEL", "aborted").finding()
    assert says(finding)[:3] == ("client-abort", "client", "proved")


def test_a_client_that_waited_long_is_not_blamed() -> None:
    assert Multiplexed().reset(CLIENT, "CANCEL", "aborted", at=30_000).finding().fault == "unknown"


def test_a_client_that_rejects_a_broken_response_is_right() -> None:
    scene = Multiplexed().reset(CLIENT, "PROTOCOL_ERROR", "aborted")
    answered = scene.wire.exchanges[0].response
    assert answered
    scene.failed.response = replace(answered, defects=["content-length is 5, the data has 3 bytes"])
    assert scene.finding().fault == "server"


def test_a_client_that_closes_with_open_streams() -> None:
    scene = Multiplexed()
    scene.failed.outcome = "aborted"
    assert says(scene.close(CLIENT, "fin", 300).finding())[:3] == ("client-abort", "client", "proved")


def test_a_reset_on_a_connection_that_the_server_had_closed_is_its_consequence() -> None:
    """GRPC's libraries reset the streams of a connection that is already gone."""
    scene = Multiplexed().close(SERVER, "fin", 299).reset(CLIENT, "REFUSED_STREAM", "aborted", at=300)
    finding = scene.finding()
    assert (finding.code, finding.fault) == ("h2-close-without-goaway", "server")


@pytest.mark.parametrize(("at", "code"), [(700, "client-timeout-too-short"), (450, "h2-stream-reset-cancel")])
def test_a_server_that_keeps_the_clients_deadline(at: float, code: str) -> None:
    """Servers of gRPC in Go and Java reset a stream when its grpc-timeout is over."""
    scene = Multiplexed().reset(SERVER, "CANCEL", "unanswered", at=at)
    scene.failed.grpc = Grpc("/t.T/Unary", timeout_ns=500_000_000)
    finding = scene.finding()
    assert finding.code == code
    assert (finding.fault == "client") is (code == "client-timeout-too-short")


@pytest.mark.parametrize("by", ["CANCEL", "fin"])
def test_a_message_above_the_limit_of_grpcs_libraries_is_named(by: str) -> None:
    scene = Multiplexed()
    scene.failed.outcome = "aborted"
    scene = scene.close(CLIENT, "fin", 300) if by == "fin" else scene.reset(CLIENT, by, "aborted")
    scene.failed.grpc = Grpc("/t.T/Unary", largest=[10, 5_000_000])
    finding = scene.finding()
    assert says(finding) == ("client-abort", "both", "likely", None)
    assert "5000000 bytes, and a client of gRPC takes no more than 4194304" in finding.claim


@pytest.mark.parametrize(("acked", "fault"), [(True, "server"), (False, "unknown")])
@pytest.mark.parametrize("by", ["PROTOCOL_ERROR", "fin"])
def test_a_client_whose_ping_was_not_answered_found_the_connection_dead(
    by: str,
    acked: bool,  # noqa: FBT001
    fault: str,
) -> None:
    """OkHttp resets the streams with PROTOCOL_ERROR then; Go and gRPC close."""
    scene = Multiplexed()
    scene.failed.outcome = "aborted"
    row = scene.wire.segment(CLIENT, 900, length=17)
    scene.events.append(StreamEvent("ping", CLIENT, row.time_ns, row.packet))
    if acked:
        scene.wire.segment(SERVER, 940, ack=row.seq + 17)
    scene = scene.close(CLIENT, "fin", 2400) if by == "fin" else scene.reset(CLIENT, by, "aborted", at=2400)
    finding = scene.finding()
    assert says(finding)[:3] == ("h2-dead-connection", fault, "likely")
    assert "The client's PING got no answer for 1.500 s" in finding.claim


def test_a_ping_behind_which_the_server_went_on_says_nothing() -> None:
    scene = Multiplexed()
    scene.failed.outcome = "aborted"
    row = scene.wire.segment(CLIENT, 900, length=17)
    scene.events.append(StreamEvent("ping", CLIENT, row.time_ns, row.packet))
    scene.wire.segment(SERVER, 990, length=17)
    assert scene.close(CLIENT, "fin", 2400).finding().code == "client-abort"


@pytest.mark.parametrize(
    ("came", "left_at", "code"),
    [
        (400, 5_900, "slow-body-stall"),
        (1000, 5_230, "slow-body-stall"),  # all of it, and no END_STREAM
        (400, 5_230, "client-timeout-too-short"),  # 5 s after its last byte
        (400, 900, "client-abort"),
    ],
)
def test_a_body_that_does_not_go_on_and_whose_stream_stays_open(came: int, left_at: float, code: str) -> None:
    """Hypercorn leaves a stream open where the application fails in its body."""
    scene = Multiplexed()
    scene.wire.answer(230, size=came, body=came, declared=1000, complete=False)
    scene.failed.outcome = "aborted"
    finding = scene.close(CLIENT, "fin", left_at).finding()
    assert finding.code == code
    assert finding.fault == ("server" if code == "slow-body-stall" else finding.fault)
