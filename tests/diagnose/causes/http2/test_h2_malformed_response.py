"""The response is malformed."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from plainwire.diagnose import diagnose
from plainwire.model import Exchange, Finding, Response
from tests.diagnose.causes.http2.multiplexed import Multiplexed
from tests.diagnose.causes.http2.stalls import codes
from tests.diagnose.wire import CLIENT


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
    assert not codes(_answered(declared, size, status)[0])


def test_bytes_that_the_capture_lacks_accuse_nobody() -> None:
    scene, _, response = _answered(100, 50)
    response.defects = ["50 bytes of the body are not in the capture"]
    assert not codes(scene)


def test_a_client_that_cancels_a_response_of_another_size_is_not_the_cause() -> None:
    scene = Multiplexed().reset(CLIENT, "PROTOCOL_ERROR", "aborted")
    response = scene.wire.exchanges[0].response
    assert response
    scene.failed.response = replace(response, declared_size=100, body_size=50, complete=True)
    assert codes(scene) == [("h2-malformed-response", "server")]


def test_a_response_without_a_status_is_the_servers() -> None:
    scene, _, response = _answered(None, 50, status=0)
    response.defects = ["no status: '' (section 8.3.2)"]
    (finding,) = diagnose([scene.connection()])
    assert (finding.code, finding.fault, finding.certainty) == ("h2-malformed-response", "server", "proved")
    assert "no :status" in finding.claim
