"""A sender waited for a window that was never opened again."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from plainwire.model import Request, Side
from tests.diagnose.causes.http2.multiplexed import Multiplexed
from tests.diagnose.causes.http2.stalls import codes
from tests.diagnose.wire import CLIENT, SERVER


def _stalled(
    side: Side,
    detail: str = "of the stream, and never opened again",
    *,
    body_size: int = 65_535,
    declared: int | None = None,
) -> Multiplexed:
    scene = Multiplexed()
    response = scene.wire.exchanges[0].response
    assert response
    assert isinstance(scene.failed.request, Request)
    if side == SERVER:
        scene.failed.response = replace(response, complete=False, time_ns=scene.failed.request.last_ns)
        scene.failed.outcome = "aborted"
    else:
        scene.failed.request.complete = False
        scene.failed.request.body_size = body_size
        scene.failed.request.declared_size = declared
    event = scene._event("window exhausted", side, 260, stream=scene.failed.stream)
    scene.events[-1] = replace(event, detail=detail)
    return scene.reset(CLIENT, "CANCEL", "aborted", at=5_000)


@pytest.mark.parametrize(("sender", "at_fault"), [(SERVER, "client"), (CLIENT, "server")])
def test_who_withholds_the_window_is_at_fault(sender: Side, at_fault: str) -> None:
    assert codes(_stalled(sender)) == [("h2-flow-control-stall", at_fault)]


def test_a_window_that_was_opened_again_explains_nothing() -> None:
    scene = _stalled(SERVER, "of the stream, until packet 9, 3.000 ms later")
    assert ("h2-flow-control-stall", "client") not in codes(scene)


@pytest.mark.parametrize(("declared", "found"), [(100, True), (None, False)])
def test_a_window_that_is_closed_from_the_start(declared: int | None, *, found: bool) -> None:
    """h2o/h2o#894 (kind); a call that has nothing to send yet looks the same without a declared length."""
    scene = _stalled(CLIENT, body_size=0, declared=declared)
    assert (("h2-flow-control-stall", "server") in codes(scene)) == found
