"""HTTP/2 and HTTP/3: what ended a stream, and that the rules for HTTP/1 keep out of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import diagnose
from plainwire.model import CloseEvent, Connection, Side, StreamEvent
from tests.diagnose.wire import EPOCH_NS, MS, SERVER, Wire

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


def says(finding: Finding) -> tuple[str, str, str, bool | None]:
    return finding.code, finding.fault, finding.certainty, finding.retry_safe
