"""What a server of HTTP/2 may not do beside its messages, and a client that leaves for it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from plainwire.diagnose import diagnose
from plainwire.model import CloseEvent, Side, StreamEvent
from tests.diagnose.causes.http2.multiplexed import Multiplexed, says
from tests.diagnose.causes.quic.quic_connections import unanswered
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


@pytest.mark.parametrize(
    ("name", "settings", "found"),
    [
        ("H3_MISSING_SETTINGS", False, [("h2-malformed-response", "server")]),
        ("H3_MISSING_SETTINGS", True, [("h2-malformed-response", "unknown")]),
        ("H3_SETTINGS_ERROR", True, [("h2-malformed-response", "unknown")]),
        ("H3_NO_ERROR", False, []),
    ],
)
def test_a_client_that_complains_before_its_first_request(
    name: str, found: list[tuple[str, str]], *, settings: bool
) -> None:
    """quic-go and a server whose control stream begins with GOAWAY (RFC 9114 section 6.2.1)."""
    connection = unanswered(answered=True)
    at = connection.opened_ns + 5_000_000
    kind = "settings" if settings else "goaway"
    connection.closes = [CloseEvent("connection_close", CLIENT, at, 5, 0, None, detail=name)]
    connection.events = [
        StreamEvent(kind, SERVER, at - 1, 4),
        StreamEvent("connection_close", CLIENT, at, 5, code=266, name=name),
    ]
    findings = diagnose([connection])
    assert [(f.code, f.fault) for f in findings if f.code != "unexplained"] == found
