"""The server closed a connection with open streams, without GOAWAY."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.diagnose.causes.http2.multiplexed import Multiplexed, says
from tests.diagnose.wire import SERVER

if TYPE_CHECKING:
    from plainwire.model import CloseKind


@pytest.mark.parametrize(
    ("kind", "certainty"), [("close_notify", "proved"), ("fin", "likely"), ("rst", "likely")]
)
def test_a_close_with_open_streams_and_no_goaway(kind: CloseKind, certainty: str) -> None:
    finding = Multiplexed().close(SERVER, kind).finding()
    assert says(finding)[:3] == ("h2-close-without-goaway", "server", certainty)


def test_a_close_that_crossed_the_request_makes_it_safe_to_repeat() -> None:
    scene = Multiplexed()
    assert scene.failed.request
    scene.failed.request.method = "POST"
    scene.close(SERVER, "fin", 210, ack=scene.failed.request.start)
    assert says(scene.finding()) == ("h2-close-without-goaway", "both", "likely", True)
