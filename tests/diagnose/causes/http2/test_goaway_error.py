"""A GOAWAY with an error: whom it blames, what had provoked it, whether a retry would help."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from plainwire.diagnose import diagnose
from tests.diagnose.causes.grpc.calls import Calls
from tests.diagnose.causes.http2.multiplexed import Multiplexed, says
from tests.diagnose.wire import CLIENT, only


def test_a_goaway_with_an_error_is_not_called_a_race() -> None:
    scene = Multiplexed().goaway(1, "ENHANCE_YOUR_CALM")
    scene.failed.outcome = "refused"
    assert says(scene.finding()) == ("goaway-error-enhance-your-calm", "unknown", "proved", True)
    assert "ENHANCE_YOUR_CALM" in scene.finding().claim


def test_what_follows_a_goaway_with_an_error_is_not_the_clients_fault() -> None:
    scene = Multiplexed().goaway(3, "ENHANCE_YOUR_CALM").close(CLIENT, "fin", 300)
    scene.failed.outcome = "aborted"
    assert says(scene.finding())[:2] == ("goaway-error-enhance-your-calm", "unknown")
    scene = Multiplexed().goaway(3, "INTERNAL_ERROR").reset(CLIENT, "CANCEL", "aborted")
    assert scene.finding().code == "goaway-error-internal-error"


@pytest.mark.parametrize(
    ("defect", "says"),
    [
        ("", "do decode here"),
        ("index 99 is not in the header table (RFC 7541 section 2.3.3)", "does not decode here either"),
    ],
)
def test_an_accusation_of_header_compression_is_checked_by_decoding(defect: str, says: str) -> None:
    scene = Multiplexed().goaway(1, "COMPRESSION_ERROR")
    scene.failed.outcome = "refused"
    assert scene.failed.request
    scene.failed.request.defects = [defect] if defect else []
    finding = scene.finding()
    assert (finding.code, finding.fault) == ("h2-header-compression-desync", "unknown")
    assert says in finding.claim


@pytest.mark.parametrize(
    "headers", [[("cookie", "x" * 9000)], [(f"x-{index}", "v") for index in range(200)]], ids=["long", "many"]
)
def test_a_header_that_is_too_large_is_not_called_broken_compression(headers: list[tuple[str, str]]) -> None:
    """haproxy/haproxy#2923; Go's servers say the same of a field above MaxHeaderBytes."""
    scene = Multiplexed().goaway(1, "COMPRESSION_ERROR")
    scene.failed.outcome = "refused"
    assert scene.failed.request
    scene.failed.request.headers = headers
    assert says(scene.finding()) == ("header-growth-431", "client", "likely", None)
    assert "tune.bufsize" in scene.finding().advice_server


@pytest.mark.parametrize(("size", "code"), [(9000, "header-growth-431"), (30, "goaway-error-refused-stream")])
def test_a_header_above_the_limit_of_jetty_is_no_failure_of_the_servers(size: int, code: str) -> None:
    """Jetty ends the connection with REFUSED_STREAM, Undertow with PROTOCOL_ERROR."""
    scene = Multiplexed().goaway(1, "REFUSED_STREAM")
    scene.failed.outcome = "refused"
    assert scene.failed.request
    scene.failed.request.headers = [("cookie", "x" * size)]
    finding = scene.finding()
    assert finding.code == code
    assert finding.retry_safe is (None if size > 1000 else True)


def test_frames_that_carry_little_are_named_where_the_server_says_so() -> None:
    """resteasy/resteasy#2584: small DATA frames of an upload to Tomcat."""
    scene = Multiplexed().goaway(3, "ENHANCE_YOUR_CALM")
    words = "Connection [2], Too much overhead so the connection will be closed"
    scene.events[-1] = replace(scene.events[-1], said=words)
    finding = scene.finding()
    assert finding.fault == "both"
    assert "overheadDataThreshold" in finding.claim


def test_a_request_that_broke_a_rule_before_the_goaway_is_the_client_s() -> None:
    """lexiforest/curl_cffi#19: a content-length of the program's own."""
    scene = Multiplexed().goaway(3, "PROTOCOL_ERROR", at=500)
    scene.failed.outcome, scene.failed.response = "complete", scene.wire.exchanges[0].response
    assert scene.failed.request
    scene.failed.request.defects = ["content-length is 50, the data has 3 bytes (section 8.1.1)"]
    finding = only(diagnose([scene.connection()]))
    assert (finding.code, finding.fault, finding.certainty) == (
        "goaway-error-protocol-error",
        "client",
        "likely",
    )
    assert [quoted.text for quoted in finding.quotes] == scene.failed.request.defects


