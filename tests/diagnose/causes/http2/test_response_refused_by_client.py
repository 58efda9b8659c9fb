"""A client that ends a stream or a connection because of what the server sent."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from plainwire.diagnose import diagnose
from plainwire.model import Finding, Grpc, StreamEvent
from tests.diagnose.causes.http2.multiplexed import Multiplexed
from tests.diagnose.wire import CLIENT


def _refused(name: str, defects: list[str], *, kind: str = "rst_stream") -> Multiplexed:
    """The response came whole, and the client then said that something is wrong."""
    scene = Multiplexed()
    first = scene.wire.exchanges[0].response
    assert first
    scene.failed.outcome = "complete"
    scene.failed.response = replace(
        first, defects=defects, time_ns=scene.failed.request.last_ns + 1 if scene.failed.request else 0
    )
    at = scene.failed.response.last_ns + 1_000_000_000
    stream = scene.failed.stream if kind == "rst_stream" else None
    scene.events.append(StreamEvent(kind, CLIENT, at, 999, stream, 1, name, said="why"))
    return scene


def _only(scene: Multiplexed) -> Finding:
    (finding,) = diagnose([scene.connection()])
    return finding


@pytest.mark.parametrize("kind", ["rst_stream", "goaway", "connection_close"])
def test_a_response_with_a_defect_that_the_client_refuses_is_the_servers(kind: str) -> None:
    finding = _only(_refused("PROTOCOL_ERROR", ["field 'connection' is for HTTP/1.1 only"], kind=kind))
    assert (finding.code, finding.fault, finding.certainty) == ("h2-malformed-response", "server", "proved")
    assert [quoted.text for quoted in finding.quotes] == ["field 'connection' is for HTTP/1.1 only", "why"]
    assert 999 in finding.packets


def test_of_a_response_that_ended_early_the_numbers_and_its_upstream_are_told() -> None:
    """curl/curl#14620; Caddy passes a response of its upstream's that was cut on as a whole one."""
    scene = _refused("PROTOCOL_ERROR", ["content-length is 1000, the data has 400 bytes (section 8.1.1)"])
    assert scene.failed.response is not None
    scene.failed.response.declared_size, scene.failed.response.body_size = 1000, 400
    finding = _only(scene)
    assert (finding.code, finding.fault) == ("h2-malformed-response", "server")
    assert "400 of the 1000 bytes" in finding.claim
    assert "an upstream whose response was cut" in finding.advice_server


def test_a_204_with_a_length_that_the_client_refuses() -> None:
    """nghttp2/nghttp2#735."""
    scene = _refused("PROTOCOL_ERROR", [])
    assert scene.failed.response is not None
    scene.failed.response.status, scene.failed.response.declared_size = 204, 5
    scene.failed.response.body_size = 0
    finding = _only(scene)
    assert (finding.code, finding.fault) == ("h2-malformed-response", "server")
    assert "204 must not have a content-length" in finding.claim


def test_a_defect_that_does_not_show_accuses_nobody_for_sure() -> None:
    finding = _only(_refused("PROTOCOL_ERROR", []))
    assert (finding.code, finding.fault, finding.certainty) == ("h2-malformed-response", "unknown", "likely")
    assert "says that the server broke a rule" in finding.claim


@pytest.mark.parametrize(
    ("defects", "fault"),
    [(["index 99 is not in the table (RFC 7541 section 2.3.3)"], "server"), ([], "unknown")],
)
def test_a_header_block_that_cannot_be_decoded_here_either_is_the_servers(
    defects: list[str], fault: str
) -> None:
    finding = _only(_refused("COMPRESSION_ERROR", defects, kind="goaway"))
    assert (finding.code, finding.fault) == ("h2-header-compression-desync", fault)


@pytest.mark.parametrize("name", ["CANCEL", "NO_ERROR", "H3_REQUEST_CANCELLED", "INTERNAL_ERROR"])
def test_a_change_of_mind_after_a_whole_response_is_no_complaint(name: str) -> None:
    assert diagnose([_refused(name, ["field 'connection' is for HTTP/1.1 only"]).connection()]) == []


def test_what_a_graceful_goaway_had_left_in_is_refused_by_the_clients_own_fault() -> None:
    """h2 of Python takes frames behind a GOAWAY for an error (encode/httpx#828)."""
    scene = _refused("PROTOCOL_ERROR", [], kind="goaway")
    finding = _only(scene.goaway(3, at=210))
    assert (finding.code, finding.fault, finding.certainty) == ("client-abort", "client", "likely")
    assert "3 is the last that is worked on" in finding.claim
    broken = _refused("PROTOCOL_ERROR", ["field 'connection' is for HTTP/1.1 only"], kind="goaway")
    assert _only(broken.goaway(3, at=210)).code == "h2-malformed-response"


@pytest.mark.parametrize(
    ("largest", "trailer", "says"),
    [
        (5_000_011, 10, "largest message has 5000011 bytes"),
        (10, 20_000, "come to 20"),
        (10, 10, "a limit that the client has set"),
    ],
)
def test_a_grpc_client_that_says_calm_down_means_a_limit_of_its_own(
    largest: int, trailer: int, says: str
) -> None:
    scene = _refused("ENHANCE_YOUR_CALM", [])
    scene.failed.grpc = Grpc("/a/B", status=0, largest=[10, largest])
    assert scene.failed.response
    scene.failed.response.trailers = [("x-large", "a" * trailer)]
    finding = _only(scene)
    assert (finding.code, finding.fault, finding.retry_safe) == ("client-abort", "both", None)
    assert says in finding.claim


@pytest.mark.parametrize("limit", [64, 1 << 20])
def test_header_fields_above_what_the_clients_settings_allow_are_named(limit: int) -> None:
    scene = _refused("PROTOCOL_ERROR", [])
    assert scene.failed.response
    scene.failed.response.headers = [("x-large", "l" * 100)]
    detail = f"ENABLE_PUSH=0, MAX_HEADER_LIST_SIZE={limit}"
    scene.events.append(StreamEvent("settings", CLIENT, 0, 3, detail=detail))
    finding = _only(scene)
    assert (finding.code == "client-abort") is (limit == 64)
    assert ("come to 139 bytes, and the client had said that it takes no more than 64" in finding.claim) is (
        limit == 64
    )
