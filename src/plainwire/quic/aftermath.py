"""What the frames of decrypted packets mean for the connection: streams, closes, events, facts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.model import CloseEvent, Side, StreamEvent
from plainwire.quic import errors, frames
from plainwire.quic.frames import (
    Ack,
    Close,
    Crypto,
    Frame,
    LimitFrame,
    NewConnectionId,
    Other,
    ResetStream,
    StopSending,
    Stream,
)
from plainwire.quic.reassembly import Share
from plainwire.quic.streams import QuicStreams
from plainwire.quic.versions import Form

if TYPE_CHECKING:
    from plainwire.model import Connection, QuicInfo
    from plainwire.quic.packet import Datagram
    from plainwire.quic.protection import OpenedPacket
    from plainwire.quic.quic_handshake import Handshake
    from plainwire.quic.reassembly import Rooms

MOST_EVENTS = 4096
"""Events that one connection keeps; of flow control limits, only the newest for each stream."""

MOST_GIVEN_UP = 1 << 16
"""How many resets of streams and the like it keeps: what became of exchanges hangs on them."""

_WITHHELD = "APPLICATION_ERROR"
_MOST_CLOSES, _MOST_TOKENS, _MOST_PATHS = 64, 256, 64
_MOST_SENT = 32
_MOST_SAID = 256
_TAIL = 2048
_BEFORE_STREAMS = (Form.INITIAL, Form.HANDSHAKE)


class Aftermath:
    """Fills ``facts`` and ``info``. ``learnt`` is an outbox: connection ids, each with the side that receives
    with it.
    """

    def __init__(self, facts: Connection, info: QuicInfo, handshake: Handshake, rooms: Rooms) -> None:
        self.streams = QuicStreams(rooms.streams)
        self._room = Share(rooms.events)
        self.closed = False
        self.left_out = 0
        """Resets of streams, and STOP_SENDING, that are not kept."""
        self._facts = facts
        self._info = info
        self._handshake = handshake
        self.learnt: list[tuple[bytes, Side]] = []
        self._tokens: tuple[set[bytes], set[bytes]] = (set(), set())  # of stateless resets, by who sends them
        self._acked = [[-1, -1] for _ in Form]  # by form, and side that says so
        self._sent: dict[int, int] = {}  # the client's first Initial packets: number to time
        self._limits: dict[tuple[str, Side, int | None], StreamEvent] = {}
        self._parameters_seen = [False, False]

    def take(self, form: Form, side: Side, opened: OpenedPacket, datagram: Datagram) -> None:
        """Follow the frames of one packet."""
        found, defect = frames.parse(opened.payload)
        if form is Form.INITIAL and side is Side.CLIENT and len(self._sent) < _MOST_SENT:
            self._sent.setdefault(opened.number, datagram.time_ns)
        for frame in found:
            if type(frame) is Stream and form not in _BEFORE_STREAMS:
                self.streams.feed(frame, side, datagram.number, datagram.time_ns)
            else:
                self._other(form, side, frame, opened, datagram)
        if defect:
            self.event("unreadable_frame", side, datagram, detail=defect)

    def _other(self, form: Form, side: Side, frame: Frame, opened: OpenedPacket, datagram: Datagram) -> None:
        if isinstance(frame, Ack):
            self._ack(form, side, frame, datagram)
        elif isinstance(frame, Crypto):
            if self._handshake.feed(form, side, frame, datagram.number, datagram.time_ns):
                self._learn_parameters()
        elif isinstance(frame, Close):
            self._close(form, side, frame, opened.number, datagram)
        elif form not in _BEFORE_STREAMS:  # where RFC 9000 section 12.4 allows no others
            self._application(side, frame, datagram)

    def _application(self, side: Side, frame: Frame, datagram: Datagram) -> None:
        if isinstance(frame, LimitFrame):
            self._limit(side, frame, datagram)
        elif isinstance(frame, NewConnectionId):
            self.learnt.append((frame.id, side))
            self._learn_token(frame.token, side)
        elif isinstance(frame, ResetStream):
            if self.streams.reset(frame, side):
                self._stream_error("reset_stream", side, frame, datagram)
        elif isinstance(frame, StopSending):
            self._stream_error("stop_sending", side, frame, datagram)
        elif isinstance(frame, Other):
            self._named(side, frame, datagram)
        else:
            self._info.datagrams[side] += 1

    def _ack(self, form: Form, side: Side, frame: Ack, datagram: Datagram) -> None:
        acked = self._acked[form]
        if frame.largest <= acked[side]:
            return
        acked[side] = frame.largest
        if form is Form.ONE_RTT:
            tail = self._info.acknowledged[side]
            tail.append((*_at(datagram), frame.lowest, frame.largest))
            if len(tail) >= 2 * _TAIL:
                del tail[:_TAIL]
        elif form is Form.INITIAL and side is Side.SERVER and self._facts.rtt_syn_ns is None:
            sent = self._sent.get(frame.largest)
            self._facts.rtt_syn_ns = None if sent is None else datagram.time_ns - sent

    def _learn_parameters(self) -> None:
        for side in Side:
            parameters = self._handshake.parameters[side]
            if parameters is None or self._parameters_seen[side]:
                continue
            self._parameters_seen[side] = True
            self._info.parameters[side] = parameters.facts
            self._learn_token(parameters.reset_token, side)
            if parameters.preferred_id:
                self.learnt.append((parameters.preferred_id, side))
                self._learn_token(parameters.preferred_token, side)
        if all(self._parameters_seen):
            given = [facts.get("max_idle_timeout", 0) for facts in self._info.parameters]
            timeouts = [value for value in given if isinstance(value, int) and value]
            self._info.idle_timeout_ns = min(timeouts) * 1_000_000 if timeouts else None

    def _learn_token(self, token: bytes, side: Side) -> None:
        tokens = self._tokens[side]
        if token and len(tokens) < _MOST_TOKENS:
            tokens.add(token)

    def is_reset(self, token: bytes, side: Side) -> bool:
        """Whether a datagram from ``side`` with this end is a stateless reset (RFC 9000 section 10.3)."""
        return token in self._tokens[side]

    def stateless_reset(self, side: Side, datagram: Datagram) -> None:
        """Note that the side lost its state of the connection."""
        self._closes(CloseEvent("stateless_reset", side, *_at(datagram), -1, None, ttl=datagram.ttl))

    def _close(self, form: Form, side: Side, frame: Close, number: int, datagram: Datagram) -> None:
        if frame.frame is None:
            name = errors.application(frame.code, self._handshake.alpn)
        else:
            name = errors.transport(frame.code)
        acked = self._acked[form][side]
        self._take_back(side, datagram)
        event = CloseEvent(
            "connection_close",
            side,
            *_at(datagram),
            number,
            None if acked < 0 else acked,
            ttl=datagram.ttl,
            detail=name,
            repeated=any(c.side is side and c.kind == "connection_close" for c in self._facts.closes),
        )
        if not event.repeated:
            detail = _escaped(frame.reason)
            if frame.frame:
                detail = f"frame type 0x{frame.frame:X}" + (f": {detail}" if detail else "")
            said = frame.reason[:_MOST_SAID].decode("utf-8", "replace")
            self.event(
                "connection_close", side, datagram, code=frame.code, name=name, detail=detail, said=said
            )
        self._closes(event)

    def _take_back(self, side: Side, datagram: Datagram) -> None:
        """Forget a close that said only APPLICATION_ERROR, if another one follows in the same datagram.

        A packet of the handshake may not say more; what it stands for is in the packet of 1-RTT behind it
        (RFC 9000 section 10.2.3).
        """
        packet = _at(datagram)[1]
        closes, events = self._facts.closes, self._facts.events
        if any(c.side is side and c.packet == packet and c.detail == _WITHHELD for c in closes):
            closes[:] = [c for c in closes if c.side is not side or c.packet != packet]
            events[:] = [
                e for e in events if e.kind != "connection_close" or e.side is not side or e.packet != packet
            ]

    def _closes(self, event: CloseEvent) -> None:
        self.closed = True
        if len(self._facts.closes) < _MOST_CLOSES:
            self._facts.closes.append(event)

    def _stream_error(
        self, kind: str, side: Side, frame: ResetStream | StopSending, datagram: Datagram
    ) -> None:
        name = errors.application(frame.code, self._handshake.alpn)
        kept = self.event(
            kind, side, datagram, stream=frame.stream, code=frame.code, name=name, most=MOST_GIVEN_UP
        )
        self.left_out += not kept

    def _limit(self, side: Side, frame: LimitFrame, datagram: Datagram) -> None:
        if frame.kind.endswith("_blocked") or "_blocked_" in frame.kind:
            self.event(frame.kind, side, datagram, stream=frame.stream, detail=f"at {frame.limit}")
            return
        key = frame.kind, side, frame.stream
        if key in self._limits or (len(self._limits) < MOST_EVENTS and self._room.take()):
            time_ns, packet = _at(datagram)
            detail = f"up to {frame.limit}"
            self._limits[key] = StreamEvent(frame.kind, side, time_ns, packet, frame.stream, detail=detail)

    def _named(self, side: Side, frame: Other, datagram: Datagram) -> None:
        if frame.kind == "handshake_done":
            self._handshake.info.handshake_complete = True
        if frame.kind not in ("ping", "retire_connection_id", "ack_frequency", "immediate_ack"):
            self.event(frame.kind, side, datagram)

    def follow_path(self, side: Side, datagram: Datagram) -> None:
        """The addresses that a packet came by (RFC 9000 section 9)."""
        source, target = datagram.path
        path = (source, target) if side is Side.CLIENT else (target, source)
        paths = self._info.paths
        if path == paths[-1]:
            return
        known = path in paths
        if not known and len(paths) < _MOST_PATHS:
            moved = Side.CLIENT if path[0] != paths[-1][0] else Side.SERVER
            detail = f"from {paths[-1][moved]} to {path[moved]}"
            self.event("migration", moved, datagram, detail=detail)
            paths.append(path)

    def event(
        self,
        kind: str,
        side: Side,
        datagram: Datagram,
        *,
        stream: int | None = None,
        code: int | None = None,
        name: str = "",
        detail: str = "",
        said: str = "",
        most: int = MOST_EVENTS,
    ) -> bool:
        """Keep what happened, if there are not ``most`` events already; whether it was kept."""
        if len(self._facts.events) >= most or not self._room.take():
            return False
        time_ns, packet = _at(datagram)
        self._facts.events.append(
            StreamEvent(kind, side, time_ns, packet, stream, code, name, detail=detail, said=said)
        )
        return True

    def finish(self) -> None:
        """Take the end of the connection."""
        facts = self._facts
        self.streams.finish(facts.last_packet, facts.last_ns)
        self._room.give_back(self._room.taken)  # whether they are kept is decided elsewhere
        facts.sizes = list(self.streams.sizes)
        facts.retransmissions = list(self.streams.repeated)
        facts.gaps = list(self.streams.gaps)
        facts.closes.sort(key=lambda c: (c.time_ns, c.packet))
        facts.events = sorted([*facts.events, *self._limits.values()], key=lambda e: (e.time_ns, e.packet))


def _at(datagram: Datagram) -> tuple[int, int]:
    return datagram.time_ns, datagram.number


def _escaped(reason: bytes) -> str:
    """A reason phrase as one line of printable text."""
    text = reason[:_MOST_SAID].decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