def test_settings_that_were_not_acknowledged_have_a_code_of_their_own() -> None:
    scene = Multiplexed().goaway(1, "SETTINGS_TIMEOUT")
    scene.failed.outcome = "refused"
    assert says(scene.finding()) == ("h2-settings-timeout", "unknown", "proved", True)


def test_pings_before_it_are_counted_with_their_spacing() -> None:
    calls = Calls()
    calls.call(0, 0)
    calls.frames("ping", 5, 600, begin=500)
    calls.goaway(3100, "ENHANCE_YOUR_CALM", "too_many_pings")
    finding = calls.finding()
    assert (finding.code, finding.fault) == ("goaway-error-enhance-your-calm", "client")
    assert "5 PINGs before it, about 600 ms apart" in finding.claim
    assert [quoted.text for quoted in finding.quotes] == ["too_many_pings"]
    assert finding.exchanges == []


def test_a_call_whose_status_tells_the_same_is_one_finding_with_it() -> None:
    calls = Calls()
    exchange = calls.call(0, 14, after=4000, message="Too many pings")
    calls.frames("ping", 4, 900, begin=500)
    calls.goaway(4000, "ENHANCE_YOUR_CALM", "too_many_pings")
    exchange.grpc.status_ns = exchange.response.last_ns  # type: ignore[union-attr]
    finding = calls.finding()
    assert (finding.code, finding.exchanges) == ("goaway-error-enhance-your-calm", [exchange.id])
    assert {quoted.text for quoted in finding.quotes} == {"too_many_pings", "Too many pings"}


@pytest.mark.parametrize("name", ["ENHANCE_YOUR_CALM", "INTERNAL_ERROR"])
def test_streams_that_the_client_reset_in_great_number_are_counted(name: str) -> None:
    calls = Calls()
    calls.call(0, 0)
    calls.frames("rst_stream", 205, 2, begin=200)
    calls.goaway(700, name)
    finding = calls.finding()
    assert (finding.code, finding.fault) == (f"goaway-error-{name.lower().replace('_', '-')}", "client")
    assert "reset 205 streams (RST_STREAM) within 408 ms" in finding.claim


def test_an_error_of_the_servers_own_with_nothing_before_it_names_the_server() -> None:
    calls = Calls()
    calls.call(0, 0)
    calls.frames("ping", 2, 100, begin=200)
    calls.goaway(700, "INTERNAL_ERROR")
    finding = calls.finding()
    assert finding.fault == "server"
    assert "PING" not in finding.claim


def test_an_orderly_goaway_is_no_finding() -> None:
    calls = Calls()
    calls.call(0, 0)
    calls.frames("ping", 50, 100, begin=200)
    calls.goaway(9000, "NO_ERROR", "max_age")
    assert diagnose([calls.connection()]) == []


def test_a_request_that_would_provoke_it_again_is_not_called_safe_to_repeat() -> None:
    calls = Calls()
    calls.call(0, 0)
    exchange = calls.call(500, 0)
    exchange.request.headers = [("x-session", "v" * 9000)]  # type: ignore[union-attr]
    exchange.response, exchange.outcome, exchange.grpc = None, "refused", None
    calls.goaway(600, "ENHANCE_YOUR_CALM")
    connection = calls.connection()
    connection.events = [e for e in connection.events if e.kind != "goaway"] + [
        type(e)(e.kind, e.side, e.time_ns, e.packet, None, 11, e.name, 1) for e in connection.events
    ]
    (finding,) = diagnose([connection])
    assert (finding.code, finding.fault, finding.retry_safe) == (
        "goaway-error-enhance-your-calm",
        "client",
        None,
    )
    assert "has 9009 bytes, its largest field 9009. The same request would provoke it" in finding.claim


def test_the_request_that_the_goaway_answers_is_the_client_s_where_it_broke_a_rule() -> None:
    """Hypercorn, for a field Connection."""
    scene = Multiplexed().goaway(1, "PROTOCOL_ERROR")
    scene.failed.outcome = "refused"
    assert scene.failed.request
    scene.failed.request.defects = ["a field connection (section 8.2.2)"]
    assert says(scene.finding()) == ("goaway-error-protocol-error", "client", "likely", False)
