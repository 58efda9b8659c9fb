"""The server had said that it would still answer, and closed."""

from __future__ import annotations

import pytest

from tests.diagnose.causes.http2.multiplexed import Multiplexed, says
from tests.diagnose.wire import SERVER


def test_a_server_that_promised_an_answer_and_closed_is_at_fault() -> None:
    finding = Multiplexed().goaway(3).close(SERVER, "fin").finding()
    assert says(finding)[:3] == ("goaway-accepted-not-answered", "server", "proved")


@pytest.mark.parametrize(
    ("code", "name", "fault"),
    [
        ("INTERNAL_ERROR", "internal-error", "server"),
        ("CANCEL", "cancel", "server"),
        ("PROTOCOL_ERROR", "protocol-error", "unknown"),
        ("0x1f", "other", "unknown"),
    ],
)
def test_a_reset_by_the_server_is_its_own_unless_it_accuses(code: str, name: str, fault: str) -> None:
    finding = Multiplexed().reset(SERVER, code, "unanswered").finding()
    assert says(finding)[:3] == (f"h2-stream-reset-{name}", fault, "proved")


def test_an_accusation_that_the_request_bears_out_is_the_clients_fault() -> None:
    scene = Multiplexed().reset(SERVER, "PROTOCOL_ERROR", "unanswered")
    assert scene.failed.request
    scene.failed.request.defects = ["no :path (section 8.3.1)"]
    assert scene.finding().fault == "client"
