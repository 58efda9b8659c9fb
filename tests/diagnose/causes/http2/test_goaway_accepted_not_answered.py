"""The server had said that it would still answer, and closed."""

from __future__ import annotations

from tests.diagnose.causes.http2.multiplexed import Multiplexed, says
from tests.diagnose.wire import SERVER


def test_a_server_that_promised_an_answer_and_closed_is_at_fault() -> None:
    finding = Multiplexed().goaway(3).close(SERVER, "fin").finding()
    assert says(finding)[:3] == ("goaway-accepted-not-answered", "server", "proved")
