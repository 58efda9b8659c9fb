"""The server reset the stream, and its code says why."""

from __future__ import annotations

import pytest

from plainwire.diagnose import diagnose
from plainwire.model import StreamEvent
from tests.diagnose.causes.http2.multiplexed import Multiplexed, says
from tests.diagnose.wire import SERVER, only


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


def test_the_code_says_what_it_means_from_a_server_and_the_advice_is_for_that_code() -> None:
    finding = Multiplexed().reset(SERVER, "HTTP_1_1_REQUIRED", "unanswered").finding()
    assert "served over HTTP/1.1 only" in finding.claim
    assert finding.advice_client == "Send the request over HTTP/1.1."
    assert "1.1" not in Multiplexed().reset(SERVER, "CANCEL", "unanswered").finding().advice_client


def test_an_upload_under_way_may_be_above_a_limit() -> None:
    """Undertow's MAX_ENTITY_SIZE."""
    scene = Multiplexed().reset(SERVER, "CANCEL", "unanswered")
    assert "limit on its size" not in scene.finding().claim
    assert scene.failed.request
    scene.failed.request.complete, scene.failed.request.body_size = False, 65_535
    scene.failed.request.declared_size = 6_000_000
    assert "65535 of 6000000 bytes so far): a limit on its size is possible" in scene.finding().claim


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("H3_INTERNAL_ERROR", "h3-stream-reset-internal-error"),
        ("H3_MESSAGE_ERROR", "h3-stream-reset-message-error"),
    ],
)
def test_over_quic_the_codes_are_those_of_http_3(name: str, code: str) -> None:
    scene = Multiplexed("h3").reset(SERVER, name, "unanswered")
    connection = scene.connection()
    connection.transport = "quic"
    assert only(diagnose([connection])).code == code


def test_resets_of_one_age_are_told_as_a_limit() -> None:
    scene = Multiplexed().reset(SERVER, "INTERNAL_ERROR", "unanswered", at=2200)
    connection = scene.connection()
    twin = scene.wire.ask(3000, "/failed")
    twin.protocol, twin.stream, twin.outcome = "h2", 5, "unanswered"
    row = scene.wire.segment(SERVER, 5003, length=40)
    twin.reset = StreamEvent("rst_stream", SERVER, row.time_ns, row.packet, 5, 2, "INTERNAL_ERROR")
    connection = scene.connection()
    connection.events.append(twin.reset)
    finding = only(diagnose([connection]))
    assert "All 2 that it reset so were 2.000 s to 2.003 s old then" in finding.claim
