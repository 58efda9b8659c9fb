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
