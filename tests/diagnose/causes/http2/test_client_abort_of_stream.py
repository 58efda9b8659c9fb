"""The client reset the stream, or left the connection."""

from __future__ import annotations

from msgspec.structs import replace

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
