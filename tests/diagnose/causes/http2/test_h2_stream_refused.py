"""The server refused the stream without working on the request."""

from __future__ import annotations

import pytest

from tests.diagnose.causes.http2.multiplexed import Multiplexed, says
from tests.diagnose.wire import SERVER


@pytest.mark.parametrize(("protocol", "code"), [("h2", "REFUSED_STREAM"), ("h3", "H3_REQUEST_REJECTED")])
def test_a_refused_stream_may_be_repeated_whatever_its_method(protocol: str, code: str) -> None:
    scene = Multiplexed(protocol).reset(SERVER, code, "refused")
    assert scene.failed.request
    scene.failed.request.method = "POST"
    finding = scene.finding()
    name = "h2-stream-refused" if protocol == "h2" else "h3-goaway-or-rejected"
    assert says(finding) == (name, "server", "proved", True)
    assert scene.events[-1].packet in finding.packets
    assert code in finding.claim
