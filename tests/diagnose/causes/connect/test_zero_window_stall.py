"""The server stopped taking what the client sent."""

from __future__ import annotations

from tests.diagnose.causes.semantics.durations import window
from tests.diagnose.wire import only


def test_a_server_that_does_not_read_for_long() -> None:
    finding = only(window(again=2000))
    assert (finding.code, finding.fault, finding.certainty) == ("zero-window-stall", "server", "proved")


def test_a_window_that_opens_again_soon_is_how_flow_control_works() -> None:
    assert window(again=300) == []
