"""The request was sent while the server's GOAWAY was on its way."""

from __future__ import annotations

import pytest

from tests.diagnose.causes.http2.multiplexed import Multiplexed, says


@pytest.mark.parametrize(("protocol", "last"), [("h2", 1), ("h3", 4)])
def test_a_stream_that_a_goaway_leaves_out_may_be_repeated(protocol: str, last: int) -> None:
    scene = Multiplexed(protocol).goaway(last)
    scene.failed.outcome = "refused"
    finding = scene.finding()
    name = "goaway-race" if protocol == "h2" else "h3-goaway-or-rejected"
    assert says(finding) == (name, "both", "proved", True)
    assert scene.events[-1].packet in finding.packets


def test_a_request_long_after_the_goaway_is_the_clients_who_had_not_read_it() -> None:
    """encode/httpx, socketry/async-http: nothing reads the connection between two requests."""
    scene = Multiplexed("h2").goaway(1)
    scene.failed.outcome = "refused"
    assert scene.failed.request is not None
    scene.failed.request.time_ns = scene.events[-1].time_ns + 1_000_000_000
    finding = scene.finding()
    assert says(finding) == ("goaway-race", "client", "proved", True)
    assert "1.000 s after the server's GOAWAY" in finding.claim
    assert "had not read it" in finding.claim
