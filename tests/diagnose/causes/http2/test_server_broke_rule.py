"""What a server of HTTP/2 may not do beside its messages, and a client that leaves for it."""

from __future__ import annotations

from msgspec.structs import replace

from plainwire.diagnose import diagnose
from plainwire.model import Side, StreamEvent
from tests.diagnose.causes.http2.multiplexed import Multiplexed, says
from tests.diagnose.wire import CLIENT, EPOCH_NS, MS, SERVER


def breached(at: float = 300, side: Side = CLIENT, left: float = 310) -> Multiplexed:
    scene = Multiplexed()
    scene.events.append(
        StreamEvent("breach", SERVER, EPOCH_NS + int(at * MS), 9, detail="WINDOW_UPDATE (section 6.9.1)")
    )
    return scene.close(side, "close_notify", left)


def test_a_client_that_leaves_right_behind_it_did_not_hang_up_by_itself() -> None:
    finding = breached().finding()
    assert says(finding)[:3] == ("h2-malformed-response", "server", "likely")
    assert "section 6.9.1" in finding.claim


def test_one_that_goes_on_did_not_mind() -> None:
    assert breached(left=3000).finding().code != "h2-malformed-response"


def test_what_a_complete_stream_did_not_suffer_from_is_not_told() -> None:
    scene = breached()
    scene.failed.outcome = "complete"
    fine = scene.wire.exchanges[0]
    scene.failed.response = replace(fine.response) if fine.response else None
    assert diagnose([scene.connection()]) == []
