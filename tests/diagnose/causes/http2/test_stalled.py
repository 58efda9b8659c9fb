"""Streams that broke the rules of HTTP/2 and HTTP/3, or that nothing moved any more."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from plainwire.diagnose import diagnose
from plainwire.model import Endpoint, Exchange, Finding, QuicInfo, Request, Response, Side, StreamEvent
from tests.diagnose.causes.http2.test_multiplexed import Multiplexed
from tests.diagnose.wire import CLIENT, CLIENT_END, EPOCH_NS, MS, SERVER, SERVER_END

OTHER_END = Endpoint(CLIENT_END.address, CLIENT_END.port + 1)


def _codes(scene: Multiplexed) -> list[tuple[str, str]]:
    return [(finding.code, finding.fault) for finding in diagnose([scene.connection()])]


def _answered(declared: int | None, size: int, status: int = 200) -> tuple[Multiplexed, Exchange, Response]:
    scene = Multiplexed()
    exchange = scene.wire.exchanges[0]
    response = exchange.response
    assert response
    response.status, response.declared_size, response.body_size = status, declared, size
    scene.failed.outcome = "complete"
    scene.failed.response = replace(response, declared_size=None)
    return scene, exchange, response


def test_a_complete_response_of_another_size_than_announced_is_the_servers() -> None:
    scene, exchange, response = _answered(100, 50)
    (finding,) = diagnose([scene.connection()])
    assert isinstance(finding, Finding)
    assert (finding.code, finding.fault, finding.certainty) == ("h2-malformed-response", "server", "proved")
    assert finding.exchanges == [exchange.id]
    assert response.last_packet in finding.packets


@pytest.mark.parametrize(("declared", "size", "status"), [(50, 50, 200), (None, 50, 200), (50, 0, 304)])
def test_a_response_as_announced_or_without_a_body_is_none(
    declared: int | None, size: int, status: int
) -> None:
    assert not _codes(_answered(declared, size, status)[0])


def test_bytes_that_the_capture_lacks_accuse_nobody() -> None:
    scene, _, response = _answered(100, 50)
    response.defects = ["50 bytes of the body are not in the capture"]
    assert not _codes(scene)


def test_a_client_that_cancels_a_response_of_another_size_is_not_the_cause() -> None:
    scene = Multiplexed().reset(CLIENT, "PROTOCOL_ERROR", "aborted")
    response = scene.wire.exchanges[0].response
    assert response
    scene.failed.response = replace(response, declared_size=100, body_size=50, complete=True)
    assert _codes(scene) == [("h2-malformed-response", "server")]


def _stalled(side: Side, detail: str = "of the stream, and never opened again") -> Multiplexed:
    scene = Multiplexed()
    response = scene.wire.exchanges[0].response
    assert response
    assert isinstance(scene.failed.request, Request)
    if side == SERVER:
        scene.failed.response = replace(response, complete=False, time_ns=scene.failed.request.last_ns)
        scene.failed.outcome = "aborted"
    else:
        scene.failed.request.complete = False
    event = scene._event("window exhausted", side, 260, stream=scene.failed.stream)
    scene.events[-1] = replace(event, detail=detail)
    return scene.reset(CLIENT, "CANCEL", "aborted", at=5_000)


@pytest.mark.parametrize(("sender", "at_fault"), [(SERVER, "client"), (CLIENT, "server")])
def test_who_withholds_the_window_is_at_fault(sender: Side, at_fault: str) -> None:
    assert _codes(_stalled(sender)) == [("h2-flow-control-stall", at_fault)]


def test_a_window_that_was_opened_again_explains_nothing() -> None:
    scene = _stalled(SERVER, "of the stream, until packet 9, 3.000 ms later")
    assert ("h2-flow-control-stall", "client") not in _codes(scene)


def _silent(answer: bool = False) -> Multiplexed:  # noqa: FBT001, FBT002
    scene = Multiplexed()
    request = scene.failed.request
    assert request
    for at in (500, 1100, 2300):
        row = scene.wire.segment(CLIENT, at, length=request.end - request.start)
        row.seq = request.start
    if answer:
        scene.wire.segment(SERVER, 2400, length=0)
    return scene.reset(CLIENT, "CANCEL", "aborted", at=4_000)


def test_a_connection_on_which_nothing_comes_back_is_dead() -> None:
    assert _codes(_silent()) == [("h2-dead-connection", "unknown")]


def test_one_packet_from_the_server_says_that_it_is_there() -> None:
    assert ("h2-dead-connection", "unknown") not in _codes(_silent(answer=True))


def moved(*, acknowledged: int | None = None, at: int = 199) -> list[str]:
    """A connection whose client has another address from ``at`` ms on."""
    scene = Multiplexed("h3")
    assert scene.failed.request is not None
    packet = scene.failed.request.packet if at < 200 else 900
    connection = scene.connection()
    connection.quic = QuicInfo(paths=[(CLIENT_END, SERVER_END), (OTHER_END, SERVER_END)])
    connection.events.append(StreamEvent("migration", CLIENT, EPOCH_NS + at * MS, packet))
    connection.quic.acknowledged[SERVER] = [(EPOCH_NS + 100 * MS, 2, 0, 3)]
    if acknowledged is not None:
        connection.quic.acknowledged[SERVER].append((EPOCH_NS + acknowledged * MS, 9, 4, 5))
    return [finding.code for finding in diagnose([connection])]


def test_a_client_whose_new_address_the_server_does_not_take() -> None:
    assert moved() == ["quic-nat-rebinding"]


def test_a_new_address_that_the_server_took_or_that_came_later_is_not_the_cause() -> None:
    assert moved(acknowledged=250) == ["unexplained"]
    assert moved(at=400) == ["unexplained"]


@pytest.mark.parametrize(("idle", "code"), [(31_000, "quic-idle-timeout-reuse"), (29_000, "unexplained")])
def test_a_request_after_the_agreed_silence_is_the_clients(idle: int, code: str) -> None:
    scene = Multiplexed("h3")
    scene.failed.idle_before_ns = idle * MS
    connection = scene.connection()
    connection.quic = QuicInfo(idle_timeout_ns=30_000 * MS)
    assert [finding.code for finding in diagnose([connection])] == [code]
