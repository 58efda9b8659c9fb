"""HTTP/2 and HTTP/3: what ended a stream, and that the rules for HTTP/1 keep out of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from plainwire.diagnose import CAUSES, diagnose
from plainwire.model import CloseEvent, Connection, Exchange, Side, StreamEvent
from tests.diagnose.wire import CLIENT, EPOCH_NS, MS, SERVER, Wire

if TYPE_CHECKING:
    from plainwire.model import CloseKind, Finding, Outcome


class Multiplexed:
    """A connection with one stream that failed beside one that was answered. Times in milliseconds."""

    def __init__(self, protocol: str = "h2") -> None:
        self.wire = Wire()
        fine = self.wire.ask(0)
        self.wire.answer(100)
        self.failed = self.wire.ask(200, "/failed")
        self.failed.outcome = "unanswered"
        self.protocol = protocol
        self.events: list[StreamEvent] = []
        self.closes: list[CloseEvent] = []
        streams = (0, 4) if protocol == "h3" else (1, 3)
        for exchange, stream in zip((fine, self.failed), streams, strict=True):
            exchange.protocol, exchange.stream = protocol, stream

    def reset(self, side: Side, code: str, outcome: Outcome, at: float = 300) -> Multiplexed:
        kind = "reset_stream" if self.protocol == "h3" else "rst_stream"
        event = self._event(kind, side, at, name=code, stream=self.failed.stream)
        self.failed.reset, self.failed.outcome = event, outcome
        return self

    def goaway(self, last: int, code: str = "NO_ERROR", at: float = 250) -> Multiplexed:
        self._event("goaway", SERVER, at, name="" if self.protocol == "h3" else code, last_stream=last)
        return self

    def _event(
        self,
        kind: str,
        side: Side,
        at: float,
        *,
        name: str = "",
        stream: int | None = None,
        last_stream: int | None = None,
    ) -> StreamEvent:
        row = self.wire.segment(side, at, length=40)
        event = StreamEvent(kind, side, row.time_ns, row.packet, stream, 0, name, last_stream)
        self.events.append(event)
        return event

    def close(self, side: Side, kind: CloseKind, at: float = 400, ack: int | None = None) -> Multiplexed:
        if kind in ("connection_close", "stateless_reset"):
            packet = 900
            self.closes.append(CloseEvent(kind, side, EPOCH_NS + int(at * MS), packet, 0, None))
        else:
            self.wire.close(side, kind, at, ack=ack)
        return self

    def quic_code(self, name: str) -> Multiplexed:
        close = self.closes[-1]
        self.events.append(
            StreamEvent("connection_close", close.side, close.time_ns, close.packet, name=name)
        )
        return self

    def connection(self) -> Connection:
        connection = self.wire.done()
        connection.application = self.protocol
        connection.events = self.events
        if self.protocol == "h3":
            connection.transport, connection.segments, connection.closes = "quic", None, self.closes
        return connection

    def finding(self) -> Finding:
        (finding,) = diagnose([self.connection()])
        assert finding.exchanges == [self.failed.id]
        return finding


def _says(finding: Finding) -> tuple[str, str, str, bool | None]:
    return finding.code, finding.fault, finding.certainty, finding.retry_safe


@pytest.mark.parametrize(("protocol", "code"), [("h2", "REFUSED_STREAM"), ("h3", "H3_REQUEST_REJECTED")])
def test_a_refused_stream_may_be_repeated_whatever_its_method(protocol: str, code: str) -> None:
    scene = Multiplexed(protocol).reset(SERVER, code, "refused")
    assert scene.failed.request
    scene.failed.request.method = "POST"
    finding = scene.finding()
    name = "h2-stream-refused" if protocol == "h2" else "h3-goaway-or-rejected"
    assert _says(finding) == (name, "server", "proved", True)
    assert scene.events[-1].packet in finding.packets
    assert code in finding.claim


@pytest.mark.parametrize(("protocol", "last"), [("h2", 1), ("h3", 4)])
def test_a_stream_that_a_goaway_leaves_out_may_be_repeated(protocol: str, last: int) -> None:
    scene = Multiplexed(protocol).goaway(last)
    scene.failed.outcome = "refused"
    finding = scene.finding()
    name = "goaway-race" if protocol == "h2" else "h3-goaway-or-rejected"
    assert _says(finding) == (name, "both", "proved", True)
    assert scene.events[-1].packet in finding.packets


def test_a_goaway_with_an_error_is_not_called_a_race() -> None:
    scene = Multiplexed().goaway(1, "ENHANCE_YOUR_CALM")
    scene.failed.outcome = "refused"
    assert _says(scene.finding()) == ("goaway-error", "unknown", "proved", True)
    assert "ENHANCE_YOUR_CALM" in scene.finding().claim


def test_what_follows_a_goaway_with_an_error_is_not_the_clients_fault() -> None:
    scene = Multiplexed().goaway(3, "ENHANCE_YOUR_CALM").close(CLIENT, "fin", 300)
    scene.failed.outcome = "aborted"
    assert _says(scene.finding())[:2] == ("goaway-error", "unknown")
    scene = Multiplexed().goaway(3, "INTERNAL_ERROR").reset(CLIENT, "CANCEL", "aborted")
    assert scene.finding().code == "goaway-error"


def test_a_client_that_leaves_although_an_answer_was_promised() -> None:
    scene = Multiplexed().goaway(3).close(CLIENT, "fin", 300)
    scene.failed.outcome = "aborted"
    finding = scene.finding()
    assert (finding.code, finding.fault) == ("client-abort", "client")
    assert "would still answer" in finding.claim


def test_a_server_that_promised_an_answer_and_closed_is_at_fault() -> None:
    finding = Multiplexed().goaway(3).close(SERVER, "fin").finding()
    assert _says(finding)[:3] == ("goaway-accepted-not-answered", "server", "proved")


@pytest.mark.parametrize(
    ("code", "fault"),
    [("INTERNAL_ERROR", "server"), ("CANCEL", "server"), ("PROTOCOL_ERROR", "unknown"), ("0x1f", "unknown")],
)
def test_a_reset_by_the_server_is_its_own_unless_it_accuses(code: str, fault: str) -> None:
    finding = Multiplexed().reset(SERVER, code, "unanswered").finding()
    assert _says(finding)[:3] == ("h2-stream-reset", fault, "proved")


def test_an_accusation_that_the_request_bears_out_is_the_clients_fault() -> None:
    scene = Multiplexed().reset(SERVER, "PROTOCOL_ERROR", "unanswered")
    assert scene.failed.request
    scene.failed.request.defects = ["no :path (section 8.3.1)"]
    assert scene.finding().fault == "client"


def test_a_client_that_cancels_at_once_did_so_itself() -> None:
    finding = Multiplexed().reset(CLIENT, "CANCEL", "aborted").finding()
    assert _says(finding)[:3] == ("client-abort", "client", "proved")


def test_a_client_that_waited_long_is_not_blamed() -> None:
    assert Multiplexed().reset(CLIENT, "CANCEL", "aborted", at=30_000).finding().fault == "unknown"


def test_a_client_that_rejects_a_broken_response_is_right() -> None:
    scene = Multiplexed().reset(CLIENT, "PROTOCOL_ERROR", "aborted")
    answered = scene.wire.exchanges[0].response
    assert answered
    scene.failed.response = replace(answered, defects=["content-length is 5, the data has 3 bytes"])
    assert scene.finding().fault == "server"


@pytest.mark.parametrize(
    ("kind", "certainty"), [("close_notify", "proved"), ("fin", "likely"), ("rst", "likely")]
)
def test_a_close_with_open_streams_and_no_goaway(kind: CloseKind, certainty: str) -> None:
    finding = Multiplexed().close(SERVER, kind).finding()
    assert _says(finding)[:3] == ("h2-close-without-goaway", "server", certainty)


def test_a_close_that_crossed_the_request_makes_it_safe_to_repeat() -> None:
    scene = Multiplexed()
    assert scene.failed.request
    scene.failed.request.method = "POST"
    scene.close(SERVER, "fin", 210, ack=scene.failed.request.start)
    assert _says(scene.finding()) == ("h2-close-without-goaway", "both", "likely", True)


def test_a_client_that_closes_with_open_streams() -> None:
    scene = Multiplexed()
    scene.failed.outcome = "aborted"
    assert _says(scene.close(CLIENT, "fin", 300).finding())[:3] == ("client-abort", "client", "proved")


@pytest.mark.parametrize(("name", "fault"), [("H3_NO_ERROR", "server"), ("H3_EXCESSIVE_LOAD", "unknown")])
def test_a_quic_connection_that_the_server_closed(name: str, fault: str) -> None:
    finding = Multiplexed("h3").close(SERVER, "connection_close").quic_code(name).finding()
    assert _says(finding)[:3] == ("quic-connection-close", fault, "proved")
    assert name in finding.claim


def test_a_stateless_reset_says_that_the_server_forgot() -> None:
    finding = Multiplexed("h3").close(SERVER, "stateless_reset").finding()
    assert _says(finding)[:3] == ("quic-stateless-reset", "server", "proved")


def test_what_is_whole_pushed_or_still_open_needs_no_explanation() -> None:
    scene = Multiplexed()
    scene.failed.outcome = "unseen"
    assert diagnose([scene.connection()]) == []
    scene = Multiplexed().reset(CLIENT, "CANCEL", "aborted")
    scene.failed.pushed = True
    assert diagnose([scene.connection()]) == []
    scene = Multiplexed()
    scene.failed.outcome = "complete"
    assert diagnose([scene.close(SERVER, "rst").connection()]) == []


OUTCOMES: tuple[Outcome, ...] = ("complete", "unanswered", "truncated", "refused", "aborted", "unseen")
KINDS: tuple[CloseKind, ...] = ("close_notify", "alert", "fin", "rst", "connection_close", "stateless_reset")


@given(st.data())
def test_whatever_the_facts_are_the_answer_keeps_its_promises(data: st.DataObject) -> None:
    scene = Multiplexed(data.draw(st.sampled_from(["h2", "h3", "websocket"])))
    if data.draw(st.booleans()):
        code = data.draw(st.sampled_from(["", "NO_ERROR", "REFUSED_STREAM", "CANCEL", "0xdead"]))
        scene.reset(data.draw(st.sampled_from(list(Side))), code, "aborted", data.draw(st.floats(0, 5000)))
    for _ in range(data.draw(st.integers(0, 2))):
        scene.goaway(data.draw(st.integers(0, 9)), at=data.draw(st.floats(0, 5000)))
    for _ in range(data.draw(st.integers(0, 2))):
        scene.close(
            data.draw(st.sampled_from(list(Side))),
            data.draw(st.sampled_from(KINDS)),
            data.draw(st.floats(0, 5000)),
        )
    if data.draw(st.booleans()):
        scene.failed.stream = None
    if data.draw(st.booleans()):
        scene.failed.request = None
    scene.failed.outcome = data.draw(st.sampled_from(OUTCOMES))
    for finding in diagnose([scene.connection()]):
        assert finding.code in CAUSES
        assert finding.evidence
        assert all(_exists(scene, number) for number in finding.exchanges)


def _exists(scene: Multiplexed, number: int) -> bool:
    known: list[Exchange] = scene.wire.exchanges
    return any(exchange.id == number for exchange in known)


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


def test_settings_that_were_not_acknowledged_have_a_code_of_their_own() -> None:
    scene = Multiplexed().goaway(1, "SETTINGS_TIMEOUT")
    scene.failed.outcome = "refused"
    assert _says(scene.finding()) == ("h2-settings-timeout", "unknown", "proved", True)
