"""Not one packet of the server's came any more."""

from __future__ import annotations

from tests.diagnose.causes.http2.multiplexed import Multiplexed
from tests.diagnose.causes.http2.stalls import codes
from tests.diagnose.wire import CLIENT, SERVER


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
    assert codes(_silent()) == [("h2-dead-connection", "unknown")]


def test_one_packet_from_the_server_says_that_it_is_there() -> None:
    assert ("h2-dead-connection", "unknown") not in codes(_silent(answer=True))
